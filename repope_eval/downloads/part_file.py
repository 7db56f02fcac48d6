"""Claiming the unfinished file of a download, so that two processes never write into one another's bytes.

The tasks of a cluster job often start at the same moment with the same empty data folder. The claim is a
lock of the operating system on the unfinished file itself: it ends with the process that holds it, however
that ends, and leaves nothing behind that could be stale.
"""

import os
import secrets
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from repope_eval.files.folder_lock import NO_LOCKS

PATIENCE = 900.0
"""Seconds to wait for another process that fetches the same file."""
POLL = 0.2
"""Seconds between two looks whether it is done."""


@contextmanager
def claimed(part: Path, stop: threading.Event) -> Iterator[Path]:
    """The file to write to, which this thread of this process holds alone: `part`, made if need be.

    Waits while another one holds it; the file may be finished, and `part` empty again, after that. What is still
    empty in the end is removed. Where the file system knows no locks, nothing is waited for, and the file has a
    name that nobody else has, so that it ends with the claim and nothing goes on from an earlier one.

    Raises:
        TimeoutError: somebody else held it for longer than PATIENCE.
        InterruptedError: `stop` was set meanwhile.
        OSError: `part` cannot be made.
    """
    descriptor = _lock(part, stop)
    if descriptor is None:
        own = part.with_name(f"{part.stem}.{secrets.token_hex(4)}{part.suffix}")
        own.touch()
        try:
            yield own
        finally:
            own.unlink(missing_ok=True)
        return
    try:
        yield part
    finally:
        if _is_still(descriptor, part) and os.fstat(descriptor).st_size == 0:
            part.unlink()
        os.close(descriptor)


def _lock(part: Path, stop: threading.Event) -> int | None:
    """The descriptor that holds the lock, waited for; None where there are no locks."""
    if sys.platform == "win32":  # an open file cannot be renamed there, so the lock would be in the way
        return None
    deadline = time.monotonic() + PATIENCE
    is_new = not part.exists()
    try:
        while (descriptor := _try_to_lock(part)) is None:
            if stop.wait(POLL):
                raise InterruptedError(f"stopped while waiting for {part}")
            if time.monotonic() > deadline:
                raise TimeoutError(f"another process has been fetching it for {PATIENCE:g} s")
    except OSError as error:
        if error.errno not in NO_LOCKS:
            raise
        if is_new:
            part.unlink(missing_ok=True)
        return None
    return descriptor


def _try_to_lock(part: Path) -> int | None:
    """The descriptor that holds the lock; None where somebody else has it."""
    import fcntl  # not on every platform

    descriptor = os.open(part, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # Between opening and locking, the holder may have renamed the file into place or removed it: the lock
        # would then be one on the finished file.
        if _is_still(descriptor, part):
            return descriptor
    except BlockingIOError:
        pass
    except OSError:
        os.close(descriptor)
        raise
    os.close(descriptor)
    return None


def _is_still(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False
