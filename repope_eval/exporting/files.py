"""The files of an export: written all at once, and never in the place of others."""

import secrets
import shutil
from collections.abc import Mapping
from pathlib import Path

from repope_eval.errors import RepopeError
from repope_eval.system.writing import make_folder, write_text

Files = Mapping[str, str]
"""Texts by their paths in the folder of an export."""


def refuse_filled(out: Path, value: str) -> None:
    """Refuses a folder that holds anything, before any work is done for it.

    Args:
        value: the value of the setting `out`.

    Raises:
        RepopeError: it holds something, or is no folder.
    """
    try:
        first = next(iter(sorted(path.name for path in out.iterdir())), None) if out.exists() else None
    except OSError as error:
        raise RepopeError(f"out={value}: {error.strerror}; name a folder that is new or empty") from error
    if first is not None:
        raise RepopeError(
            f"out={value}: holds {first} already, and an export replaces nothing; name a folder that is new or empty"
        )


def write_files(out: Path, files: Files) -> None:
    """Writes all files into a folder that is new or empty; where one fails, none is written.

    Raises:
        RepopeError: the place cannot be written, or is not empty any more.
    """
    make_folder(out.parent, "out", out)
    unfinished = out.with_name(f".{out.name}.{secrets.token_hex(4)}")
    try:
        for name, text in files.items():
            make_folder((unfinished / name).parent, "out", out)
            write_text(unfinished / name, text)
        unfinished.replace(out)  # an empty folder gives way
    except OSError as error:
        raise RepopeError(f"out={out}: cannot be written ({error.strerror}); choose another out=") from error
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)  # it is not there any more where all went well
