"""Runs a program to its end, and measures the whole of it: on the wall, and on processors, its children included."""

import os
import resource
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_PAUSE = 0.02
"""Seconds between two looks at whether it has ended."""


@dataclass(frozen=True, slots=True)
class Ended:
    """How a program ended, and what it took."""

    status: int
    """Its exit status; minus the signal that ended it."""
    wall: float
    """Seconds from its start to its end."""
    processor: float
    """Seconds that it and the children that it waited for had processors."""
    said: str
    """The last line that it wrote; empty where it wrote none."""


def run_measured(command: Sequence[str], environment: Mapping[str, str], log: Path, patience: float) -> Ended:
    """Runs a command to its end.

    Args:
        command: the program and its words.
        environment: its whole environment.
        log: the file that takes what it writes.
        patience: seconds after which it is killed, with all that it started.
    """
    with log.open("wb") as output:
        started = time.perf_counter()
        process = subprocess.Popen(
            command,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # a group of its own, which can be killed
        )
        status, used = _wait(process.pid, started + patience)
        wall = time.perf_counter() - started
        process.returncode = status  # or its end would be looked for once more
    lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    said = lines[-1].strip() if lines else ""
    return Ended(status, wall, used.ru_utime + used.ru_stime, said)


def _wait(process: int, deadline: float) -> tuple[int, resource.struct_rusage]:
    while True:
        ended, status, used = os.wait4(process, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status), used
        if time.perf_counter() > deadline:
            os.killpg(process, signal.SIGKILL)
            _, status, used = os.wait4(process, 0)
            return os.waitstatus_to_exitcode(status), used
        time.sleep(_PAUSE)
