"""The files and folders that settings name, those that are shipped, and the names of a user's own."""

import os
import re
import shlex
import stat
from contextlib import suppress
from pathlib import Path, PurePath
from typing import Literal

from repope_eval.errors import RepopeError
from repope_eval.wording import natural_order, shown_word

GROUP_FOLDERS = {"model": "models", "bench": "benchmarks"}
"""The groups of the command line, and the folders their files lie in."""


def shipped_folder(name: str) -> Path:
    """A folder of shipped files (`configs` or `slurm`): inside an installed package, else beside it."""
    package = Path(__file__).parents[1]
    installed = package / name
    return installed if installed.is_dir() else package.parent / name


def configuration_file(group: str, name: str) -> Path:
    """The file of one choice of a group, such as `bench`, `repope`."""
    return shipped_folder("configs") / GROUP_FOLDERS[group] / f"{name}.yaml"


def choices(group: str) -> list[str]:
    """Names of the shipped configuration files of a group (`model` or `bench`)."""
    names = [path.stem for path in configuration_file(group, "*").parent.glob("*.yaml")]
    return sorted(names, key=natural_order)


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
        name: its value; None where it has none. A name without a file is no fault here.

    Raises:
        RepopeError: it is a pipe, a device or a socket.
    """
    if name is None:
        return
    with suppress(OSError, RuntimeError, ValueError):  # no such file, or no file's name: who reads it says so
        mode = Path(name).expanduser().stat().st_mode
        if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
            raise RepopeError(f"{setting}={shown_word(name)}: is a pipe or a device; name an ordinary file")


FILE_BENCHMARKS = ("custom", "table")
"""The sources of benchmarks whose files the user names."""

HUB = "hub:"
"""What `bench.questions` begins with where it names a dataset: one of the Hub, or a folder like one."""

_TELLS_NOTHING = re.compile(
    r"(checkpoints?|models?|weights|outputs?|adapters?|lora|final|merged|best|last|latest|hf)([-_]\w{0,12})?"
    r"|(checkpoint|global[-_]step|step|epoch|iter)s?[-_]?\d+|\d+",
    re.IGNORECASE,
)
"""Names of folders that trainers give to the checkpoint or the adapter of any model."""

_CACHED = re.compile(r"(?:^|.*/)models--(?:[^/]*--)?([^/]+)/snapshots/[0-9a-f]+$")
"""A checkpoint in the Hub's cache, where the model's name stands before that of a commit."""


def questions_name(questions: str) -> str:
    """A benchmark's name by its file of questions; empty where the file has none, or that of a shipped benchmark."""
    if questions.startswith(HUB):
        name = PurePath(questions.removeprefix(HUB).partition("@")[0]).name  # without the revision
    else:
        name = PurePath(questions).stem
    name = name.lstrip(".")  # no report finds a hidden folder
    return "" if name in choices("bench") else name


def checkpoint_name(checkpoint: str) -> str:
    """A model's name by its checkpoint: the last part, after those before it as long as they tell nothing.

    `/x/llava/checkpoint-1000` is `llava-checkpoint-1000`.
    """
    if match := _CACHED.match(checkpoint.rstrip("/")):
        return match[1]
    parts = [part.lstrip(".") for part in Path(checkpoint).parts if part.strip("./~")]
    telling = next(
        (place for place in reversed(range(len(parts))) if not _TELLS_NOTHING.fullmatch(parts[place])), 0
    )
    return "-".join(parts[telling:])
