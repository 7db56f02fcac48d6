"""Tables of a run's page beside those of its scores: what is in their cells."""

import dataclasses

import pytest
from run_examples import EFFECT, EVIDENCE, MISSING, RESOLUTION

from repope_eval.reporting.run_tables import (
    error_text,
    evidence_table,
    missing_table,
    object_table,
    resolution_table,
)
from repope_eval.reporting.tables import Table


def texts(table: Table) -> list[list[str]]:
    return [[cell.full_text for cell in row.cells] for row in table.rows]


@pytest.mark.parametrize(
    ("counts", "outcome", "text"),
    [
        ((30, 3, 38, 12), 1, "3 of 41"),  # false positives, of all that have label no
        ((30, 3, 38, 12), 3, "12 of 42"),  # false negatives, of all that have label yes
        ((5, 0, 0, 0), 1, "0 of 0"),
    ],
)
def test_errors_are_told_of_the_answers_that_could_be_such(
    counts: tuple[int, ...], outcome: int, text: str
) -> None:
    assert error_text(counts, outcome) == text


def test_the_objects_with_the_most_errors_come_first_and_files_have_the_number_alone() -> None:
    few = dataclasses.replace(EFFECT, group="cat", after=(28, 1, 46, 0))
    many = dataclasses.replace(EFFECT, group="dog")
    table = object_table([few, many], ["POPE", "RePOPE"])
    assert [row[:5] for row in texts(table)] == [
        ["dog", "8 of 48", "6 of 47", "12 of 42", "9 of 37"],
        ["cat", "8 of 48", "1 of 47", "12 of 42", "0 of 28"],
    ]
    assert [cell.values for cell in table.rows[0].cells[1:5]] == [(8,), (6,), (12,), (9,)]


def test_coefficients_have_three_decimals_and_the_best_f1_is_in_percent() -> None:
    table = evidence_table({"pope": {"random": EVIDENCE}})
    (row,) = texts(table)
    assert dict(zip([column.title for column in table.columns], row, strict=True)) == {
        "variant": "random",
        "labels": "POPE",
        "questions": "90",
        "AUROC": "0.910 (0.880–0.940)",
        "average precision": "0.900",
        "Brier score": "0.080 (0.070–0.090)",
        "ECE, debiased": "0.043 (0.030–0.060)",
        "ECE": "0.051",
        "best F1, an upper bound": "88.0 (85.0–90.0)",
        "at confidence": "0.620",
    }


def test_f1_over_what_is_left_out_is_in_percent() -> None:
    assert texts(resolution_table({"random": RESOLUTION}, "RePOPE")) == [
        ["random", "219", "91.9", "86.9", "89.4", "83.5", "92.8"]
    ]
    assert texts(missing_table({"pope": {"random": MISSING}})) == [
        ["random", "POPE", "228", "5", "87.3", "80.4", "87.7"]
    ]
