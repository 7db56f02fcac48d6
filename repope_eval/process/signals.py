"""Signals that end a run: at once while nothing would be lost, after the batch in hand while one is being asked."""

import logging
import signal
import threading
from collections.abc import Callable, Sequence
from types import FrameType
from typing import Any, Self

log = logging.getLogger(__name__)

_ENDING = (signal.SIGINT, signal.SIGTERM)

_OF_LAUNCHERS = tuple(number for number in signal.Signals if number.name in ("SIGUSR1", "SIGUSR2"))
"""A launcher may have a handler for one of them in this process: submitit's queues the job again, and exits.

Windows has neither.
"""


class Interruption(KeyboardInterrupt):
    """A signal told the program to end."""

    def __init__(self, number: int, exit_status: int | None = None) -> None:
        super().__init__(signal.Signals(number).name)
        self.exit_status = 128 + number if exit_status is None else exit_status
        """What shells show for a program that the signal ended, 130 for Ctrl-C and 143 for SIGTERM; or a launcher's."""


_came: list[int] = []
"""Signals that ended the program, or were to: a library may raise an error of its own in place of `Interruption`."""


def interrupt(number: int, _: FrameType | None = None) -> None:
    """A signal handler that ends the program where it is.

    Raises:
        Interruption: always.
    """
    _came.append(number)
    raise Interruption(number)


def heed() -> None:
    """Raises what a signal asked for, where a library has turned it into something else.

    Raises:
        Interruption: one came.
    """
    if _came:
        raise Interruption(_came[0])


def listen() -> None:
    """Has the signals raise `Interruption`, but for those that whoever started the program had it ignore."""
    _install(interrupt)


class FinishBatch:
    """While it is entered, a signal waits until `check` is called; a second one does not.

    A launcher's handler waits, too, so that no batch is lost to it; another signal hurries it no more.
    """

    def __init__(self) -> None:
        self._number: int | None = None
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Self:
        launchers = [number for number in _OF_LAUNCHERS if callable(signal.getsignal(number))]
        self._before = _install(self._note) | _install(self._note_launchers, launchers)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _note(self, number: int, _: FrameType | None) -> None:
        if self._number in _OF_LAUNCHERS:
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
        """Raises what a signal asked for, or has the launcher whose signal it was do what it does.

        Raises:
            Interruption: one came.
        """
        number, self._number = self._number, None
        if number is None:
            return
        if number in _OF_LAUNCHERS:
            try:
                self._before[signal.Signals(number)](number, None)
            except SystemExit as error:
                raise Interruption(number, error.code if isinstance(error.code, int) else None) from error
        else:
            raise Interruption(number)


def _install(
    handler: Callable[[int, FrameType | None], None], numbers: Sequence[signal.Signals] = _ENDING
) -> dict[signal.Signals, Any]:
    """Sets a handler for each signal that is not ignored; the handlers before. Only the main thread may do so."""
    if threading.current_thread() is not threading.main_thread():
        return {}
    before = {number: signal.getsignal(number) for number in numbers}
    before = {number: known for number, known in before.items() if known is not signal.SIG_IGN}
    for number in before:
        signal.signal(number, handler)
    return before
