"""What a sweep's task makes of SLURM's signals."""

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest
from sweep_tasks import SCRIPT, environment_of, program, record


def start_task(folder: Path, scontrol: str, **told: str) -> "subprocess.Popen[str]":
    """A task of SLURM job 17, where a script stands in for SLURM's scontrol."""
    program(folder / "scontrol", scontrol)
    return subprocess.Popen(
        ["bash", str(SCRIPT)],
        cwd=folder,
        env=environment_of(
            "0", SLURM_JOB_ID="17", MODELS="models.txt", **{"PATH": f"{folder}:{os.environ['PATH']}"}, **told
        ),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def wait_for(path: Path) -> None:
    deadline = time.monotonic() + 60
    while not (path.exists() and path.stat().st_size):
        assert time.monotonic() < deadline, path
        time.sleep(0.01)


def test_a_warning_has_the_batch_finished_and_the_task_queued_again(
    tmp_path: Path, warm_python: Path
) -> None:
    """What SLURM's USR1 before the time limit does."""
    (tmp_path / "models.txt").write_text("tiny batch_size=1\n")
    process = start_task(tmp_path, 'echo "$@" > requeued', PYTHON=str(warm_python))
    stored = tmp_path / "runs" / "tiny" / "answers.jsonl"
    wait_for(stored)
    process.send_signal(signal.SIGUSR1)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 143, output
    assert (tmp_path / "requeued").read_text() == "requeue 17\n"
    assert "SIGTERM: finishing the batch in hand" in output
    assert stored.read_bytes().endswith(b"\n")
    assert record(tmp_path).ended == "requeued"


WAITING = "trap 'echo told >> told; exit 143' TERM; echo up > up; while :; do sleep 0.05; done"
"""A run that goes on until it is told to stop, and counts how often it is."""


@pytest.mark.parametrize(
    ("signals", "requeued"),
    [
        ((signal.SIGUSR1,), True),
        ((signal.SIGTERM,), False),
        ((signal.SIGUSR1, signal.SIGTERM), False),  # cancelled, or queued again by SLURM itself
    ],
)
def test_who_queues_again_and_that_the_run_is_told_once(
    tmp_path: Path, signals: tuple[signal.Signals, ...], requeued: bool
) -> None:
    (tmp_path / "models.txt").write_text("tiny\n")
    slow = WAITING.replace("exit 143", "sleep 0.5; exit 143")
    process = start_task(tmp_path, "echo > requeued", PYTHON=program(tmp_path / "waiting", slow))
    wait_for(tmp_path / "up")
    for number in signals:
        process.send_signal(number)
        time.sleep(0.2)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 143, output
    assert (tmp_path / "requeued").exists() == requeued
    assert (tmp_path / "told").read_text() == "told\n"
    assert record(tmp_path).ended == ("requeued" if requeued else "143")


def test_a_task_that_loses_its_parent_has_not_succeeded(tmp_path: Path) -> None:
    """The kernel sends SIGHUP where SLURM's own process dies first, as on a node that fails."""
    (tmp_path / "models.txt").write_text("tiny\n")
    process = start_task(tmp_path, "", PYTHON=program(tmp_path / "waiting", WAITING))
    wait_for(tmp_path / "up")
    process.send_signal(signal.SIGHUP)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 129, output
    assert record(tmp_path).ended == "129"
    wait_for(tmp_path / "told")


@pytest.mark.parametrize(("name", "status"), [("HUP", 129), ("TERM", 143), ("USR1", 143)])
def test_a_signal_before_the_shell_knows_the_runs_number_is_passed_on(
    tmp_path: Path, name: str, status: int
) -> None:
    (tmp_path / "models.txt").write_text("tiny\n")
    signalled = f"trap - DEBUG; while [ ! -s up ]; do sleep 0.01; done; kill -{name} $$"
    (tmp_path / "setup.sh").write_text(
        f"""trap '[ "$BASH_COMMAND" != "run=\\$!" ] || {{ {signalled}; }}' DEBUG\n"""
    )
    waiting = program(tmp_path / "waiting", WAITING)
    process = start_task(tmp_path, "echo > requeued", PYTHON=waiting, SETUP="./setup.sh")
    output, _ = process.communicate(timeout=60)
    assert process.returncode == status, output
    wait_for(tmp_path / "told")
    assert (tmp_path / "requeued").exists() == (name == "USR1")


def test_a_run_that_completes_in_spite_of_a_warning_is_not_queued_again(tmp_path: Path) -> None:
    (tmp_path / "models.txt").write_text("tiny\n")
    complete = program(tmp_path / "complete", WAITING.replace("exit 143", "exit 0"))
    process = start_task(tmp_path, "echo > requeued", PYTHON=complete)
    wait_for(tmp_path / "up")
    process.send_signal(signal.SIGUSR1)
    process.communicate(timeout=60)
    assert process.returncode == 0
    assert not (tmp_path / "requeued").exists()
    assert record(tmp_path).ended == "0"


def test_a_warning_during_the_setup_starts_no_run(tmp_path: Path, python: str) -> None:
    (tmp_path / "models.txt").write_text("tiny\n")
    (tmp_path / "setup.sh").write_text("echo up > up\nsleep 1\n")
    process = start_task(tmp_path, "echo > requeued", PYTHON=python, SETUP="./setup.sh")
    wait_for(tmp_path / "up")
    process.send_signal(signal.SIGUSR1)
    process.communicate(timeout=60)
    assert (tmp_path / "requeued").exists()
    assert not (tmp_path / "words").exists()
    assert record(tmp_path).ended == "requeued"


def test_a_task_that_may_not_queue_again_has_ended(tmp_path: Path) -> None:
    (tmp_path / "models.txt").write_text("tiny\n")
    process = start_task(tmp_path, "exit 1", PYTHON=program(tmp_path / "waiting", WAITING))
    wait_for(tmp_path / "up")
    process.send_signal(signal.SIGUSR1)
    process.communicate(timeout=60)
    assert process.returncode == 143
    assert record(tmp_path).ended == "143"
