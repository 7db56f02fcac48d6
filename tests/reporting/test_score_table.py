"""The tables of scores: what is in their rows, what changed, and what is undefined."""

import dataclasses

import pytest
from score_examples import CELL, RELABELLED, UNDEFINED_CELL, cell_of, scores_of

from repope_eval.reporting.figure_texts import BALANCED_TITLES, COUNT_TITLES
from repope_eval.reporting.score_table import (
    POPE_FIGURES,
    ScoreRow,
    console_table,
    count_table,
    score_rows,
    score_table,
)
from repope_eval.reporting.tables import Table
from repope_eval.scoring.protocol_scores import mean
from repope_eval.scoring.scores import Scores

BOTH = scores_of({"random": CELL}, {"random": RELABELLED})


def two_variants() -> Scores:
    return scores_of(
        {"random": CELL, "popular": CELL, "mean": mean([CELL, CELL])},
        {"random": RELABELLED, "popular": CELL, "mean": mean([RELABELLED, CELL])},
    )


def cells(row: ScoreRow) -> tuple[str, ...]:
    return tuple(map(row.figure, ("tp", "fp", "tn", "fn", "precision", "recall", "f1")))


def counts(row: ScoreRow) -> tuple[str, ...]:
    return tuple(map(row.count, ("n_questions", "n_unanswered", "n_unparsed")))


def texts(table: Table) -> list[list[str]]:
    return [[cell.full_text for cell in row.cells] for row in table.rows]


def titles(table: Table) -> list[str]:
    return [column.title for column in table.columns]


def test_a_variant_under_both_label_sets_and_what_changed() -> None:
    rows = list(score_rows(BOTH))
    before = ("1150", "28", "1288", "306", "97.6", "79.0", "87.3†")
    after = ("1002", "49", "1288", "127", "95.3", "88.8", "91.9")
    change = ("−148", "+21", "0", "−179", "−2.3", "+9.8", "+4.6")
    balanced = ("85.0", "88.4", "0.700")
    assert [(row.variant, row.labels, *counts(row)) for row in rows] == [
        ("random", "POPE", "3000", "228", "5"),
        ("random", "RePOPE", "2774", "2", "5"),
        ("random", "change", "", "", ""),
    ]
    assert [cells(row) for row in rows] == [before, after, change]
    assert [tuple(map(row.figure, BALANCED_TITLES)) for row in rows] == [
        balanced,
        balanced,
        ("0.0", "0.0", "0.000"),
    ]
    assert [row.interval("f1") for row in rows] == ["85.1–89.3", "85.1–89.3", "+3.5 to +5.7"]
    assert [row.interval("recall") for row in rows] == [""] * 3
    assert [(row.is_first, row.is_change) for row in rows] == [(True, False), (False, False), (False, True)]


def test_the_table_has_popes_own_figures_in_percent_and_the_interval_of_f1_alone() -> None:
    assert POPE_FIGURES == ("f1", "accuracy", "precision", "recall", "yes_ratio")
    table = score_table("a caption", BOTH)
    assert table.caption == "a caption"
    assert titles(table) == ["variant", "labels", "F1", "accuracy", "precision", "recall", "yes ratio"]
    assert texts(table) == [
        ["random", "POPE", "87.3† (85.1–89.3)", "87.9", "97.6", "79.0", "42.5"],
        ["", "RePOPE", "91.9 (85.1–89.3)", "87.9", "95.3", "88.8", "42.5"],
        ["", "change", "+4.6 (+3.5 to +5.7)", "0.0", "−2.3", "+9.8", "0.0"],
    ]
    assert [row.mark for row in table.rows] == ["", "", "change"]


