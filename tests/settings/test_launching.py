"""Launchers: what becomes of submitit's own exceptions, and a process that it starts and tells to end."""

import json
import os
import re
import signal
import time
from pathlib import Path

import pytest
import warm_commands
from demo_runs import answers

from repope_eval.errors import RepopeError
from repope_eval.settings.launching import told_by_launcher


class UncompletedJobError(Exception):
    """As submitit calls its own, which need not be installed."""


def test_a_job_that_is_not_queued_again_is_told_with_the_way_on() -> None:
    with pytest.raises(RepopeError) as caught, told_by_launcher():
        raise UncompletedJobError("Job not requeued because: timed-out too many times.")
    assert str(caught.value).startswith(
        "Job not requeued because: timed-out too many times; the same command goes on"
    )
    assert "hydra.launcher.max_num_timeout=" in str(caught.value)


def test_what_is_no_launchers_stays_as_it_is() -> None:
    with pytest.raises(ZeroDivisionError), told_by_launcher():
        raise ZeroDivisionError


def test_a_process_of_submitit_that_is_told_to_end_keeps_its_batch_and_starts_again(
    tmp_path: Path, warm_python: Path
) -> None:
    """Without SLURM, submitit starts processes here, and starts one again that its handler has end with 144."""
    pytest.importorskip("hydra_plugins.hydra_submitit_launcher")
    words = ["limit=40", "out=runs/${limit}", "batch_size=1", "hydra/launcher=submitit_local"]
    process = warm_commands.start("-m", *words, folder=tmp_path, python=warm_python)
    run = tmp_path / "runs" / "40"
    deadline = time.monotonic() + 120
    while not ((run / "answers.jsonl").exists() and (run / "answers.jsonl").stat().st_size):
        assert time.monotonic() < deadline
        assert process.poll() is None, process.communicate()
        time.sleep(0.01)
    _signal(run, signal.SIGUSR2)
    output = process.communicate(timeout=240)
    assert process.returncode == 0, output
    log = (run / "run.log").read_text()
    assert "SIGUSR2: finishing the batch in hand, then stopping" in log
    first, resumed = (int(number) for number in re.findall(r"asking (\d+) questions", log))
    assert resumed < first == len(answers(run))


def _signal(run: Path, number: int) -> None:
    """Sends a signal to the process that has a run folder."""
    os.kill(json.loads((run / "manifest.json").read_text())["process"]["id"], number)
