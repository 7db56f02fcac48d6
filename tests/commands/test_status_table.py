"""A sweep's states in text and as JSON."""

import pytest

from repope_eval.cluster.run_state import RunState, State
from repope_eval.commands.status import endings, state_document, state_table, summary
from repope_eval.wording import duration_text


def run(model: str, state: State, **facts: object) -> RunState:
    known = {"bench": "repope", "out": model, "done": 0, "of": None, "rate": None, "seconds_left": None}
    return RunState(model=model, state=state, **{**known, "host": None, "job": None, "line": "", **facts})


STATES = [
    run("a", "waiting", job="7_0", line="for Resources"),
    run("b", "running", done=1200, of=5127, rate=2.0, seconds_left=1963.5, host="node1", job="7_1"),
    run("d", "complete", done=2942, of=5127),
    run("c", "failed", out="mine/c2", done=3, of=9, line="an image is broken"),
]


def test_a_row_says_how_far_and_how_long() -> None:
    assert [tuple(cell.text for cell in row.cells) for row in state_table(STATES).rows] == [
        ("a", "waiting, for Resources", "", "", "", "", "7_0"),
        ("b", "running", "1,200 of 5,127", "2.00", "33 min", "node1", "7_1"),
        ("d", "complete", "2,942 of 5,127", "", "", "", ""),
        ("c (mine/c2)", "failed", "3 of 9", "", "", "", ""),
    ]


def test_what_ended_early_says_with_what() -> None:
    assert endings(STATES) == ["c (mine/c2) failed: an image is broken"]


def test_no_run_says_another_line() -> None:
    state = run("a\nb", "failed", line="an image is broken\nall is well")
    assert endings([state]) == ["a b failed: an image is broken all is well"]


def test_the_summary_counts_and_names_the_longest_wait() -> None:
    assert (
        summary(STATES)
        == "4 runs: 1 waiting, 1 running, 1 failed, 1 complete; what is running has 33 min left"
    )
    assert summary(STATES[:1]) == "1 run: 1 waiting"
    assert summary([]) == "no runs"


def test_the_document_has_every_state_counted_and_every_run_in_full() -> None:
    document = state_document("runs", "2026-01-02T10:00:00+00:00", STATES)
    assert document["counts"] == {"waiting": 1, "running": 1, "interrupted": 0, "failed": 1, "complete": 1}
    assert document["states"][1] == {
        "model": "b",
        "bench": "repope",
        "out": "b",
        "state": "running",
        "done": 1200,
        "of": 5127,
        "rate": 2.0,
        "seconds_left": 1963.5,
        "host": "node1",
        "job": "7_1",
        "line": "",
    }


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.44, "0.4 s"),
        (9.96, "10 s"),
        (59.4, "59 s"),
        (60, "1 min"),
        (3599, "1 h 00 min"),
        (3660, "1 h 01 min"),
        (90000, "25 h 00 min"),
    ],
)
def test_durations_are_as_long_as_they_read(seconds: float, text: str) -> None:
    assert duration_text(seconds) == text
