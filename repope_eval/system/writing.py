"""Writing files: small ones whole, so that a reader never sees half of one, and lines that are only ever appended."""

import json
import logging
import os
import secrets
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from repope_eval.errors import RepopeError

log = logging.getLogger(__name__)


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


class AppendedLines:
    """A file that this process alone adds lines to, and never leaves half a line in."""

    def __init__(self, path: Path, size: int) -> None:
        self.path = path
        self.size = size
        """The size of the file in bytes, as this process left it."""

    def append(self, lines: bytes) -> None:
        """Adds all lines, or none where that fails. When this returns, they are on the disk.

        Raises:
            OSError: the file is gone, is not as long as this process left it, or cannot be written.
        """
        with self.path.open("r+b" if self.size else "ab") as file:
            if file.seek(0, os.SEEK_END) != self.size:
                raise OSError(0, "another program has changed it")
            try:
                file.write(lines)
                file.flush()
                os.fsync(file.fileno())
            except OSError:
                with suppress(OSError):
                    os.truncate(self.path, self.size)
                raise
        self.size += len(lines)


def whole_lines(path: Path) -> bytes:
    """The whole lines of a file that may not exist. A last line without its line break is taken off it, on the disk.

    Raises:
        RepopeError: the file cannot be read, or a last line that was cut short cannot be taken off.
    """
    if not path.exists() or path.is_char_device():  # a device has endless content, and no appended lines
        return b""
    try:
        whole, newline, torn = path.read_bytes().rpartition(b"\n")
    except OSError as error:
        raise RepopeError(f"{path}: cannot be read ({error.strerror})") from error
    if torn:
        log.warning("%s: the last line was cut short; it is taken off and its question asked again", path)
        try:
            os.truncate(path, len(whole) + len(newline))
        except OSError as error:
            raise RepopeError(
                f"{path}: the last line was cut short and cannot be taken off ({error.strerror}); remove it"
            ) from error
    return whole + newline
