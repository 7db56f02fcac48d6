"""Signals that end a run: at once while nothing would be lost, and after the batch in hand while one is asked."""

import logging
import signal
import threading
from collections.abc import Callable, Sequence
from types import FrameType
from typing import Any, Self

log = logging.getLogger(__name__)


ENDING = tuple(number for number in signal.Signals if number.name in ("SIGINT", "SIGTERM", "SIGHUP"))
"""SIGHUP comes where a terminal is closed. Windows has none; what `nohup` starts ignores it."""

_LAUNCHER_SIGNALS = tuple(number for number in signal.Signals if number.name in ("SIGUSR1", "SIGUSR2"))
"""Signals that a launcher may handle in this process: submitit's handler queues the job again and exits.

Windows has neither signal.
"""


class Interruption(KeyboardInterrupt):
    """A signal told the program to end."""

    def __init__(self, number: int, exit_status: int | None = None) -> None:
        super().__init__(signal.Signals(number).name)
        self.exit_status = 128 + number if exit_status is None else exit_status
        """What shells show for a program that the signal ended: 130 for Ctrl-C, 143 for SIGTERM; or a launcher's."""


_came: list[int] = []
"""Signals that came to end the program. A library may raise its own error in place of `Interruption`."""


def interrupt(number: int, _: FrameType | None = None) -> None:
    """A signal handler that ends the program where it is.

    Raises:
        Interruption: always.
    """
    _came.append(number)
    raise Interruption(number)


def raise_if_interrupted() -> None:
    """Raises the interruption that a signal asked for, where a library turned it into an error of its own.

    Raises:
        Interruption: a signal came.
    """
    if _came:
        raise Interruption(_came[0])


def listen() -> None:
    """Has the signals raise `Interruption`, except those that the program was started to ignore."""
    _install_handler(interrupt)


class FinishBatch:
    """While it is entered, a signal waits until `check` is called; a second signal does not wait.

    A launcher's signal waits, too, so that no batch is lost to its handler; a second signal does not change that.
    """

    def __init__(self) -> None:
        self._number: int | None = None
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Self:
        launchers = [number for number in _LAUNCHER_SIGNALS if callable(signal.getsignal(number))]
        self._before = _install_handler(self._note_signal) | _install_handler(self._note_launchers, launchers)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _note_signal(self, number: int, _: FrameType | None) -> None:
        if self._number in _LAUNCHER_SIGNALS:
            return  # SLURM's SIGTERM may follow its warning at once
        if self._number is not None:
            raise Interruption(number)
        self._number = number
        log.info(
            "%s: finishing the batch in hand, then stopping; once more to stop at once",
            signal.Signals(number).name,
        )

    def _note_launchers(self, number: int, _: FrameType | None) -> None:
        self._number = number
        log.info("%s: finishing the batch in hand, then stopping", signal.Signals(number).name)

    def check(self) -> None:
        """Raises the interruption that a signal asked for, or calls the handler of the launcher whose signal it was.

        Raises:
            Interruption: a signal came.
        """
        number, self._number = self._number, None
        if number is None:
            return
        if number in _LAUNCHER_SIGNALS:
            try:
                self._before[signal.Signals(number)](number, None)
            except SystemExit as error:
                raise Interruption(number, error.code if isinstance(error.code, int) else None) from error
        else:
            raise Interruption(number)


def _install_handler(
    handler: Callable[[int, FrameType | None], None], numbers: Sequence[signal.Signals] = ENDING
) -> dict[signal.Signals, Any]:
    """Sets a handler for each signal that is not ignored, and returns the handlers before.

    Python lets only the main thread set handlers: in another thread nothing is set.
    """
    if threading.current_thread() is not threading.main_thread():
        return {}
    before = {number: signal.getsignal(number) for number in numbers}
    before = {number: known for number, known in before.items() if known is not signal.SIG_IGN}
    for number in before:
        signal.signal(number, handler)
    return before
