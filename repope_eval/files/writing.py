"""Small files and folders, written so that a reader never sees half of one."""

import json
import os
import secrets
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from repope_eval.errors import RepopeError


def write_json(path: Path, document: Any) -> None:
    """Writes a JSON document whole, as `write_bytes` does."""
    write_text(path, json.dumps(document, indent=2, ensure_ascii=False) + "\n")


def write_lines(path: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    """Writes JSON lines whole, as `write_bytes` does; makes the folder where it is missing.

    Raises:
        RepopeError: the place cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RepopeError(f"{path}: cannot be written ({error.strerror}); choose another place") from error
    write_text(path, "".join(json.dumps(row) + "\n" for row in rows))


def write_text(path: Path, text: str) -> None:
    """Writes a text file whole, as `write_bytes` does.

    Half a surrogate pair, which JSON can hold and UTF-8 cannot, is written as JSON's escape of it.

    Raises:
        RepopeError: the place cannot be written.
    """
    write_bytes(path, text.encode("utf-8", errors="backslashreplace"))


def write_bytes(path: Path, content: bytes) -> None:
    """Writes a file under another name and renames it, so that a reader never sees half of it.

    Raises:
        RepopeError: the place cannot be written.
    """
    try:
        with replacing(path) as temporary, temporary.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())  # else a crash of the machine may leave the new name on an empty file
    except OSError as error:
        raise RepopeError(f"{path}: cannot be written ({error.strerror}); choose another place") from error


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Gives a file to write beside `path`; it takes that path when the block ends without an error.

    Raises:
        OSError: the name cannot be given.
    """
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        yield temporary
        temporary.replace(path)
    finally:
        with suppress(OSError):  # it is renamed by now, or was never made
            temporary.unlink()


def refuse_existing(path: Path, value: str, inputs: Iterable[Path]) -> None:
    """Refuses an output file that exists, before any work is done for it.

    Args:
        path: the output file.
        value: the value of the setting `out` that asks for it.
        inputs: the files that are read.

    Raises:
        RepopeError: it exists; says so if it is one of the inputs, be it by another path or a link.
    """
    if not os.path.lexists(path):
        return
    if any(is_same_file(path, source) for source in inputs):
        raise RepopeError(f"out={value}: {path} is one of the files to be read; choose another out=")
    raise RepopeError(f"out={value}: {path} exists; remove it or choose another out=")


def is_same_file(path: Path, other: Path) -> bool:
    """Whether two paths lead to one file that is there, through links and folders or not."""
    try:
        return path.samefile(other)
    except (OSError, ValueError):  # one is not there, or cannot be: reading it will say so
        return False


def make_folder(folder: Path, setting: str, value: Path) -> None:
    """Makes a folder that a setting asks for, and those above it.

    Raises:
        RepopeError: it cannot be made; names the setting and its value.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RepopeError(
            f"{setting}={value}: cannot be made or written ({error.strerror}); choose another {setting}="
        ) from error
