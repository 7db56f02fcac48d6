"""Whether two results are the same: the sentences, the table and the fields."""

from dataclasses import replace
from pathlib import Path

import pytest
from compared import compared, scored_run
from run_folders import answer_lines, demo

from repope_eval.comparison.equivalence import (
    equivalence_fields,
    equivalence_table,
    equivalence_verdict,
    flip_fields,
)
from repope_eval.comparison.page import comparison_document, render_comparison_page
from repope_eval.comparison.view import ComparisonView
from repope_eval.scoring.equivalence import Equivalence
from repope_eval.scoring.estimates import Estimate


@pytest.fixture(scope="module")
def view(tmp_path_factory: pytest.TempPathFactory) -> ComparisonView:
    folder = tmp_path_factory.mktemp("unlike")
    return compared(
        scored_run(folder / "a", answer_lines(demo(), 0.1, 1)),
        scored_run(folder / "b", answer_lines(demo(), 0.1, 2)),
        margin=0.02,
    )


def said_of(view: ComparisonView, found: Equivalence) -> str:
    """The first sentence, with this found in the variant that the verdict is about."""
    labels = replace(view.labels[-1], equivalence={**view.labels[-1].equivalence, "mean": found})
    return equivalence_verdict(replace(view, labels=(*view.labels[:-1], labels))).split(" Of the answers")[0]


def test_it_says_how_many_answers_flip(view: ComparisonView) -> None:
    changed = replace(
        view,
        tally=replace(view.tally, n_shared=1000, n_same=990, n_yes_no=6, n_no_yes=3),
        flip_rate=Estimate(value=0.01, interval=(0.004, 0.0212), method="bootstrap"),
        labels=tuple(replace(each, equivalence={}) for each in view.labels),
    )
    assert equivalence_verdict(changed) == (
        "Of the answers to the 1,000 questions that both answered, 10 flip, 1.00 % (95 % over images 0.40–2.12 %): 6 "
        "from yes of a to no of b, 3 from no of a to yes of b, 1 to or from what is read as neither."
    )
    same = replace(
        changed,
        tally=replace(changed.tally, n_same=1000, n_yes_no=0, n_no_yes=0),
        flip_rate=Estimate(value=0.0, interval=(0.0, 0.0037), method="gamma"),
    )
    assert equivalence_verdict(same) == (
        "Of the answers to the 1,000 questions that both answered, none flips (95 % over images 0.00–0.37 %)."
    )
    single = replace(
        same,
        tally=replace(same.tally, n_same=999, n_no_yes=1),
        flip_rate=Estimate(value=0.001, reason="a single image counts in it"),
    )
    assert equivalence_verdict(single).endswith(
        ", 1 flips, 0.10 % (no interval: a single image counts in it): 1 from no of a to yes of b."
    )


@pytest.mark.parametrize(
    ("interval", "images", "words"),
    [
        (
            (-0.0021, 0.0034),
            None,
            "Same within 0.50 points: the difference of F1 (mean) under RePOPE lies between −0.21 and +0.34 points "
            "(90 % interval), inside the margin.",
        ),
        (
            (-0.012, 0.004),
            2741,
            "Not shown to be the same within 0.50 points: the difference of F1 (mean) under RePOPE lies between −1.20 "
            "and +0.40 points (90 % interval), which is not inside the margin; if they are the same, it takes about "
            "2,800 images to show it, and there are 100.",
        ),
        (
            (0.002, 0.0051),
            None,
            "Not shown to be the same within 0.50 points: the difference of F1 (mean) under RePOPE lies between +0.20 "
            "and +0.51 points (90 % interval), which is not inside the margin.",
        ),
        (
            (-0.019, -0.008),
            None,
            "Not the same within 0.50 points: the difference of F1 (mean) under RePOPE lies between −1.90 and −0.80 "
            "points (90 % interval), beyond the margin.",
        ),
    ],
)
def test_the_verdict_says_where_the_difference_lies(
    interval: tuple[float, float], images: int | None, words: str, view: ComparisonView
) -> None:
    found = Equivalence(margin=0.005, value=0.001, interval=interval, images_needed=images)
    assert said_of(view, found) == words


def test_without_an_interval_it_cannot_be_told(view: ComparisonView) -> None:
    found = Equivalence(margin=0.005, value=None, reason="no question that both answered")
    assert said_of(view, found) == (
        "Whether the two are the same within 0.50 points cannot be told: no question that both answered."
    )


def test_each_label_set_and_variant_has_its_row(view: ComparisonView) -> None:
    shown = equivalence_table(view)
    assert shown is not None
    assert [column.title for column in shown.columns] == [
        "labels",
        "variant",
        "difference, 90 %",
        "within 2.00 points",
        "images it takes",
    ]
    n_variants = sum(len(labels.gaps) for labels in view.labels)
    assert len(shown.rows) == n_variants == 8
    last = [cell.full_text for cell in shown.rows[-1].cells]
    assert last[:2] == ["RePOPE", "mean"]
    assert last[3] == "not shown"
    assert last[4].startswith("about ")
    known = tuple(
        replace(
            each,
            equivalence={name: Equivalence(margin=0.02, value=0.0, interval=(0, 0)) for name in each.gaps},
        )
        for each in view.labels
    )
    shown = equivalence_table(replace(view, labels=known))
    assert shown is not None
    assert [column.title for column in shown.columns][-1] == "within 2.00 points"
    assert {row.cells[-1].text for row in shown.rows} == {"the same"}


def test_the_page_has_the_table_only_with_a_margin(view: ComparisonView) -> None:
    html = render_comparison_page(view, "")
    assert '<section id="equivalence">' in html
    assert equivalence_verdict(view).replace(" %", "\u00a0%") in html
    without = replace(view, labels=tuple(replace(each, equivalence={}) for each in view.labels))
    assert equivalence_table(without) is None
    html = render_comparison_page(without, "")
    assert "equivalence" not in html
    assert equivalence_verdict(without).replace(" %", "\u00a0%") in html


def test_the_document_has_both(view: ComparisonView) -> None:
    document = comparison_document(view)
    assert document["equivalence_verdict"] == equivalence_verdict(view)
    found = document["labels"][-1]["variants"]["mean"]["equivalence"]
    assert found == equivalence_fields(view.labels[-1].equivalence["mean"])
    assert list(found) == ["margin", "verdict", "value", "ci90", "images_needed", "reason"]
    assert equivalence_fields(None) is None
    flips = document["flip_rate"]
    assert flips == flip_fields(view)
    assert flips["value"] == pytest.approx(flips["n_flipped"] / flips["n_questions"])
    assert flips["n_yes_no"] + flips["n_no_yes"] == flips["n_flipped"]


def test_fewer_answers_are_judged_by_what_both_answered(tmp_path: Path) -> None:
    lines = answer_lines(demo(), 0.1, 1)
    found = compared(scored_run(tmp_path / "a", lines), scored_run(tmp_path / "b", lines[:500]), margin=0.5)
    mean = found.labels[-1].equivalence["mean"]
    assert (mean.value, mean.verdict) == (0, "same")
