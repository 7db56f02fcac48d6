"""The page of estimates: what stands in it, and that names of runs stay text."""

from dataclasses import replace

from estimates_examples import estimated_run, estimates_view

from repope_eval.relabelling.estimates_page import render_estimates_page
from repope_eval.relabelling.estimation import FIGURES

NAUGHTY = "<script>alert(1)</script>"


def test_each_run_and_variant_has_a_row_and_the_mean_a_chart() -> None:
    html = render_estimates_page(estimates_view("steady", NAUGHTY))
    assert "From 700 of 5,127 questions that people looked at, answers read by protocol pope." in html
    assert html.count("120 of 3,000") == 3
    for text in ("87.5", "91.0<small>89.8–93.0</small>", ">3.2<", ">2.2<"):
        assert text in html
    for heading in ("width of F1&#39;s interval", "width with 200 more labels"):
        assert heading in html
    assert "F1 by the old labels and under true ones (mean)." in html
    assert html.count("90.0<small>") == len(FIGURES)
    assert (
        "<q>F1 under true labels (mean), estimated from 700 of 5,127 questions that people looked at, protocol pope: "
        "steady 90.0 (95 % 88.8–92.0); "
    ) in html


def test_names_of_runs_are_text_and_what_is_undefined_a_dash() -> None:
    html = render_estimates_page(estimates_view("steady", NAUGHTY))
    assert NAUGHTY not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html
    assert html.count("<script") == 1
    assert ">–<" in html


def test_a_benchmark_of_one_variant_has_no_mean() -> None:
    view = replace(estimates_view("steady", "hasty"), rows=[estimated_run("steady", "adversarial", 0.8)])
    assert [each.variant for each in view.headline] == ["adversarial"]
    assert "(adversarial)." in render_estimates_page(view)
