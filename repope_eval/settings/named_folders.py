"""The folders that settings name: where data lies or goes."""

import os
import shlex
import stat
from contextlib import suppress
from pathlib import Path
from typing import Literal

from repope_eval.errors import RepopeError
from repope_eval.wording import shown_word


def data_folder(data_dir: str | None) -> Path:
    """The folder of data: `data_dir`, or else REPOPE_DATA, or else `repope_eval` in the user's cache folder.

    A folder that is named must exist, so that a mistyped name makes no folder.

    Raises:
        RepopeError: the name is of no folder.
    """
    if data_dir:
        return named_folder("data_dir", data_dir, "make it")
    if named := os.environ.get("REPOPE_DATA"):
        return named_folder("REPOPE_DATA", named, "make it")
    cache = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(cache).expanduser() / "repope_eval"


def data_word(folder: Path) -> str:
    """What a command has to be told to look for data in a folder, with a space before; empty where it looks there."""
    with suppress(RepopeError):  # REPOPE_DATA names no folder
        if folder == data_folder(None):
            return ""
    return " " + shlex.quote(f"data_dir={folder}")


def named_folder(setting: str, name: str, mend: Literal["make it", "name it"] = "name it") -> Path:
    """The folder that a setting names.

    Args:
        setting: the setting's name.
        name: its value; `~` is the user's home.
        mend: what to do if there is none: make it, if it may be new, or name one that holds files already.

    Raises:
        RepopeError: there is no such folder.
    """
    try:
        folder = Path(name).expanduser()
        if folder.is_dir():
            return folder
        reason = "is no folder" if folder.exists() else "no such folder"
    except (OSError, RuntimeError, ValueError) as error:  # too long a path; ~nobody; a zero byte
        raise RepopeError(
            f"{setting}={shown_word(name)}: no such folder ({error}); check the name"
        ) from error
    if mend == "make it":
        how = f"make it first if it is meant ({shown_word(shlex.join(['mkdir', '-p', str(folder)]))})"
    else:
        how = "name the folder that holds the files"
    raise RepopeError(f"{setting}={shown_word(name)}: {reason}; check the name, or {how}")


def refuse_special(setting: str, name: str | None) -> None:
    """Refuses a file that is a pipe or a device, through links or not: reading one may wait, or never end.

    Args:
        setting: the setting's name.
        name: its value; None where it has none. A name of nothing is no fault here.

    Raises:
        RepopeError: it is a pipe, a device or a socket.
    """
    if name is None:
        return
    with suppress(OSError, RuntimeError, ValueError):  # no such file, or no file's name: who reads it says so
        mode = Path(name).expanduser().stat().st_mode
        if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
            raise RepopeError(f"{setting}={shown_word(name)}: is a pipe or a device; name an ordinary file")
