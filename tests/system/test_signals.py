"""Signals: at once, after the batch, twice, and those that are ignored."""

import os
import signal
import threading
from collections.abc import Iterator

import pytest

from repope_eval.system import signals as interruption
from repope_eval.system.signals import FinishBatch, Interruption, listen

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


def test_a_launchers_handler_waits_for_the_batch_and_its_exit_status_stays() -> None:
    """submitit's: it queues the job again, and exits; SLURM sends SIGTERM then."""
    called: list[int] = []

    def queue_again(number: int, _: object) -> None:
        called.append(number)
        raise SystemExit(144)

    before = signal.signal(signal.SIGUSR2, queue_again)
    try:
        with FinishBatch() as signals:
            send(signal.SIGUSR2)
            send(signal.SIGTERM)
            send(signal.SIGUSR2)
            assert not called
            with pytest.raises(Interruption, match="SIGUSR2") as caught:
                signals.check()
        assert called == [signal.SIGUSR2]
        assert caught.value.exit_status == 144
        assert signal.getsignal(signal.SIGUSR2) is queue_again
    finally:
        signal.signal(signal.SIGUSR2, before)


def test_a_launchers_handler_that_lets_the_run_go_on_does() -> None:
    called: list[int] = []
    before = signal.signal(signal.SIGUSR1, lambda number, _: called.append(number))
    try:
        with FinishBatch() as signals:
            send(signal.SIGUSR1)
            signals.check()
            signals.check()
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert called == [signal.SIGUSR1]


def test_a_signal_that_no_launcher_listens_to_keeps_its_meaning() -> None:
    with FinishBatch():
        assert signal.getsignal(signal.SIGUSR1) is signal.SIG_DFL


def test_a_signal_that_a_library_made_something_else_of_is_heeded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(interruption, "_came", [])
    interruption.raise_if_interrupted()
    with pytest.raises(interruption.Interruption):
        interruption.interrupt(signal.SIGINT)
    with pytest.raises(interruption.Interruption) as caught:
        interruption.raise_if_interrupted()
    assert caught.value.exit_status == 130
