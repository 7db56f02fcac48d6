"""Writing text to standard output and to logs, whatever an output can show and whether anybody still reads it."""

import logging
import os
import sys

from repope_eval.errors import RepopeError
from repope_eval.system.secrets import hide_environment, masked
from repope_eval.wording import message_text, visible

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
        sys.stdout.write(_encodable_text(masked(text), sys.stdout.encoding or "utf-8"))
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
        text = message_text(hide_environment(text) if self._is_kept else text)
        is_at_margin = not self._is_kept and record.levelno >= logging.ERROR
        return text if is_at_margin else text.replace("\n", f"\n{_CONTINUED}")


def _encodable_text(text: str, encoding: str) -> str:
    """The text as an output of that encoding can show it, so that no finished score is lost to a minus sign."""
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return text.translate(_ASCII).encode(encoding, "replace").decode(encoding)
    return text
