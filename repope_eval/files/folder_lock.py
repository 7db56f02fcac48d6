"""Who has a run folder: one process at a time, and others can see whether one has it.

The lock is the operating system's, which lets go of it when its process is dead. Where a file system has no such
locks, as some on a network are mounted, it is a file that names its holder. That file outlives a holder that is killed:
one of this machine is then found to be dead, and of one on another machine a person says so by removing the file.
"""

import errno
import re
import warnings
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from filelock import BaseFileLock, FileLock, SoftFileLock, Timeout

LOCK = ".lock"
"""What the operating system locks; it stays when it is let go of."""
HOLDER = ".holder"
"""What names the process that has the folder, where there are no locks; it is gone when that process is done."""

NO_LOCKS = (errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOTSUP, errno.ENOSYS, errno.EINVAL)
"""What a file system answers that knows no locks."""


@dataclass(frozen=True, slots=True)
class NamedHolder:
    """The process that has a folder, where a file names it."""

    process: str
    file: Path
    """To be removed where the process is gone, and this machine cannot tell."""


def hold(folder: Path, patience: float) -> BaseFileLock:
    """Has a folder for this process, until the lock is released or the process is dead.

    Args:
        folder: which is there.
        patience: seconds that another process may still have it.

    Raises:
        Timeout: another process has it.
        OSError: the folder cannot be written.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # filelock's, where it takes to a named holder by itself
            return _acquired(FileLock(folder / LOCK), patience)
    except (OSError, NotImplementedError) as error:
        # Where the file system has no locks, older releases of filelock raise NotImplementedError.
        if isinstance(error, OSError) and error.errno not in NO_LOCKS:
            raise
        return _acquired(SoftFileLock(folder / HOLDER), patience)


def is_held(folder: Path) -> bool | None:
    """Whether a process has the folder; None where that cannot be told, as of somebody else's folder.

    Takes the lock for a moment, which those who want it wait for.
    """
    if not any((folder / name).exists() for name in (LOCK, HOLDER)):
        return False
    try:
        with hold(folder, 0):
            return False
    except Timeout:
        return True
    except OSError:
        return None


def named_holder(folder: Path) -> NamedHolder | None:
    """Who has a folder, by the file that names it; None where the operating system knows it alone."""
    for name in (HOLDER, LOCK):
        with suppress(OSError, ValueError):
            process, host, *_ = (folder / name).read_text(encoding="utf-8").splitlines()
            if process.isdecimal() and re.fullmatch(r"[\w.-]+", host):
                return NamedHolder(f"process {process} on {host}", folder / name)
    return None


def _acquired(lock: BaseFileLock, patience: float) -> BaseFileLock:
    lock.acquire(timeout=patience)
    return lock
