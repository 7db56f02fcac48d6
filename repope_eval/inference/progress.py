"""How far the asking is: a bar with rate and time left on a terminal, plain log lines elsewhere."""

import logging
import sys
import time
from typing import Self

from tqdm import tqdm

from repope_eval.wording import counted

log = logging.getLogger(__name__)

SECONDS_BETWEEN_LINES = 30.0


class Progress:
    """Counts answered questions and shows the count."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._done = 0
        self._started = self._last_line = time.monotonic()
        self._bar = tqdm(total=total, unit="question", disable=not sys.stderr.isatty())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.close()

    def advance(self, number: int) -> None:
        """Adds newly answered questions."""
        self._done += number
        self._bar.update(number)
        now = time.monotonic()
        if self._bar.disable and (
            now - self._last_line >= SECONDS_BETWEEN_LINES or self._done == self._total
        ):
            self._last_line = now
            rate = self._done / max(now - self._started, 1e-9)
            left = (self._total - self._done) / rate
            log.info(
                "%d of %s, %.1f a second, %s left",
                self._done,
                counted(self._total, "question"),
                rate,
                tqdm.format_interval(left),
            )
