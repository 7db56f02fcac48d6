"""Work on what a stranger wrote, ended where it takes too much time or memory."""

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

_KILL_FACTOR = 3
"""How many times the seconds may pass until the process is killed.

An exception waits for the end of the operation in hand, and Python has some that end in years, such as comparing lists
of lists of lists.
"""


@contextmanager
def bounded_work(seconds: float, memory: int) -> Iterator[None]:
    """Raises an exception in what takes longer, or more memory beyond what the process has already.

    Bounds may lie within one another. Only the main thread receives signals, and only Linux limits memory: elsewhere
    nothing is bounded.

    Args:
        seconds: of computing; waiting for a disk, or for other programs, is not counted.
        memory: in bytes.

    Raises:
        TimeoutError: it takes longer.
        MemoryError: it takes more memory; a library may raise another exception.
    """
    if sys.platform != "linux" or threading.current_thread() is not threading.main_thread():
        yield
        return
    import resource  # which other systems do not have

    def refuse(_: int, __: FrameType | None) -> None:
        raise TimeoutError(f"takes longer than {seconds:g} s")

    handler = signal.signal(signal.SIGPROF, refuse)
    # Again and again: a library may catch the first exception. What kills cannot be caught.
    timers = {
        signal.ITIMER_PROF: signal.setitimer(signal.ITIMER_PROF, seconds, seconds / 2),
        signal.ITIMER_VIRTUAL: signal.setitimer(signal.ITIMER_VIRTUAL, _KILL_FACTOR * seconds),
    }
    soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
    most = _data_bytes() + memory
    if soft == resource.RLIM_INFINITY or most < soft:
        resource.setrlimit(resource.RLIMIT_DATA, (most, hard))
    try:
        yield
    except MemoryError as error:
        raise MemoryError(f"takes more than {memory / 2**30:g} GiB of memory") from error
    finally:
        for timer, before in timers.items():
            signal.setitimer(timer, *before)
        resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))
        signal.signal(signal.SIGPROF, handler)


def _data_bytes() -> int:
    """The memory that the limit counts: what is the process's own and may be written, used or not."""
    pages = Path("/proc/self/statm").read_text(encoding="ascii").split()[5]
    return int(pages) * os.sysconf("SC_PAGE_SIZE")
