"""Runs of the demo: to be started, stopped and compared."""

import json
import time
from pathlib import Path
from typing import Any

import warm_commands

QUESTIONS = 1026
"""Distinct questions of the embedded benchmark."""
FIRST_IMAGES = "limit=40"
"""As much of it as is enough to stop a run in the midst."""
FIRST_QUESTIONS = 405
"""Distinct questions about those images."""


def answers(folder: Path) -> list[dict[str, Any]]:
    """The whole lines of a run's answers; a last one may be cut short."""
    lines = (folder / "answers.jsonl").read_text(encoding="utf-8").split("\n")[:-1]
    return [json.loads(line) for line in lines]


def comparable(folder: Path) -> list[tuple[Any, ...]]:
    """What of the answers is the same however a run went; probabilities are but for rounding."""
    fields = ("image", "question", "response", "n_tokens")
    return sorted((*(line[name] for name in fields), line.get("draw", 0)) for line in answers(folder))


def start(folder: Path, *words: str, stored: int = 100) -> warm_commands.Command:
    """Starts the demo one image at a time, and returns when so many more answers, but not all, are stored."""
    path = folder / "answers.jsonl"
    stored += path.read_bytes().count(b"\n") if path.exists() else 0
    process = warm_commands.start(f"out={folder}", "batch_size=1", *words)
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and process.poll() is None:
        if stored == 0 or (path.exists() and path.read_bytes().count(b"\n") >= stored):
            return process
        time.sleep(0.005)
    process.kill()
    _, errors = process.communicate()
    raise AssertionError(f"no answers: {errors}")
