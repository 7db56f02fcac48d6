"""How long the stages of a run take, and when it was."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

Seconds = dict[str, float]
"""By stage; stands in the manifest."""


@contextmanager
def timed(seconds: Seconds, stage: str) -> Iterator[None]:
    """Adds what passes inside to a stage."""
    started = time.perf_counter()
    try:
        yield
    finally:
        seconds[stage] = seconds.get(stage, 0.0) + time.perf_counter() - started


def rounded(seconds: Seconds) -> Seconds:
    """The same to the millisecond."""
    return {stage: round(spent, 3) for stage, spent in seconds.items()}


def moment(text: str) -> datetime:
    """The date and time that `now` wrote; in UTC where the text names no zone.

    Raises:
        ValueError: it is none.
    """
    found = datetime.fromisoformat(text)
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def now() -> str:
    """Date and time, in UTC."""
    return datetime.now(UTC).isoformat(timespec="seconds")
