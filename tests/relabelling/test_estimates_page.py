"""The page of estimates: what stands in it, and that names of runs stay text."""

from dataclasses import replace

from estimates_examples import estimated_run, estimates_view

from repope_eval.relabelling.estimates_page import render_estimates_page
from repope_eval.relabelling.estimates_view import EstimatesView
from repope_eval.relabelling.estimation import FIGURES, EstimatedDifference
from repope_eval.relabelling.sampled_labels import FigureEstimate

NAUGHTY = "<script>alert(1)</script>"


def page(view: EstimatesView) -> str:
    return render_estimates_page(view, "python -m repope_eval estimate labels=kim.jsonl")


def test_each_run_has_a_row_in_each_table_and_a_chart_and_its_variants_stand_below() -> None:
    html = page(estimates_view("steady", NAUGHTY))
    means, variants = html.split('<section id="variants">')
    assert (means.count("120 of 3,000"), variants.count("120 of 3,000")) == (1, 3)
    for text in (
        "87.5<small>86.1–88.6</small>",
        "91.0<small>89.8–93.0</small>",
        "+3.5<small>+2.3 to +5.5</small>",
    ):
        assert text in html
    assert (means.count("<small>random</small>"), variants.count("steady<small>random</small>")) == (0, 2)
    assert means.count("90.0<small>") == variants.count("90.0<small>") == len(FIGURES)
    assert means.count("+2.5<small>") == variants.count("+2.5<small>") == len(FIGURES)
    assert "<summary>Every run in random, mean</summary>" in variants
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
    assert "By variant" not in page(view)


def test_the_best_run_stands_first_with_the_places_that_chance_leaves_open() -> None:
    rows = [
        estimated_run(run, "popular", f1) for run, f1 in (("second", 0.85), ("first", 0.9), ("third", 0.8))
    ]
    sure = EstimatedDifference("first", "third", FigureEstimate(0.1, (0.05, 0.15)), is_sure=True)
    view = replace(estimates_view("steady", "hasty"), rows=rows, differences={"popular": [sure]})
    assert [row.run for row in view.headline] == ["first", "second", "third"]
    for place in ("1<small>1 to 2</small>", "2<small>1 to 3</small>", "3<small>2 to 3</small>"):
        assert place in page(view)


def test_variants_of_many_runs_are_not_printed() -> None:
    few, many = (
        replace(
            estimates_view("steady", "hasty"),
            rows=[estimated_run(run, variant, 0.9) for run in names for variant in ("random", "mean")],
        )
        for names in ("abc", "abcd")
    )
    told = "no variant is printed; estimates.json beside this page has every one"
    assert '<section id="variants">' in page(few)
    assert told not in page(few)
    assert '<section id="variants" class="on-screen">' in page(many)
    assert told in page(many)
