"""What a run ran on, and how long its stages took."""

import os
import platform
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from typing import Any

_PACKAGES = ("repope-eval", "torch", "transformers", "accelerate", "bitsandbytes", "pillow", "tokenizers")


def versions() -> dict[str, str]:
    """Versions of Python and of the packages that answers depend on, where installed."""
    return {"python": platform.python_version(), **installed(_PACKAGES)}


def installed(packages: Iterable[str]) -> dict[str, str]:
    """The versions of the packages that are installed; the others are left out."""
    by_package = {}
    for package in packages:
        try:
            by_package[package] = version(package)
        except PackageNotFoundError:
            continue
    return by_package


def process() -> dict[str, Any]:
    """What a manifest says of the process that has a run folder; `job` is SLURM's, null outside of SLURM."""
    return {"host": platform.node(), "id": os.getpid(), "job": slurm_job()}


def slurm_job() -> str | None:
    """The SLURM job of this process as `squeue` names it: 12, or 12_3 in an array; None outside of SLURM."""
    array, task = os.environ.get("SLURM_ARRAY_JOB_ID"), os.environ.get("SLURM_ARRAY_TASK_ID")
    return f"{array}_{task}" if array and task else os.environ.get("SLURM_JOB_ID")


def usable_cores() -> int:
    """How many cores this process may use, where the system tells; else how many the machine has."""
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1


def machine() -> dict[str, Any]:
    """What a manifest says of the machine; torch is not asked."""
    return {
        "host": platform.node(),
        "system": platform.platform(),
        "processor": platform.machine(),
        "cores": os.cpu_count(),
    }


Seconds = dict[str, float]
"""Seconds by the name of the stage, as the manifest has them."""


@contextmanager
def timed(seconds: Seconds, stage: str) -> Iterator[None]:
    """Adds the seconds that pass inside to a stage."""
    started = time.perf_counter()
    try:
        yield
    finally:
        seconds[stage] = seconds.get(stage, 0.0) + time.perf_counter() - started


def rounded(seconds: Seconds) -> Seconds:
    """The seconds, rounded to milliseconds."""
    return {stage: round(spent, 3) for stage, spent in seconds.items()}


def moment(text: str) -> datetime:
    """The date and time in a text that `now` made, in UTC where the text names no zone.

    Raises:
        ValueError: the text is no date and time.
    """
    date = datetime.fromisoformat(text)
    return date if date.tzinfo else date.replace(tzinfo=UTC)


def now() -> str:
    """The date and time now in UTC, as text to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")
