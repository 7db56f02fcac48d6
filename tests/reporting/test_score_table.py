"""The rows of the table: what stands in them, what changed, and what is undefined."""

import dataclasses

import pytest
from score_examples import CELL, RELABELLED, UNDEFINED_CELL, cell_of, scores_of

from repope_eval.reporting.figure_texts import BALANCED_TITLES, FIGURE_TITLES
from repope_eval.reporting.score_table import COLUMNS, ScoreRow, score_rows
from repope_eval.scoring.protocol_scores import mean


def cells(row: ScoreRow) -> tuple[str, ...]:
    return tuple(map(row.figure, ("tp", "fp", "tn", "fn", "precision", "recall", "f1")))


def counts(row: ScoreRow) -> tuple[str, ...]:
    return tuple(map(row.count, ("n_questions", "n_unanswered", "n_unparsed")))


def test_a_variant_under_both_label_sets_and_what_changed() -> None:
    titles = [FIGURE_TITLES[name] for name in COLUMNS]
    assert titles == ["F1", "precision", "recall", "TP", "FP", "TN", "FN"]
    rows = list(score_rows(scores_of({"random": CELL}, {"random": RELABELLED})))
    before = ("1150", "28", "1288", "306", "0.9762", "0.7898", "0.8732†")
    after = ("1002", "49", "1288", "127", "0.9534", "0.8875", "0.9193")
    change = ("−148", "+21", "0", "−179", "−0.0228", "+0.0977", "+0.0461")
    balanced = ("0.8500", "0.8843", "0.7000")
    assert [(row.variant, row.labels, *counts(row)) for row in rows] == [
        ("random", "POPE", "3000", "228", "5"),
        ("random", "RePOPE", "2774", "2", "5"),
        ("random", "change", "", "", ""),
    ]
    assert [cells(row) for row in rows] == [before, after, change]
    assert [tuple(map(row.figure, BALANCED_TITLES)) for row in rows] == [balanced, balanced, ("0.0000",) * 3]
    assert [(row.f1_interval(), row.f1_interval(short=True)) for row in rows] == [
        *[("0.8512 to 0.8933", ".8512–.8933")] * 2,
        ("+0.0349 to +0.0572", "+.0349 to +.0572"),
    ]
    assert [(row.is_first, row.is_change) for row in rows] == [(True, False), (False, False), (False, True)]


def test_an_interval_up_to_all_right() -> None:
    cell = cell_of(CELL, f1_interval=(0.99996, 1.0))
    (row,) = score_rows(dataclasses.replace(scores_of({}), cells={"pope": {"custom": cell}}))
    assert row.f1_interval(short=True) == "1.0000–1.0000"


def test_what_is_undefined_is_a_dash_and_so_is_its_change() -> None:
    rows = list(score_rows(scores_of({"random": CELL}, {"random": UNDEFINED_CELL})))
    assert [cells(row)[4:] for row in rows[1:]] == [("–", "0.7898", "–"), ("–", "0.0000", "–")]
    rows = list(score_rows(scores_of({"random": UNDEFINED_CELL}, {"random": CELL})))
    assert cells(rows[2])[4:] == ("–", "0.0000", "–")


def test_means_of_counts_have_one_decimal() -> None:
    other = dataclasses.replace(CELL, tp=1151, n_questions=2727, n_answered=2700, n_unparsed=6)
    (row,) = score_rows(scores_of({"mean": mean([CELL, CELL, other])}))
    assert cells(row)[:2] == (f"{(1150 + 1150 + 1151) / 3:.1f}", "28")
    assert counts(row) == ("2909", "161", "5.3")


@pytest.mark.parametrize("difference", [0.00004, -0.00004])
def test_a_change_that_rounds_to_nothing_has_no_sign(difference: float) -> None:
    after = dataclasses.replace(CELL, f1=0.8732 + difference, tp=1150 + difference)
    change = list(score_rows(scores_of({"mean": CELL}, {"mean": after})))[2]
    assert (cells(change)[0], cells(change)[-1]) == ("0", "0.0000")
