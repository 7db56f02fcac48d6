"""Commands of the program, each in a process of its own that is forked from one with everything imported.

A command that is started anew spends 4 s of processor time on imports; one that is forked spends none. It is the same
otherwise, but for four things: of its figures, PDF is empty, and SVG is unless `draws` is asked for; intervals are of
a tenth of the replicates; the demo's benchmark has been read before; and its model encodes an image once, where the
plain way of asking has it do so for each question. What SLURM, torchrun and Hydra's launchers start as Python
(`python`) is forked, too. Where the environment tells Python itself something (PYTHONPATH), a command is started anew.
Tests that start Python themselves, because the start is what they are about:

- test_main: what a mistake imports, and a Python without the packages
- test_main: closed outputs, a working folder that is gone, a signal before asking
- test_wheel: the program as it is installed
"""

import json
import os
import select
import shlex
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

from filelock import FileLock

PACKAGE = "repope_eval"
WARM_PROGRAM = Path(__file__).with_name("warm_program.py")
WARM_PYTHON = Path(__file__).with_name("warm_python.py")

EMPTY_DRAWINGS = {
    "svg": b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1 1"/>',
    "pdf": b"%PDF",
}


class WarmProgram:
    """The process that forks commands: started with the first of them, and one for all of pytest's workers."""

    def __init__(self) -> None:
        run = os.environ.get("PYTEST_XDIST_TESTRUNUID", f"of-{os.getpid()}")
        self._folder = Path(f"/tmp/warm-{run}")  # its path is short enough for a socket
        self._requests: socket.socket | None = None

    def send(self, request: Mapping[str, object], files: Sequence[int]) -> None:
        """Sends a request with the files of standard output, of standard error, and for its status."""
        socket.send_fds(self.connected(), [json.dumps(request).encode()], files)

    def python(self) -> Path:
        """A program that other programs may start in Python's place: what it is told to run is forked."""
        self.connected()
        python = self._folder / f"python-{os.getpid()}"
        if not python.exists():
            words = shlex.join([sys.executable, "-SE", str(WARM_PYTHON), str(self._folder / "requests")])
            python.write_text(f'#!/bin/sh\nexec {words} "$@"\n')
            python.chmod(0o755)
        return python

    def close(self) -> None:
        """The process ends when all workers have closed their connections."""
        if self._requests is not None:
            self._requests.close()
            self._requests = None

    def connected(self) -> socket.socket:
        """The socket of requests. The process is started if no worker has yet, and answers some seconds later."""
        if self._requests is None:
            self._requests = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            address = str(self._folder / "requests")
            with FileLock(f"{self._folder}.lock"):
                if self._folder.exists():
                    self._requests.connect(address)
                else:
                    self._folder.mkdir()
                    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listening:
                        listening.bind(address)
                        listening.listen()
                        self._requests.connect(address)
                        _start(listening, self._folder)
        return self._requests


def _start(listening: socket.socket, folder: Path) -> None:
    """Nobody waits for the end of what is started: the last worker brings it about, by `close`, not Ctrl-C."""
    command = ["setsid", "--fork", sys.executable, WARM_PROGRAM, folder]
    subprocess.run(command, stdin=listening, stdout=subprocess.DEVNULL, check=True)


warm_program = WarmProgram()


class Command:
    """A command under way: what tests use of `subprocess.Popen`. `communicate` closes what it holds."""

    def __init__(
        self,
        words: Sequence[str],
        folder: Path,
        environment: Mapping[str, str],
        *,
        draws: bool = False,
        python: Path | None = None,
    ) -> None:
        """Returns when the process is there."""
        self.args = list(words)
        self.returncode: int | None = None
        self._output, self._errors = tempfile.TemporaryFile(), tempfile.TemporaryFile()  # noqa: SIM115
        reader, writer = os.pipe()
        self._status = os.fdopen(reader, "rb", buffering=0)
        request = {
            "words": self.args,
            "folder": str(folder),
            "environment": dict(environment),
            "draws": draws,
            "python": None if python is None else str(python),
        }
        try:
            warm_program.send(request, [self._output.fileno(), self._errors.fileno(), writer])
        finally:
            os.close(writer)
        process = self._status.readline()
        assert process, f"{WARM_PROGRAM} has ended, with an error that it wrote to standard error"
        self.pid = int(process)

    def poll(self) -> int | None:
        """How it ended, as `subprocess` says it; None as long as it has not."""
        return self._ended_within(0)

    def wait(self, timeout: float | None = None) -> int:
        if self._ended_within(timeout) is None:
            raise subprocess.TimeoutExpired(self.args, timeout or 0)
        assert self.returncode is not None
        return self.returncode

    def communicate(self, timeout: float | None = None) -> tuple[str, str]:
        """What it wrote to standard output and standard error, when it has ended."""
        self.wait(timeout)
        self._status.close()
        return _taken_text(self._output), _taken_text(self._errors)

    def first_line(self, timeout: float = 60) -> str:
        """The first line that it writes to standard output, which may be long before it ends."""
        end = time.monotonic() + timeout
        while b"\n" not in (written := os.pread(self._output.fileno(), 10_000, 0)):
            assert self.poll() is None, self.communicate()
            assert time.monotonic() < end, f"nothing was written by {self.args}"
            time.sleep(0.02)
        return written.decode().splitlines()[0]

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def _ended_within(self, seconds: float | None) -> int | None:
        if self.returncode is None and select.select([self._status], [], [], seconds)[0]:
            self.returncode = int(self._status.readline())
        return self.returncode


def _taken_text(file: IO[bytes]) -> str:
    with file:
        file.seek(0)
        return file.read().decode()


def start(
    *words: str,
    program: str = PACKAGE,
    folder: Path | None = None,
    environment: Mapping[str, str] | None = None,
    draws: bool = False,
    python: Path | None = None,
) -> "Command | subprocess.Popen[str]":
    """Starts a program, in this folder and environment where no others are given, with empty figures or drawn ones.

    `python` is what it starts further processes with, if not Python.
    """
    environment = os.environ if environment is None else environment
    if _can_be_forked(environment):
        return Command([program, *words], folder or Path.cwd(), environment, draws=draws, python=python)
    return subprocess.Popen(
        [sys.executable, *(["-m"] if program == PACKAGE else []), program, *words],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def run(
    *words: str,
    program: str = PACKAGE,
    folder: Path | None = None,
    environment: Mapping[str, str] | None = None,
    draws: bool = False,
    python: Path | None = None,
) -> "subprocess.CompletedProcess[str]":
    """Runs a program to its end."""
    command = start(
        *words, program=program, folder=folder, environment=environment, draws=draws, python=python
    )
    try:
        output, errors = command.communicate(timeout=300)
    except subprocess.TimeoutExpired:
        command.kill()
        command.communicate()
        raise
    return subprocess.CompletedProcess(words, command.wait(), output, errors)


def python() -> Path:
    """What another program may start in Python's place: it forks where that is possible."""
    return warm_program.python() if _can_be_forked(os.environ) else Path(sys.executable)


def begin() -> None:
    """Has what forks be there when the first command is to be run."""
    if _can_be_forked(os.environ):
        warm_program.connected()


def _can_be_forked(environment: Mapping[str, str]) -> bool:
    of_python = {name for name in {*environment, *os.environ} if name.startswith("PYTHON")}
    return sys.platform == "linux" and all(
        environment.get(name) == os.environ.get(name) for name in of_python
    )