def test_the_mean_over_variants_has_figures_and_no_counts() -> None:
    scores = two_variants()
    assert [row[0] for row in texts(score_table("", scores)) if row[0]] == ["random", "popular", "mean"]
    means = [row for row in score_rows(scores) if row.variant == "mean"]
    assert [row.figure("f1") for row in means] == ["87.3†", f"{100 * (0.9193 + 0.8732) / 2:.1f}†", "+2.3"]
    for row in means:  # a whole number, such as the mean of two equal counts, is no count either
        assert [row.figure(name) for name in COUNT_TITLES] == ["–"] * 4
        assert counts(row) == ("–", "–", "–")


def test_the_counts_have_a_row_for_each_variant_and_none_for_the_mean() -> None:
    table = count_table("Counts", two_variants())
    assert table.caption == "Counts"
    assert titles(table)[2:] == ["TP", "FP", "TN", "FN", "questions", "no answer", "unparsed"]
    assert texts(table) == [
        ["random", "POPE", "1150", "28", "1288", "306", "3000", "228", "5"],
        ["", "RePOPE", "1002", "49", "1288", "127", "2774", "2", "5"],
        ["", "change", "−148", "+21", "0", "−179", "", "", ""],
        ["popular", "POPE", "1150", "28", "1288", "306", "3000", "228", "5"],
        ["", "RePOPE", "1150", "28", "1288", "306", "3000", "228", "5"],
        ["", "change", "0", "0", "0", "0", "", "", ""],
    ]
    assert [row.starts_group for row in table.rows] == [True, False, False] * 2


def test_the_console_has_what_f1_hides_beside_the_counts() -> None:
    table = console_table(two_variants())
    assert titles(table)[2:] == [
        *("TP", "FP", "TN", "FN", "questions", "no answer", "unparsed"),
        *("F1 at 50 % yes", "balanced accuracy", "MCC"),
    ]
    first, *_, before, after, change = texts(table)
    assert first[2:] == ["1150", "28", "1288", "306", "3000", "228", "5", "85.0", "88.4", "0.700"]
    assert before == ["mean", "POPE", *["–"] * 7, "85.0", "88.4", "0.700"]
    assert after[1:] == ["RePOPE", *["–"] * 7, "85.0", "88.4", "0.700"]
    assert change[1:] == ["change", *["–"] * 7, "0.0", "0.0", "0.000"]


def test_columns_of_what_is_lacking_are_there_only_where_something_is() -> None:
    whole = dataclasses.replace(CELL, n_answered=CELL.n_questions, n_unparsed=0)
    scores = scores_of({"random": whole, "mean": mean([whole, whole])})
    assert titles(count_table("", scores))[-1] == "questions"
    unread = scores_of({"random": dataclasses.replace(whole, n_unparsed=1), "popular": whole})
    assert titles(count_table("", unread))[-2:] == ["questions", "unparsed"]


def test_an_interval_up_to_all_right() -> None:
    cell = cell_of(CELL, f1_interval=(0.9996, 1.0))
    (row,) = score_rows(dataclasses.replace(scores_of({}), cells={"pope": {"custom": cell}}))
    assert row.interval("f1") == "100.0–100.0"


def test_what_is_undefined_is_a_dash_and_so_is_its_change() -> None:
    rows = list(score_rows(scores_of({"random": CELL}, {"random": UNDEFINED_CELL})))
    assert [cells(row)[4:] for row in rows[1:]] == [("–", "79.0", "–"), ("–", "0.0", "–")]
    rows = list(score_rows(scores_of({"random": UNDEFINED_CELL}, {"random": CELL})))
    assert cells(rows[2])[4:] == ("–", "0.0", "–")


@pytest.mark.parametrize("difference", [0.0004, -0.0004])
def test_a_change_that_rounds_to_nothing_has_no_sign(difference: float) -> None:
    after = dataclasses.replace(CELL, f1=0.8732 + difference, mcc=0.7 + difference)
    change = list(score_rows(scores_of({"random": CELL}, {"random": after})))[2]
    assert (cells(change)[0], cells(change)[-1], change.figure("mcc")) == ("0", "0.0", "0.000")
