"""Signals: at once, after the batch, twice, and those that are ignored."""

import os
import signal
import threading
from collections.abc import Iterator

import pytest

from repope_eval.interruption import FinishBatch, Interruption, listen

STATUSES = [(signal.SIGINT, 130), (signal.SIGTERM, 143)]


@pytest.fixture(autouse=True)
def _signals_as_before() -> Iterator[None]:
    before = {number: signal.getsignal(number) for number, _ in STATUSES}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def send(number: int) -> None:
    os.kill(os.getpid(), number)


@pytest.mark.parametrize(("number", "status"), STATUSES)
def test_a_signal_ends_the_program_where_it_is(number: int, status: int) -> None:
    listen()
    with pytest.raises(Interruption) as caught:
        send(number)
    assert caught.value.exit_status == status
    assert isinstance(caught.value, KeyboardInterrupt)


@pytest.mark.parametrize(("number", "status"), STATUSES)
def test_while_a_batch_is_asked_a_signal_waits_for_its_end(number: int, status: int) -> None:
    listen()
    with FinishBatch() as signals:
        signals.check()
        send(number)
        with pytest.raises(Interruption) as caught:
            signals.check()
    assert caught.value.exit_status == status
    with pytest.raises(Interruption):  # and afterwards as before
        send(number)


def test_a_second_signal_does_not_wait() -> None:
    with FinishBatch():
        send(signal.SIGTERM)
        with pytest.raises(Interruption) as caught:
            send(signal.SIGINT)
    assert caught.value.exit_status == 130


def test_what_the_parent_had_ignored_stays_ignored() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    listen()
    with FinishBatch() as signals:
        send(signal.SIGINT)
        signals.check()
    send(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN


def test_another_thread_leaves_signals_alone() -> None:
    failures = []

    def work() -> None:
        try:
            listen()
            with FinishBatch() as signals:
                signals.check()
        except ValueError as error:
            failures.append(error)

    before = signal.getsignal(signal.SIGTERM)
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert not failures
    assert signal.getsignal(signal.SIGTERM) is before
