"""Tables of a run's page beside those of its scores: what is in their cells."""

import dataclasses

from run_examples import EFFECT, EVIDENCE, MISSING, RESOLUTION

from repope_eval.reporting.run_tables import (
    evidence_table,
    missing_table,
    object_table,
    resolution_table,
)
from repope_eval.reporting.tables import Table
from repope_eval.scoring.object_rates import object_rates


def texts(table: Table) -> list[list[str]]:
    return [[cell.full_text for cell in row.cells] for row in table.rows]


def test_the_objects_with_the_highest_rates_come_first_with_intervals_and_counts() -> None:
    effects = [
        dataclasses.replace(EFFECT, group="cat", before=(1, 1, 1, 1), after=(1, 1, 1, 0)),
        dataclasses.replace(EFFECT, group="dog", before=(30, 30, 70, 12), after=(28, 30, 70, 9)),
        dataclasses.replace(EFFECT, group="cup", after=(0, 0, 0, 9)),
    ]
    rates = object_rates(effects, ["pope", "repope"])
    table = object_table(effects, rates)
    assert [column.title for column in table.columns][:5] == [
        "object",
        *("hallucinated, POPE", "hallucinated, RePOPE", "missed, POPE", "missed, RePOPE"),
    ]
    # A cat has raw rates as high, or higher, and of two answers alone.
    assert [row.cells[0].text for row in table.rows] == ["cat", "dog", "cup"]
    dog, cup = table.rows[1].cells, table.rows[2].cells
    one = rates["repope"]["hallucinated"]["dog"].rate
    assert one.value is not None
    assert one.interval is not None
    low, high = (f"{100 * end:.1f}" for end in one.interval)
    assert (dog[2].text, dog[2].note) == (f"{100 * one.value:.1f}", f"{low}–{high}, 30 of 100")
    assert dog[2].values[0] == one.value
    assert (cup[2].text, cup[2].note, cup[2].values[0]) == ("–", "0 of 0", None)
    assert cup[4].note.endswith("9 of 9")
    alone = object_table(effects, object_rates(effects, ["only"]))
    assert [column.title for column in alone.columns] == ["object", "hallucinated, only", "missed, only"]


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
