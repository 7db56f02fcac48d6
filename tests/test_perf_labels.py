"""The programs that simulate how people label run, and print figures that parse."""

from pathlib import Path

import pytest
from perf_programs import real_answers, run, table

pytestmark = pytest.mark.perf


def test_stopping_says_how_often_intervals_hold_where_labelling_stops(shared: Path) -> None:
    words = ("--repetitions", "12", "--queue", "500", "--certain", "100", "--widths", ".1", ".06", ".001")
    lines = run("stopping", *real_answers(shared), *words, options=())
    fixed = table(lines, "labels")
    assert [row["labels"] for row in fixed] == ["100", "250", "500"]
    widths = [float(row["width"]) for row in fixed]
    assert widths == sorted(widths, reverse=True)
    early, late, never = table(lines, "stop at")
    assert (early["reached %"], late["reached %"], never["reached %"]) == ("100", "100", "0")
    assert float(early["labels"]) < float(late["labels"]) < float(never["labels"]) == 500
    # What never stops has the intervals of whole queues.
    assert never["holds %"] == never["holds % fixed"] == fixed[-1]["holds %"]
    assert all(float(row["holds %"]) >= 70 for row in (early, late))
    assert lines[-1] == "12 repetitions; mean F1 over the variants of llava-v1.5-13b: 0.9034"


def test_stopping_takes_wrong_labels_for_sound_ones(shared: Path) -> None:
    words = ("--repetitions", "2", "--queue", "100", "--sound", "1", "--widths", ".2")
    lines = run("stopping", *real_answers(shared), *words, options=())
    (row,) = table(lines, "stop at")
    assert row["holds %"] == "100.0"
    assert lines[-1].startswith("2 repetitions; mean F1 over the variants of llava-v1.5-13b: 0.8")
