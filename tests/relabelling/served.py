"""`annotate` in a process of its own, as a person starts it."""

import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import warm_commands

from repope_eval.benchmarks.custom import DEMO_FOLDER

DEMO_IMAGES = DEMO_FOLDER / "images"


def words(out: Path, annotator: str, *others: str) -> list[str]:
    """The words of the command; the images are the demo's."""
    return ["annotate", f"images={DEMO_IMAGES}", f"annotator={annotator}", f"out={out}", *others]


@contextmanager
def served(*command: str) -> Iterator[tuple[warm_commands.Command, str]]:
    """Starts `annotate`, and gives the process and the address that it prints; ends it if it has not ended."""
    process = warm_commands.start(*command)
    assert isinstance(process, warm_commands.Command)
    try:
        yield process, process.first_line()
    finally:
        if process.poll() is None:
            ended(process)


def ended(process: warm_commands.Command, number: int = signal.SIGTERM) -> "subprocess.CompletedProcess[str]":
    """Ends a process by a signal."""
    process.send_signal(number)
    output, errors = process.communicate(timeout=30)
    return subprocess.CompletedProcess(process.args, process.wait(), output, errors)
