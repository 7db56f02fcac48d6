"""How far a piece of work is: a bar on a terminal, and plain log lines where there is none."""

import logging
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Self

from tqdm import tqdm

from repope_eval.wording import counted

log = logging.getLogger(__name__)


class Progress:
    """Counts what is done of a known number of items, and shows the count."""

    def __init__(
        self, total: int, description: str, unit: str, seconds_between_lines: float | None = None
    ) -> None:
        """Starts the clock and shows an empty bar.

        Args:
            total: items that there are to do, at least one.
            description: what the items are, in the plural; it stands before the bar and before each log line.
                Empty where the unit says it.
            unit: one item, in the singular.
            seconds_between_lines: how often work that takes long logs a line, with its rate and the time left.
                None where a line at each tenth of the items is enough.
        """
        self._total = total
        self._description = f"{description}: " if description else ""
        self._unit = unit
        self._seconds_between_lines = seconds_between_lines
        self._done = 0
        self._failed = 0
        self._started = self._last_line = time.monotonic()
        self._bar = tqdm(total=total, desc=description or None, unit=unit, disable=not sys.stderr.isatty())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.close()

    @property
    def seconds(self) -> float:
        """The seconds since the start, without pauses."""
        return time.monotonic() - self._started

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Leaves the time that passes inside out of the rate."""
        began = time.monotonic()
        try:
            yield
        finally:
            pause = time.monotonic() - began
            self._started += pause
            if not self._bar.disable:
                self._bar.start_t += pause

    def advance(self, number: int = 1, *, failed: int = 0) -> None:
        """Counts items that are done now, and how many of them failed."""
        before = self._done
        self._done += number
        self._failed += failed
        self._bar.update(number)
        if self._bar.disable and self._is_line_due(before):
            self._last_line = time.monotonic()
            failures = f", {self._failed} of them in vain" if self._failed else ""
            log.info("%s%d of %s%s", self._description, self._done, self._total_words(), failures)

    def _is_line_due(self, before: int) -> bool:
        if self._seconds_between_lines is None:
            return self._done * 10 // self._total > before * 10 // self._total
        waited = time.monotonic() - self._last_line
        return waited >= self._seconds_between_lines or self._done == self._total

    def _total_words(self) -> str:
        """The number of all items; of work that takes long also the rate and the time left."""
        if self._seconds_between_lines is None:
            return str(self._total)
        rate = self._done / max(self.seconds, 1e-9)
        left = tqdm.format_interval((self._total - self._done) / rate)
        return f"{counted(self._total, self._unit)}, {rate:.1f} a second, {left} left"
