"""The log of a run in its folder, and its lines on the console."""

import logging
import sys
from contextlib import suppress
from pathlib import Path

from repope_eval.errors import RepopeError
from repope_eval.process.output import MessageFormatter
from repope_eval.runs.layout import LOG


def start_log(folder: Path, prefix: str = "") -> None:
    """Has everything that is logged from now on written to a run folder, each line with a prefix.

    Raises:
        RepopeError: it cannot be written.
    """
    try:
        handler = logging.FileHandler(folder / LOG, encoding="utf-8")
    except OSError as error:
        raise RepopeError(
            f"out={folder}: cannot be written ({error.strerror}); choose another out="
        ) from error
    handler.setFormatter(MessageFormatter(f"%(asctime)s %(levelname)s {prefix}%(message)s", is_kept=True))
    handler.handleError = lambda record: None  # type: ignore[method-assign]  # a full disk ends elsewhere
    logging.getLogger("repope_eval").addHandler(handler)


def close_log() -> None:
    """Ends the log of a run: what follows in a sweep within one process belongs to the next run."""
    package = logging.getLogger("repope_eval")
    for handler in list(package.handlers):
        # A program around this one may keep a log of its own.
        if isinstance(handler, logging.FileHandler) and isinstance(handler.formatter, MessageFormatter):
            package.removeHandler(handler)
            with suppress(OSError):  # of a full disk: what is lost of the log was on the console
                handler.close()


def show_log_on_console(rank: int = 0) -> None:
    """Shows log lines of the package on standard error, without dates, as a person at a terminal wants them.

    Of several ranks, the main one says what is going on, and non-main ranks only what is wrong.
    """
    package = logging.getLogger("repope_eval")
    package.setLevel(logging.INFO)
    package.propagate = False
    if not any(type(handler) is logging.StreamHandler for handler in package.handlers):
        handler = logging.StreamHandler(sys.stderr)
        form = f"rank {rank}: %(message)s" if rank else "%(message)s"
        handler.setFormatter(MessageFormatter(form, is_kept=False))
        handler.setLevel(logging.WARNING if rank else logging.INFO)
        package.addHandler(handler)
    for name in ("httpx", "httpx2"):  # which older and newer Hub clients use; they log each request
        logging.getLogger(name).setLevel(logging.WARNING)
