"""JSON documents, other small files and folders, written so that a reader never sees half of one."""

import json
import os
from contextlib import suppress
from pathlib import Path
from typing import Any

from repope_eval.errors import RepopeError

_raw_decode = json.JSONDecoder().raw_decode


def write_json(path: Path, document: Any) -> None:
    """Writes a JSON document beside its place and renames it: what is read there is whole."""
    write_text(path, json.dumps(document, indent=2, ensure_ascii=False) + "\n")


def write_text(path: Path, text: str) -> None:
    """Writes a text file beside its place and renames it.

    Half a surrogate pair, which JSON can hold and UTF-8 cannot, is written as JSON's escape of it.

    Raises:
        RepopeError: the place cannot be written.
    """
    write_bytes(path, text.encode("utf-8", errors="backslashreplace"))


def write_bytes(path: Path, content: bytes) -> None:
    """Writes a file beside its place and renames it.

    Raises:
        RepopeError: the place cannot be written.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with temporary.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())  # else a crash of the machine may leave the new name on an empty file
        temporary.replace(path)
    except OSError as error:
        with suppress(OSError):  # the place may be below a file, or be read-only
            temporary.unlink()
        raise RepopeError(f"{path}: cannot be written ({error.strerror}); choose another place") from error


def make_folder(folder: Path, setting: str, value: Path) -> None:
    """Makes a folder, and those above it, that a setting asked for.

    Raises:
        RepopeError: it cannot be made; names the setting and its value.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RepopeError(
            f"{setting}={value}: cannot be made or written ({error.strerror}); choose another {setting}="
        ) from error


def read_json(path: Path) -> Any:
    """The content of a JSON document.

    Raises:
        RepopeError: it cannot be read, or is no JSON.
    """
    return _document(path, _read_text(path))


def read_rows(path: Path) -> list[dict[str, Any]]:
    """The rows of a table kept as a JSON list of objects, or as JSON lines, recognised by content.

    Raises:
        RepopeError: the file cannot be read, or a row is no JSON object.
    """
    text = _read_text(path)
    if text.lstrip().startswith("["):
        rows = _document(path, text)
    else:  # split at newlines alone: JSON texts may hold other line separators
        lines = [(number, line) for number, line in enumerate(text.split("\n"), 1) if line.strip()]
        rows = [_json_line(path, number, line) for number, line in lines]
    for number, row in enumerate(rows, 1):
        if not isinstance(row, dict):
            raise RepopeError(
                f"{path}, row {number}: is a JSON {type(row).__name__}, not an object with named fields"
            )
    return list(rows)


def parse_line(line: str | bytes) -> Any:
    """What a line of JSON says: as `json.loads`, and sooner where no spaces stand around it.

    Raises:
        ValueError: it is no JSON, or no UTF-8.
    """
    try:
        text = line if isinstance(line, str) else line.decode()
        document, end = _raw_decode(text)
    except ValueError:
        return json.loads(line)
    return document if end == len(text) else json.loads(line)


def _read_text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise RepopeError(f"{path}: cannot be read ({error.strerror})") from error
    except UnicodeDecodeError as error:
        raise RepopeError(f"{path}: cannot be read ({error}); save it as UTF-8") from error


def _document(path: Path, text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise RepopeError(f"{path}: is no JSON ({error})") from error


def _json_line(path: Path, number: int, line: str) -> Any:
    try:
        return parse_line(line)
    except json.JSONDecodeError as error:
        raise RepopeError(
            f"{path}, line {number}: is no JSON ({error.msg} at column {error.colno}); one object a line, or one "
            "list of objects, is expected"
        ) from error
    except (ValueError, RecursionError) as error:  # a number of thousands of digits; nested without end
        raise RepopeError(f"{path}, line {number}: is no JSON ({error})") from error
