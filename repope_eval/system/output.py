"""What a process says on a terminal and in logs: text, and how far a piece of work is."""

import logging
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Self

from tqdm import tqdm

from repope_eval.errors import RepopeError
from repope_eval.system.secrets import masked, without_environment
from repope_eval.wording import counted, message_text, visible

log = logging.getLogger(__name__)


_ASCII = str.maketrans({"−": "-", "–": "-"})

_CONTINUED = "    "
"""Stands before each further line of a message, which otherwise might be taken for another message."""


def write(text: str) -> None:
    """Writes a text at once; characters that a terminal would obey are shown as escapes."""
    write_styled(visible(text))


def write_styled(text: str) -> None:
    """Writes a text of this program's own making at once, with its colours.

    What the text quotes from elsewhere must hold nothing that a terminal obeys.

    Raises:
        RepopeError: a file that takes the output cannot be written.
    """
    try:
        sys.stdout.write(_encodable(masked(text), sys.stdout.encoding or "utf-8"))
        sys.stdout.flush()
    except OSError as error:
        # The rest of the text goes nowhere; otherwise writing it is tried again when the program ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if isinstance(error, BrokenPipeError):
            return  # the reader, such as `head`, wants no more; the rest of the work is done all the same
        raise RepopeError(
            f"standard output: cannot be written ({error.strerror}); make room there"
        ) from error


def write_error(message: str) -> None:
    """Writes what is wrong to standard error, as text."""
    print(message_text(masked(message)), file=sys.stderr)


class MessageFormatter(logging.Formatter):
    """Formats log messages so that none can be taken for another, or is obeyed by a terminal."""

    def __init__(self, form: str, *, is_kept: bool) -> None:
        """Takes the form of a message, and whether it is kept in a file.

        No message shows a secret, and a file does not hold the values of environment variables. On a terminal each
        line of an error begins at the margin, since each is a mistake of its own.
        """
        super().__init__(form)
        self._is_kept = is_kept

    def format(self, record: logging.LogRecord) -> str:
        """The message, its further lines indented."""
        text = masked(super().format(record))
        text = message_text(without_environment(text) if self._is_kept else text)
        is_at_margin = not self._is_kept and record.levelno >= logging.ERROR
        return text if is_at_margin else text.replace("\n", f"\n{_CONTINUED}")


def _encodable(text: str, encoding: str) -> str:
    """The text as an output of that encoding can show it, so that no finished score is lost to a minus sign."""
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return text.translate(_ASCII).encode(encoding, "replace").decode(encoding)
    return text


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
            log.info("%s%d of %s%s", self._description, self._done, self._whole(), failures)

    def _is_line_due(self, before: int) -> bool:
        if self._seconds_between_lines is None:
            return self._done * 10 // self._total > before * 10 // self._total
        waited = time.monotonic() - self._last_line
        return waited >= self._seconds_between_lines or self._done == self._total

    def _whole(self) -> str:
        """The number of all items; of work that takes long also the rate and the time left."""
        if self._seconds_between_lines is None:
            return str(self._total)
        rate = self._done / max(self.seconds, 1e-9)
        left = tqdm.format_interval((self._total - self._done) / rate)
        return f"{counted(self._total, self._unit)}, {rate:.1f} a second, {left} left"
