"""Whole runs of the demo, each a command of its own: two processes that share the device, and Ctrl-C."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import torch

from gpu_checks.rows import Row, count_equal
from repope_eval.runs.answer_store import read_answers

PATIENCE = 240
"""Seconds after which a command counts as stuck."""
INTERRUPTED = 130
"""The exit status of a run that Ctrl-C ended."""
STORED = 20
"""How many answers are stored before Ctrl-C comes."""

Responses = dict[tuple[str, str], tuple[str, int | None]]
"""Response and number of tokens by image and question."""


def two_processes(device: torch.device) -> Iterator[Row]:
    """Two ranks of one run on the one device, as if each were on a machine of its own."""
    with TemporaryDirectory() as folder:
        out = Path(folder) / "run"
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            meeting = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(free.getsockname()[1])}
        # Ranks on one machine have a GPU each, by their local rank: here both have the same.
        place = {"LOCAL_RANK": str(device.index or 0), "LOCAL_WORLD_SIZE": "1", "WORLD_SIZE": "2"}
        ranks = [
            _start(out, f"device={device.type}", **meeting, **place, RANK=str(rank)) for rank in range(2)
        ]
        ended = [_ended(rank) for rank in ranks]
        yield _row("the demo by two processes", ended, out, device)


def interruption(device: torch.device) -> Iterator[Row]:
    """Ctrl-C while the demo is asked one question after another; then the same command again, in batches."""
    # A shell starts background jobs with SIGINT ignored, and what they start inherits that.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    with TemporaryDirectory() as folder:
        out = Path(folder) / "run"
        run = _start(out, f"device={device}", "engine=sequential", "batch_size=1")
        try:
            _wait_for_answers(out / "answers.jsonl", run)
            run.send_signal(signal.SIGINT)
        finally:
            status, said = _ended(run)
        kept = (out / "answers.jsonl").read_bytes()
        lines, all_lines = kept.count(b"\n"), len(_responses_of_one(device))
        yield Row(
            "Ctrl-C",
            f"{lines} of {all_lines} answers are kept; exit status {status}"
            + ("" if status == INTERRUPTED else f": {said}"),
            status == INTERRUPTED and STORED <= lines < all_lines and kept.endswith(b"\n"),
        )
        again = [_ended(_start(out, f"device={device}"))]
        row = _row("the run that Ctrl-C ended, run again", again, out, device)
        is_kept = (out / "answers.jsonl").read_bytes().startswith(kept)
        found = f"{row.found}; what was kept is {'unchanged' if is_kept else 'CHANGED'}"
        yield Row(row.what, found, bool(row.ok) and is_kept)


@cache
def _responses_of_one(device: torch.device) -> Responses:
    """What one process answers without any interruption."""
    with TemporaryDirectory() as folder:
        status, said = _ended(_start(Path(folder) / "run", f"device={device}"))
        if status:
            raise RuntimeError(f"the demo ended with status {status}: {said}")
        return _responses(Path(folder) / "run")


def _row(what: str, ended: list[tuple[int, str]], out: Path, device: torch.device) -> Row:
    """Whether commands ended well and answered as one process does."""
    failed = [f"exit status {status}: {said}" for status, said in ended if status]
    if failed:
        return Row(what, "; ".join(failed), False)
    expected, found = _responses_of_one(device), _responses(out)
    equal = count_equal(found, expected)
    return Row(
        what, f"{equal} of {len(expected)} answers as one process gives", equal == len(expected) == len(found)
    )


def _responses(out: Path) -> Responses:
    return {
        (answer.question.image, answer.question.text): (answer.response, answer.n_tokens)
        for answer in read_answers(out / "answers.jsonl")
    }


def _start(out: Path, *words: str, **environment: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "repope_eval", "model=tiny", "bench=demo", f"out={out}", *words],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **environment},
    )


def _ended(command: "subprocess.Popen[str]") -> tuple[int, str]:
    """The exit status, and the last line that was said; a command that is stuck is killed."""
    try:
        _, said = command.communicate(timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        command.kill()
        _, said = command.communicate()
    return command.returncode, (said.strip().splitlines() or [""])[-1]


def _wait_for_answers(file: Path, command: "subprocess.Popen[str]") -> None:
    deadline = time.monotonic() + PATIENCE
    while not (file.exists() and file.read_bytes().count(b"\n") >= STORED):
        if command.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"the run stored fewer than {STORED} answers")
        time.sleep(0.01)
