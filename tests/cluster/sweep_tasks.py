"""Running the script of a sweep's tasks as SLURM would run it."""

import os
import sys
from pathlib import Path

from conftest import PROJECT

from repope_eval.cluster.run_state import TaskRecord, read_task_records

SCRIPT = PROJECT / "slurm" / "sweep.sbatch"


def environment_of(task: str, **told: str) -> dict[str, str]:
    return {**os.environ, "SLURM_ARRAY_TASK_ID": task, "PYTHON": sys.executable, **told}


def program(path: Path, script: str) -> str:
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return str(path)


def record(runs: Path) -> TaskRecord:
    (found,) = read_task_records(runs)
    return found
