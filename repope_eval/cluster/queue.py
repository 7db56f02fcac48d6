"""What SLURM says of a user's jobs."""

import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass

_SECONDS = 20.0
"""That an overworked controller is waited for."""

_COMMAND = ("squeue", "--me", "--noheader", "--array", "--format=%i|%T|%r")

RUNNING = frozenset({"RUNNING", "COMPLETING", "CONFIGURING", "STAGE_OUT", "SIGNALING"})
"""States of a job that has a node; in the others that `squeue` shows it waits for one, or to go on."""


@dataclass(frozen=True, slots=True)
class QueuedJob:
    """A job that has not ended."""

    state: str
    """As `squeue` names it: `PENDING`, `RUNNING`."""
    reason: str
    """Why it waits: `Resources`, `Dependency`."""

    @property
    def is_running(self) -> bool:
        """Whether it has a node."""
        return self.state in RUNNING


Queue = Mapping[str, QueuedJob]
"""By the job's name: 12, or 12_3 of an array."""


def read_queue() -> Queue | None:
    """This user's jobs in SLURM's queue; None where there is no SLURM, or it does not answer."""
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
