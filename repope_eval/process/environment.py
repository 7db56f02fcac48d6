"""What a run ran on: versions of the packages that answers depend on, and the machine."""

import os
import platform
import sys
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version
from typing import Any

_PACKAGES = ("repope-eval", "torch", "transformers", "accelerate", "bitsandbytes", "pillow", "tokenizers")


def versions() -> dict[str, str]:
    """Versions of Python and of the packages that answers depend on, where installed."""
    return {"python": platform.python_version(), **installed(_PACKAGES)}


def installed(packages: Iterable[str]) -> dict[str, str]:
    """Versions of those of the packages that are installed."""
    found = {}
    for package in packages:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def process() -> dict[str, Any]:
    """This process: where to look for what has a run folder. Its `job` is SLURM's, null outside of it."""
    return {"host": platform.node(), "id": os.getpid(), "job": slurm_job()}


def slurm_job() -> str | None:
    """The SLURM job that this process is of, as `squeue` and `scancel` name it: 12, or 12_3 of an array."""
    array, task = os.environ.get("SLURM_ARRAY_JOB_ID"), os.environ.get("SLURM_ARRAY_TASK_ID")
    return f"{array}_{task}" if array and task else os.environ.get("SLURM_JOB_ID")


def usable_cores() -> int:
    """Those that this process may use, where the system tells; else the machine's."""
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1


def machine() -> dict[str, Any]:
    """The machine, without asking torch."""
    return {
        "host": platform.node(),
        "system": platform.platform(),
        "processor": platform.machine(),
        "cores": os.cpu_count(),
    }
