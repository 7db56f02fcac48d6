"""Folders that may be anybody's: links that lead out of them, and the lock by which one process holds one.

The operating system keeps the lock, and releases it when the process is dead. Some network file systems have no such
locks. There a file names the holder instead. This file outlives a holder that is killed: if the holder ran on this
machine, it is found to be dead; if it ran on another machine, a person must remove the file.
"""

import errno
import os
import re
import warnings
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from filelock import BaseFileLock, FileLock, SoftFileLock, Timeout

from repope_eval.errors import RepopeError


def lies_in(path: Path, folder: Path) -> bool:
    """Whether a path is that of an ordinary file which lies in a folder, wherever links lead.

    Reading a pipe or a device may wait, or never end.
    """
    try:
        return path.is_file() and path.resolve().is_relative_to(folder.resolve())
    except (OSError, RuntimeError, ValueError):  # links in a circle; a name with a NUL in it
        return False


def require_inside(path: Path) -> None:
    """Refuses what is there in a file's place, but is no ordinary file of its folder.

    Raises:
        RepopeError: a link leads out of the folder, or it is a pipe, a device or a folder.
    """
    if not os.path.lexists(path) or lies_in(path, path.parent):
        return
    if path.is_symlink():
        raise RepopeError(f"{path}: is a link that leads out of its folder; put the file itself there")
    raise RepopeError(f"{path}: is no file")


def refuse_links(folder: Path, names: Iterable[str], appended: Iterable[str] = ()) -> None:
    """Refuses a folder in which writing to some files or folders would change others.

    Args:
        folder: the folder that `out` names, which need not be there.
        names: what is written in it.
        appended: those of the names whose files are written to where they stand; the others give way to new files.

    Raises:
        RepopeError: one of them is a link, or a file that is appended to has a second name (a hard link).
    """
    for name in names:
        path = folder / name
        if os.path.islink(path):  # noqa: PTH114  # False where it cannot be told
            raise RepopeError(
                f"out={folder}: {name} there is a link, to {path.readlink()}, and would be written through; remove "
                "the link, or choose another out="
            )
    for name in appended:
        path = folder / name
        if os.path.isfile(path) and path.stat().st_nlink > 1:  # noqa: PTH113  # as above
            raise RepopeError(
                f"out={folder}: {name} there is a hard link, one file with another one elsewhere, which would be "
                "written, too; put a copy in its place, or choose another out="
            )


LOCK = ".lock"
"""The file that the operating system locks; it stays when the lock is released."""
HOLDER = ".holder"
"""The file that names the holder where there are no locks; it is removed when that process is done."""

NO_LOCKS = (errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOTSUP, errno.ENOSYS, errno.EINVAL)
"""Errors of a file system without locks."""


@dataclass(frozen=True, slots=True)
class NamedHolder:
    """The process that holds a folder, where a file names it."""

    process: str
    file: Path
    """A person removes it if the process is gone and this machine cannot tell."""


def hold(folder: Path, patience: float, file: str = "") -> BaseFileLock:
    """Holds a folder for this process, until the lock is released or the process is dead.

    Args:
        folder: an existing folder.
        patience: seconds to wait for another process that holds it.
        file: the name of a file in the folder that is held in the folder's place, so that others there are free.

    Raises:
        Timeout: another process holds it.
        OSError: the folder cannot be written.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # filelock warns where it falls back to a file by itself
            return _acquired_lock(FileLock(folder / (_lock_file_prefix(file) + LOCK)), patience)
    except OSError as error:
        if error.errno not in NO_LOCKS:
            raise
        return _acquired_lock(SoftFileLock(folder / (_lock_file_prefix(file) + HOLDER)), patience)


def is_held(folder: Path) -> bool | None:
    """Whether a process holds the folder; None where that cannot be told, as of somebody else's folder.

    The question itself holds the lock briefly, so whoever wants the lock should wait a moment before giving up.
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


def named_holder(folder: Path, file: str = "") -> NamedHolder | None:
    """The holder of a folder, or of a file in it, if a file names it; None where only the operating system knows."""
    for name in (_lock_file_prefix(file) + HOLDER, _lock_file_prefix(file) + LOCK):
        with suppress(OSError, ValueError):
            process, host, *_ = (folder / name).read_text(encoding="utf-8").splitlines()
            if process.isdecimal() and re.fullmatch(r"[\w.-]+", host):
                return NamedHolder(f"process {process} on {host}", folder / name)
    return None


def _lock_file_prefix(file: str) -> str:
    """The beginning of the names of the hidden files that hold a file; those of a folder need none."""
    return file and f".{file}"


def _acquired_lock(lock: BaseFileLock, patience: float) -> BaseFileLock:
    lock.acquire(timeout=patience)
    return lock
