"""The page of estimates: what stands in it, and that names of runs stay text."""

from dataclasses import replace

from estimates_examples import estimated_run, estimates_view

from repope_eval.relabelling.estimates_page import render_estimates_page
from repope_eval.relabelling.estimates_view import EstimatesView
from repope_eval.relabelling.estimation import FIGURES

NAUGHTY = "<script>alert(1)</script>"


def page(view: EstimatesView) -> str:
    return render_estimates_page(view, "python -m repope_eval estimate labels=kim.jsonl")


def test_each_run_and_variant_has_a_row_in_each_table_and_the_mean_a_chart() -> None:
    html = page(estimates_view("steady", NAUGHTY))
    assert html.count("120 of 3,000") == 3
    for text in (
        "87.5<small>86.1–88.6</small>",
        "91.0<small>89.8–93.0</small>",
        "+3.5<small>+2.3 to +5.5</small>",
    ):
        assert text in html
    assert html.count("steady<small>random</small>") == 3
    assert html.count("90.0<small>") == html.count("+2.5<small>") == len(FIGURES)
    for heading in ("F1, old labels", "F1, true labels", "change in points", "width with 200 more labels"):
        assert f">{heading}</th>" in html
    assert "F1 by the old labels and under true ones (mean)." in html
    assert (
        "<q>F1 under true labels (mean), estimated from 700 of 5,127 questions that people looked at, protocol pope: "
        "steady 90.0 (95 % 88.8–92.0); "
    ) in html
    assert "<pre>python -m repope_eval estimate labels=kim.jsonl</pre>" in html


def test_the_verdict_comes_first_and_says_what_chance_is_about() -> None:
    html = page(estimates_view("steady", "hasty"))
    before, after = html.split('<section id="f1">')
    assert (
        "F1 of steady rises from 87.5\u00a0% by the old labels to 90.0\u00a0% (95\u00a0% interval 88.8–92.0)"
        in before
    )
    assert "<table" in after
    assert "<table" not in before
    assert "From 700 of 5,127 questions that people looked at, answers read by protocol pope." in before
    assert "Chance, in the intervals of estimates and changes, is in which questions these were." in before


def test_names_of_runs_are_text_and_what_is_undefined_a_dash() -> None:
    html = page(estimates_view("steady", NAUGHTY))
    assert NAUGHTY not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html
    assert html.count("<script") == 1
    assert ">–<" in html


def test_a_benchmark_of_one_variant_has_no_mean() -> None:
    view = replace(estimates_view("steady", "hasty"), rows=[estimated_run("steady", "adversarial", 0.8)])
    assert [each.variant for each in view.headline] == ["adversarial"]
    assert "(adversarial)." in page(view)
