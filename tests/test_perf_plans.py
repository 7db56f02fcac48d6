"""The programs that hold plans of images and of labels against what they take run, and print figures that parse."""

from pathlib import Path

import pytest
from perf_programs import real_answers, run, table

pytestmark = pytest.mark.perf


def test_planning_holds_plans_against_samples(shared: Path) -> None:
    words = ("--draws", "60", "--replicates", "500", "--pairs", "2")
    lines = run("planning", *real_answers(shared), *words, options=())
    (row,) = table(lines, "pair")
    assert (row["points"], row["pairs"], row["test"], row["planned"]) == ("2.04", "1", "alone", "224")
    assert float(row["power there"]) == pytest.approx(0.8, abs=0.15)
    assert float(row["planned / needed"]) == pytest.approx(1, abs=0.2)
    small, middle, large = table(lines, "pair, of 1 point")
    assert {each["all images"] for each in (small, middle, large)} == {"935"}
    assert float(small["refused"]) > float(middle["refused"]) == 0
    assert 0 < float(large["from"]) < 1 < float(large["to"]) < 2
    assert float(large["held"]) == pytest.approx(0.95, abs=0.06)
    (alone,) = table(lines, "pair, of one run")
    assert float(alone["part"]) == pytest.approx(1, abs=0.1)


def test_label_plan_holds_plans_against_the_labels_that_an_interval_takes(shared: Path) -> None:
    words = ("--repetitions", "2", "--widths", ".04")
    lines = run("label_plan", *real_answers(shared), *words, options=())
    rows = table(lines, "models")
    assert [(row["models"], row["wrong"]) for row in rows] == [
        ("all", "0.105"),
        ("llava-v1.5-7b", "0.105"),
        ("llava-v1.5-13b", "0.105"),
        ("all, half the errors", "0.052"),
    ]
    for row in rows:
        assert int(row["planned at .05"]) <= int(row["planned"]) < int(row["at .2"])
        assert float(row["planned / needed"]) == pytest.approx(1, abs=0.25)
    assert rows[0]["planned"] == "475"
    assert lines[-1] == "2 repetitions of each of 3 numbers"
