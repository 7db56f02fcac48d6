"""The folders that settings name: where data lies or goes."""

import os
import shlex
from pathlib import Path
from typing import Literal

from repope_eval.errors import RepopeError
from repope_eval.wording import shown_word


def data_folder(data_dir: str | None) -> Path:
    """The folder meant by `data_dir`: itself, or REPOPE_DATA, or `repope_eval` in the user's cache folder.

    Only the last one need not exist: of a name that was mistyped, nothing is made.

    Raises:
        RepopeError: the named one is no folder.
    """
    if data_dir:
        return named_folder("data_dir", data_dir, "make it")
    if named := os.environ.get("REPOPE_DATA"):
        return named_folder("REPOPE_DATA", named, "make it")
    cache = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(cache).expanduser() / "repope_eval"


def named_folder(setting: str, name: str, mend: Literal["make it", "name it"] = "name it") -> Path:
    """The folder that a setting names.

    Args:
        setting: what the user calls it by.
        name: as given; `~` is the user's home.
        mend: whether the folder may be meant to be new, or must hold files already.

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
