"""JSON documents and other small files, written so that a reader never sees half of one."""

import json
import os
from pathlib import Path
from typing import Any

from repope_eval.errors import RepopeError


def write_json(path: Path, document: Any) -> None:
    """Writes a JSON document beside its place and renames it: what is read there is whole."""
    write_text(path, json.dumps(document, indent=2, ensure_ascii=False) + "\n")


def write_text(path: Path, text: str) -> None:
    """Writes a text file beside its place and renames it.

    Raises:
        RepopeError: the place cannot be written.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise RepopeError(f"{path}: cannot be written ({error.strerror}); choose another place") from error


def read_json(path: Path) -> Any:
    """The content of a JSON document.

    Raises:
        RepopeError: it cannot be read, or is no JSON.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise RepopeError(f"{path}: cannot be read ({error.strerror})") from error
    except ValueError as error:
        raise RepopeError(f"{path}: is no JSON ({error})") from error


def read_rows(path: Path) -> list[dict[str, Any]]:
    """The rows of a table kept as a JSON list of objects, or as JSON lines, recognised by content.

    Raises:
        RepopeError: the file cannot be read, or a row is no JSON object.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise RepopeError(f"{path}: cannot be read ({error})") from error
    if text.lstrip().startswith("["):
        rows = read_json(path)
    else:
        lines = [(number, line) for number, line in enumerate(text.split("\n"), 1) if line.strip()]
        rows = [_json_line(path, number, line) for number, line in lines]
    for number, row in enumerate(rows, 1):
        if not isinstance(row, dict):
            raise RepopeError(
                f"{path}, row {number}: is a JSON {type(row).__name__}, not an object with named fields"
            )
    return list(rows)


def _json_line(path: Path, number: int, line: str) -> Any:
    try:
        return json.loads(line)
    except json.JSONDecodeError as error:
        raise RepopeError(
            f"{path}, line {number}: is no JSON ({error.msg} at column {error.colno})"
        ) from error
