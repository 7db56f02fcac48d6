"""The SLURM script, run as SLURM would run a task of it."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from conftest import PROJECT

from repope_eval.composition import choices

SCRIPT = PROJECT / "slurm" / "sweep.sbatch"


def run_task(task: str, folder: Path, **environment: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        ["bash", str(SCRIPT)],
        cwd=folder,
        env={**os.environ, "SLURM_ARRAY_TASK_ID": task, "PYTHON": sys.executable, **environment},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def test_a_task_evaluates_its_line_with_the_overrides(tmp_path: Path) -> None:
    models = tmp_path / "models.txt"
    models.write_text("internvl2_5_1b\ntiny\n")
    overrides = "limit=2 protocol=pope"
    result = run_task("1", tmp_path, MODELS=str(models), OVERRIDES=overrides, RUNS=str(tmp_path / "all"))
    assert result.returncode == 0, result.stderr
    scores = json.loads((tmp_path / "all" / "tiny" / "scores.json").read_text())
    assert (scores["model"], scores["protocol"]) == ("tiny", "pope")


@pytest.mark.parametrize(
    ("task", "models", "message"),
    [("7", "models.txt", "has no line 8 for task 7"), ("0", "none.txt", "no such list of models")],
)
def test_a_task_without_a_line_says_so(tmp_path: Path, task: str, models: str, message: str) -> None:
    (tmp_path / "models.txt").write_text("tiny\n")
    result = run_task(task, tmp_path, MODELS=models)
    assert result.returncode == 1
    assert message in result.stderr


def test_the_shipped_list_names_every_model_smallest_first() -> None:
    listed = (PROJECT / "slurm" / "models.txt").read_text().split()
    assert sorted(listed) == sorted(set(choices("model")) - {"tiny"})
    sizes = [float(size.replace("_", ".")) for name in listed for size in re.findall(r"_(\d+(?:_5)?)b", name)]
    assert sizes == sorted(sizes)
    assert len(sizes) == len(listed)


def test_a_warning_has_the_batch_finished_and_the_task_queued_again(tmp_path: Path) -> None:
    """What SLURM's USR1 before the time limit does; `scontrol` stands in for SLURM's."""
    (tmp_path / "models.txt").write_text("tiny batch_size=1\n")
    (tmp_path / "scontrol").write_text('#!/bin/sh\necho "$@" > requeued\n')
    (tmp_path / "scontrol").chmod(0o755)
    process = subprocess.Popen(
        ["bash", str(SCRIPT)],
        cwd=tmp_path,
        env={
            **os.environ,
            "SLURM_ARRAY_TASK_ID": "0",
            "SLURM_JOB_ID": "17",
            "MODELS": "models.txt",
            "PYTHON": sys.executable,
            "PATH": f"{tmp_path}:{os.environ['PATH']}",
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    stored = tmp_path / "runs" / "tiny" / "answers.jsonl"
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and not (stored.exists() and stored.stat().st_size):
        time.sleep(0.01)
    process.send_signal(signal.SIGUSR1)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 143, output
    assert (tmp_path / "requeued").read_text() == "requeue 17\n"
    assert "SIGTERM: finishing the batch in hand" in output
    assert stored.read_bytes().endswith(b"\n")
