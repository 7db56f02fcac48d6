"""The jobs of a user in SLURM's queue."""

import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass

_SECONDS = 20.0
"""Seconds to wait for an overworked controller."""

_COMMAND = ("squeue", "--me", "--noheader", "--array", "--format=%i|%T|%r")

RUNNING = frozenset({"RUNNING", "COMPLETING", "CONFIGURING", "STAGE_OUT", "SIGNALING"})
"""The states of a job that has a node; in the other states that `squeue` shows, a job waits."""


@dataclass(frozen=True, slots=True)
class QueuedJob:
    """A job that has not ended."""

    state: str
    """The state as `squeue` names it, such as `PENDING` or `RUNNING`."""
    reason: str
    """The reason why it waits, such as `Resources` or `Dependency`."""

    @property
    def is_running(self) -> bool:
        """Whether it has a node."""
        return self.state in RUNNING


Queue = Mapping[str, QueuedJob]
"""The jobs by name: 12, or 12_3 for a task of an array."""


def read_queue() -> Queue | None:
    """This user's jobs in SLURM's queue; None if there is no SLURM, or it does not answer."""
    if shutil.which(_COMMAND[0]) is None:
        return None
    try:
        result = subprocess.run(_COMMAND, capture_output=True, text=True, timeout=_SECONDS, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return _jobs(result.stdout)


def _jobs(listing: str) -> Queue:
    rows = [line.strip().split("|") for line in listing.splitlines()]
    return {row[0]: QueuedJob(row[1], row[2]) for row in rows if len(row) == 3}
