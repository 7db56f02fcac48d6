"""`python -m repope_eval status`: real runs, and a sweep's states in text and as JSON."""

import json
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import warm_commands
from conftest import CommandLine
from demo_runs import FIRST_IMAGES, FIRST_QUESTIONS

from repope_eval.cluster.run_state import RunState, State
from repope_eval.commands.status import endings, state_document, state_table, summary
from repope_eval.wording import duration_text


def test_it_shows_what_is_complete_and_what_failed(
    tmp_path: Path, unbroken: Path, command_line: CommandLine
) -> None:
    shutil.copytree(unbroken, tmp_path / "work" / "runs" / "demo" / "tiny")
    assert command_line("model.checkpoint=nowhere", "model.name=seen").returncode == 1  # by who typed it
    failed = command_line("model.checkpoint=nowhere", "model.name=lost", "limit=2", SLURM_JOB_ID="12")
    assert failed.returncode == 1
    result = command_line("status")
    assert result.returncode == 0, result.stderr
    lines = [" ".join(line.split()) for line in result.stdout.splitlines()]
    assert any(line.startswith("demo/tiny complete 1,026 of 1,026") for line in lines)
    (line,) = [line for line in lines if line.startswith("demo/lost failed: ")]
    assert line.removeprefix("demo/lost failed: ") in " ".join(failed.stderr.split())
    assert lines[-1] == "2 runs: 1 failed, 1 complete"


def test_foreign_answers_to_a_part_of_the_questions_show_which_part(
    tmp_path: Path, unbroken: Path, command_line: CommandLine
) -> None:
    part = tmp_path / "part.jsonl"
    part.write_text("".join((unbroken / "answers.jsonl").read_text().splitlines(keepends=True)[:600]))
    assert command_line("score", f"answers={part}").returncode == 0
    shown = " ".join(command_line("status").stdout.split())
    assert "demo/part complete 600 of 1,026" in shown


def test_json_of_a_folder_without_runs_and_of_none(command_line: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "work" / "runs").mkdir()
    result = command_line("status", "json=true")
    document = json.loads(result.stdout)
    assert (document["runs"], document["states"]) == ("runs", [])
    missing = command_line("status", "runs=nowhere")
    assert (missing.returncode, missing.stderr.count("\n")) == (1, 1)


def test_watching_follows_a_run_to_its_end(tmp_path: Path) -> None:
    """A run is stopped where it is by SIGSTOP, so that it cannot end before it is looked at."""
    run = warm_commands.start("batch_size=1", FIRST_IMAGES, folder=tmp_path)
    stored = tmp_path / "runs" / "demo" / "tiny" / "answers.jsonl"
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and not (stored.exists() and stored.stat().st_size):
        time.sleep(0.02)
    run.send_signal(signal.SIGSTOP)
    watching = subprocess.Popen(
        [sys.executable, "-m", "repope_eval", "status", "watch=1", "json=true"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert watching.stdout is not None
    (first,) = json.loads(watching.stdout.readline())["states"]
    run.send_signal(signal.SIGCONT)
    assert (first["state"], first["of"], first["model"]) == ("running", FIRST_QUESTIONS, "tiny")
    assert 0 < first["done"] < FIRST_QUESTIONS
    assert first["rate"] > 0
    rest = watching.communicate(timeout=180)[0].splitlines()
    run.communicate(timeout=60)
    assert run.returncode == 0
    (last,) = json.loads(rest[-1])["states"]
    assert (last["state"], last["done"]) == ("complete", FIRST_QUESTIONS)


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
