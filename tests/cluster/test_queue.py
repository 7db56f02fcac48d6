"""Reading SLURM's queue."""

from pathlib import Path

import pytest

from repope_eval.cluster.run_state import QueuedJob, read_queue


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
