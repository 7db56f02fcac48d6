"""Which runs a sweep has: folders, tasks and the queue of SLURM put together."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from repope_eval.cluster.run_state import Queue, QueuedJob, read_queue
from repope_eval.cluster.sweep_plan import read_sweep

EARLY, LATE = "2026-01-02T10:00:00+00:00", "2026-01-02T11:00:00+00:00"


def write_run(root: Path, place: str, **facts: Any) -> None:
    folder = root / place
    folder.mkdir(parents=True)
    settings = {"model": {"name": folder.name}, "bench": {"name": "repope"}}
    manifest = {"identity": {}, "status": "running", "settings": settings, "started": EARLY}
    (folder / "manifest.json").write_text(json.dumps(manifest | facts))


def write_record(root: Path, job: str, place: str, **fields: str) -> None:
    (root / "tasks").mkdir(parents=True, exist_ok=True)
    lines = {"out": str(root / place), "words": f"model={place}", **fields}
    text = "".join(f"{key}={value}\n" for key, value in lines.items())
    (root / "tasks" / f"{job}.task").write_text(text)


def test_tasks_stand_in_the_order_of_their_list_and_runs_by_hand_after_them(tmp_path: Path) -> None:
    for number in (0, 2, 10):
        write_record(tmp_path, f"7_{number}", f"model_{number}")
    write_run(tmp_path, "by_hand", status="complete")
    write_run(tmp_path, "model_10", status="complete", process={"job": "7_10"})
    queue: Queue = {"7_0": QueuedJob("RUNNING", "None"), "7_2": QueuedJob("PENDING", "Priority")}
    found = [(state.out, state.state) for state in read_sweep(tmp_path, lambda: queue)]
    assert found == [
        ("model_0", "running"),
        ("model_2", "waiting"),
        ("model_10", "complete"),
        ("by_hand", "complete"),
    ]


def test_of_two_tasks_for_a_folder_the_newer_counts(tmp_path: Path) -> None:
    write_record(tmp_path, "9_0", "model", started=EARLY, ended="1")
    write_record(tmp_path, "10_0", "model")
    (state,) = read_sweep(tmp_path, lambda: {"10_0": QueuedJob("PENDING", "Priority")})
    assert (state.job, state.state) == ("10_0", "waiting")


def test_of_two_tasks_for_a_folder_the_one_in_the_queue_counts(tmp_path: Path) -> None:
    """The second found the folder taken; then the first one's node vanished, and SLURM has it again."""
    write_record(tmp_path, "9_0", "model", started=EARLY)
    write_record(tmp_path, "10_0", "model", started=LATE, ended="1")
    for reason in ("PENDING", "RUNNING"):
        (state,) = read_sweep(tmp_path, lambda reason=reason: {"9_0": QueuedJob(reason, "None")})
        assert state.job == "9_0"
        assert state.state in ("waiting", "running")


def test_a_task_that_has_ended_counts_less_even_where_the_queue_still_has_it(tmp_path: Path) -> None:
    write_record(tmp_path, "9_0", "model", started=EARLY)
    write_record(tmp_path, "10_0", "model", started=LATE, ended="1")
    os.utime(tmp_path / "tasks" / "9_0.task", (1000, 1000))
    running = QueuedJob("RUNNING", "None")
    (state,) = read_sweep(tmp_path, lambda: {"9_0": running, "10_0": running})
    assert (state.job, state.state) == ("9_0", "running")


def test_of_two_tasks_that_have_ended_the_one_that_ended_last_counts(tmp_path: Path) -> None:
    for job, seconds in (("9_0", 2000), ("10_0", 1000)):
        write_record(tmp_path, job, "model", started=EARLY, ended="1")
        os.utime(tmp_path / "tasks" / f"{job}.task", (seconds, seconds))
    (state,) = read_sweep(tmp_path, dict)
    assert state.job == "9_0"


def test_a_start_by_hand_after_a_task_counts_more_than_its_record(tmp_path: Path) -> None:
    (tmp_path / "tasks").mkdir()
    log = tmp_path / "tasks" / "7_0.log"
    log.write_text("loading\nno GPU here\n\n")
    write_record(tmp_path, "7_0", "model", started=EARLY, ended="1", log=str(log))
    (state,) = read_sweep(tmp_path, dict)
    assert (state.state, state.line) == ("failed", "no GPU here")
    write_run(tmp_path, "model", started=LATE, ended={"how": "interrupted", "line": "Ctrl-C"})
    (state,) = read_sweep(tmp_path, dict)
    assert (state.state, state.line, state.job) == ("interrupted", "Ctrl-C", None)


def test_slurm_is_asked_only_where_a_run_is_its(tmp_path: Path) -> None:
    def ask() -> Queue:
        raise AssertionError("SLURM was asked")

    write_run(tmp_path, "by_hand", status="complete")
    assert [state.state for state in read_sweep(tmp_path, ask)] == ["complete"]


def test_a_single_run_folder_is_a_sweep_of_one(tmp_path: Path) -> None:
    write_run(tmp_path, "model", status="complete")
    (state,) = read_sweep(tmp_path / "model")
    assert state.out == "model"


def test_of_logs_only_a_sweeps_own_are_read(tmp_path: Path) -> None:
    """A record of others may name any file, whose last line was shown."""
    runs, secret = tmp_path / "runs", tmp_path / "secret"
    secret.write_text("the last line of a key\n")
    write_record(runs, "7_0", "model", started=EARLY, ended="1", log=str(secret))
    (runs / "link.log").symlink_to(secret)
    write_record(runs, "7_1", "linked", started=EARLY, ended="1", log=str(runs / "link.log"))
    by_hand = tmp_path / "repope-7_2.log"
    by_hand.write_text("no GPU here\n")
    write_record(runs, "7_2", "by_hand", started=EARLY, ended="1", log=str(by_hand))
    assert [state.line for state in read_sweep(runs, dict)] == [
        "exit status 1",
        "exit status 1",
        "no GPU here",
    ]


def install(folder: Path, script: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Puts a `squeue` before all others."""
    program = folder / "squeue"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")


def test_each_task_of_an_array_has_its_state_and_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(
        tmp_path,
        "printf '12_0|RUNNING|None\\n12_1|PENDING|Resources\\n14|PENDING|Dependency\\n'",
        monkeypatch,
    )
    jobs = read_queue()
    assert jobs == {
        "12_0": QueuedJob("RUNNING", "None"),
        "12_1": QueuedJob("PENDING", "Resources"),
        "14": QueuedJob("PENDING", "Dependency"),
    }
    assert jobs["12_0"].is_running
    assert not jobs["14"].is_running


def test_an_empty_queue_is_known_to_be_empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(tmp_path, "true", monkeypatch)
    assert read_queue() == {}


def test_without_an_answer_the_queue_is_unknown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(tmp_path, "echo 'Unable to contact slurm controller' >&2; exit 1", monkeypatch)
    assert read_queue() is None
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    assert read_queue() is None
