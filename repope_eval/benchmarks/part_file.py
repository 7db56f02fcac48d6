"""Claiming the unfinished file of a download, so that two processes never write into one another's bytes.

The tasks of a cluster job often start at the same moment with the same empty data folder. The claim is a
lock of the operating system on the unfinished file itself: it ends with the process that holds it, however
that ends, and leaves nothing behind that could be stale.
"""

import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PATIENCE = 900.0
"""Seconds to wait for another process that fetches the same file."""
POLL = 0.2
"""Seconds between two looks whether it is done."""


@contextmanager
def claimed(part: Path, stop: threading.Event) -> Iterator[None]:
    """Holds `part`, made if need be, for this thread of this process alone.

    Waits while another one holds it; the file may be finished, and `part` empty again, after that. Where the
    file system knows no locks, nothing is waited for. What is still empty in the end is removed.

    Raises:
        TimeoutError: somebody else held it for longer than PATIENCE.
        InterruptedError: `stop` was set meanwhile.
        OSError: `part` cannot be made.
    """
    if sys.platform == "win32":  # an open file cannot be renamed there, so the lock would be in the way
        yield
        return
    deadline = time.monotonic() + PATIENCE
    while (descriptor := _try_to_lock(part)) is None:
        if stop.wait(POLL):
            raise InterruptedError(f"stopped while waiting for {part}")
        if time.monotonic() > deadline:
            raise TimeoutError(f"another process has been fetching it for {PATIENCE:g} s")
    try:
        yield
    finally:
        if _is_still(descriptor, part) and os.fstat(descriptor).st_size == 0:
            part.unlink()
        os.close(descriptor)


def _try_to_lock(part: Path) -> int | None:
    """The descriptor that holds the lock; None where somebody else has it."""
    descriptor = os.open(part, os.O_RDWR | os.O_CREAT, 0o666)
    # Between opening and locking, the holder may have renamed the file into place or removed it: the lock
    # would then be one on the finished file.
    if _lock(descriptor) and _is_still(descriptor, part):
        return descriptor
    os.close(descriptor)
    return None


def _lock(descriptor: int) -> bool:
    import fcntl  # not on every platform

    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # a file system without locks, as some network file systems are mounted
        return True
    return True


def _is_still(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False
