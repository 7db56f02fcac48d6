"""How long the stages of a run take, and dates and times as text."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

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
    found = datetime.fromisoformat(text)
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def now() -> str:
    """The date and time now in UTC, as text to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")
