"""Work that would take time or memory without end, and what is left of its bounds."""

import resource
import signal
import subprocess
import sys
import threading
import time

import pytest

from repope_eval.system.bounded_work import bounded_work

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the bounds are Linux's")

GIB = 2**30


def compute(seconds: float) -> None:
    ends = time.process_time() + seconds
    while time.process_time() < ends:
        pass


def test_what_computes_too_long_is_ended() -> None:
    with pytest.raises(TimeoutError, match=r"^takes longer than 0\.1 s$"), bounded_work(0.1, GIB):
        compute(60)


def test_waiting_is_not_counted() -> None:
    with bounded_work(0.1, GIB):
        time.sleep(0.3)


def test_an_exception_that_is_caught_comes_again() -> None:
    def deaf() -> None:
        try:
            compute(60)
        except TimeoutError:
            compute(60)

    with pytest.raises(TimeoutError), bounded_work(0.1, GIB):
        deaf()


def test_memory_without_end_is_not_had() -> None:
    with (
        pytest.raises(MemoryError, match=r"^takes more than 0\.25 GiB of memory$"),
        bounded_work(60, GIB // 4),
    ):
        bytearray(GIB)


def test_bounds_go_with_the_work() -> None:
    handler, limit = signal.getsignal(signal.SIGPROF), resource.getrlimit(resource.RLIMIT_DATA)
    with bounded_work(60, GIB):
        assert resource.getrlimit(resource.RLIMIT_DATA) != limit
    assert signal.getsignal(signal.SIGPROF) == handler
    assert resource.getrlimit(resource.RLIMIT_DATA) == limit
    for timer in (signal.ITIMER_PROF, signal.ITIMER_VIRTUAL):
        assert signal.getitimer(timer) == (0.0, 0.0)


def test_outer_bounds_hold_on_after_inner_ones() -> None:
    def nested() -> None:
        with bounded_work(0.3, GIB):
            with bounded_work(60, 2 * GIB):
                pass
            compute(60)

    with pytest.raises(TimeoutError, match=r"takes longer than 0\.3 s"):
        nested()


def test_another_thread_is_not_bounded() -> None:
    failures: list[Exception] = []

    def work() -> None:
        try:
            with bounded_work(0.1, GIB):
                compute(0.3)
        except Exception as error:
            failures.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert not failures


def test_what_hears_no_signals_is_killed() -> None:
    """Lists of lists of lists are compared within one operation of Python's."""
    code = (
        "from repope_eval.system.bounded_work import bounded_work\n"
        "def lists():\n"
        "    found = [0] * 20\n"
        "    for _ in range(12):\n"
        "        found = [found] * 20\n"
        "    return found\n"
        "with bounded_work(0.2, 2**30):\n"
        "    lists() == lists()\n"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=60, check=False)
    assert ended.returncode == -signal.SIGVTALRM
