"""JSON documents and JSON lines: read, and what is wrong with one said in words."""

import json
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from repope_eval.errors import RepopeError
from repope_eval.system.texts import MOST_ROWS, lines_of, read_text
from repope_eval.wording import shown


def read_json(path: Path) -> Any:
    """The content of a JSON document.

    Raises:
        RepopeError: it cannot be read, or is no JSON.
    """
    return parse_document(path, read_text(path))


def parse_document(path: Path, text: str, *, unique_names: bool = False) -> Any:
    """The content of a file whose text is one JSON document.

    Args:
        path: the file, for messages.
        text: its content.
        unique_names: whether an object that has a name twice is refused; else the last one counts.

    Raises:
        RepopeError: it is no JSON.
    """
    if not text.strip():
        raise RepopeError(f"{path}: is empty")
    try:
        return parsed(text, _STRICT.decode if unique_names else json.loads)
    except json.JSONDecodeError as error:
        raise RepopeError(f"{path}: is no JSON ({error})") from error
    except ValueError as error:
        raise RepopeError(f"{path}: {flaw(error)}") from error


def read_rows(path: Path) -> list[dict[str, Any]]:
    """The rows that `parse_rows` makes of a file's text.

    Raises:
        RepopeError: the file cannot be read, or as `parse_rows`.
    """
    return [row for _, row in parse_rows(path, read_text(path))]


def parse_rows(path: Path, text: str) -> list[tuple[str, dict[str, Any]]]:
    """The rows of a table that is a JSON list of objects, or JSON lines, recognised by content.

    Returns:
        Each row with its place in the file: `line 3`, or `row 3` of a list.
    """
    rows: Iterable[tuple[str, Any]]
    if text.lstrip().startswith("["):
        listed = parse_document(path, text, unique_names=True)
        rows = ((f"row {number}", row) for number, row in enumerate(listed, 1))
    else:
        rows = ((f"line {number}", line) for number, line in enumerate(lines_of(text), 1) if line.strip())
        rows = ((place, _json_line(f"{path}, {place}", line)) for place, line in rows)
    placed: list[tuple[str, dict[str, Any]]] = []
    for place, row in rows:
        if not isinstance(row, dict):
            raise RepopeError(
                f"{path}, {place}: is a JSON {type(row).__name__}, not an object with named fields"
            )
        if len(placed) == MOST_ROWS:
            raise RepopeError(f"{path}: has more than {MOST_ROWS} rows; is it the right file?")
        placed.append((place, row))
    return placed


def parse_line(line: str | bytes) -> Any:
    """The content of a line of JSON; like `json.loads`, but no object may have a name twice.

    Raises:
        ValueError: it is no JSON, no UTF-8, nested without end, or holds a number of thousands of digits; its
            text is as `flaw` says it.
    """
    return parsed(line, _parse_line)


def flaw(error: ValueError) -> str:
    """What is wrong with a JSON text, in words that follow the place where it stands."""
    if isinstance(error, json.JSONDecodeError):
        return f"is no JSON ({error.msg.removesuffix(' at')} at column {error.colno})"
    if isinstance(error, UnicodeDecodeError):
        return "is not UTF-8; save it as UTF-8"
    return str(error)


def _parse_line(line: str | bytes) -> Any:
    text = line if isinstance(line, str) else line.decode()
    try:  # faster than what follows; it works where no spaces stand around the document
        document, end = _STRICT.raw_decode(text)
        if end == len(text):
            return document
    except json.JSONDecodeError:
        pass  # what follows finds it again, with the column in the whole text
    return json.loads(line, object_pairs_hook=_with_unique_names)


def parsed(text: str | bytes, parse: Callable[[Any], Any]) -> Any:
    """What a parser makes of a text; everything that can be wrong with the text is a ValueError.

    Raises:
        ValueError: the text is no JSON; `flaw` says why.
    """
    try:
        return parse(text)
    except RecursionError as error:
        raise ValueError("is no JSON that can be read (brackets within brackets without end)") from error
    except (json.JSONDecodeError, UnicodeDecodeError, _RepeatedNameError):
        raise
    except ValueError as error:
        raise ValueError("is no JSON that can be read (a number of thousands of digits)") from error


class _RepeatedNameError(ValueError):
    """An object has a name twice."""


def _with_unique_names(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) < len(pairs):
        counts = Counter(name for name, _ in pairs)
        raise _RepeatedNameError(
            f"an object has {shown(max(counts, key=counts.__getitem__))} twice; keep one"
        )
    return fields


_STRICT = json.JSONDecoder(object_pairs_hook=_with_unique_names)


def _json_line(where: str, line: str) -> Any:
    try:
        return parse_line(line)
    except json.JSONDecodeError as error:
        raise RepopeError(
            f"{where}: {flaw(error)}; one object a line, or one list of objects, is expected"
        ) from error
    except ValueError as error:
        raise RepopeError(f"{where}: {flaw(error)}") from error
