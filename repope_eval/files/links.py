"""Links in folders that may be anybody's: what is read of a folder lies in it, and what is written stays in it."""

import os
from collections.abc import Iterable
from pathlib import Path

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
