"""JSON documents, other small files and folders, written so that a reader never sees half of one."""

import json
import os
import secrets
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from repope_eval.errors import RepopeError
from repope_eval.files.texts import MOST_ROWS, lines_of, read_text
from repope_eval.wording import shown


def write_json(path: Path, document: Any) -> None:
    """Writes a JSON document beside its place and renames it: what is read there is whole."""
    write_text(path, json.dumps(document, indent=2, ensure_ascii=False) + "\n")


def write_lines(path: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    """Writes JSON lines, in a folder that is made where it is missing, as `write_text` writes.

    Raises:
        RepopeError: the place cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RepopeError(f"{path}: cannot be written ({error.strerror}); choose another place") from error
    write_text(path, "".join(json.dumps(row) + "\n" for row in rows))


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
    try:
        with replacing(path) as temporary, temporary.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())  # else a crash of the machine may leave the new name on an empty file
    except OSError as error:
        raise RepopeError(f"{path}: cannot be written ({error.strerror}); choose another place") from error


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A new name beside a file's: what is written there takes the file's place, once the block has ended well.

    Raises:
        OSError: the name cannot be given.
    """
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        yield temporary
        temporary.replace(path)
    finally:
        with suppress(OSError):  # it has its name by now; or the place may be below a file, or be read-only
            temporary.unlink()


def refuse_existing(path: Path, value: str, inputs: Iterable[Path]) -> None:
    """Refuses to write where something is, before any work is done for it.

    Args:
        path: of the file to be written.
        value: of the setting `out` that asks for it.
        inputs: files that are read.

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
    return parse_document(path, read_text(path))


def parse_document(path: Path, text: str, *, unique_names: bool = False) -> Any:
    """What the text of a file says that is one JSON document.

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
    """The rows of a table kept as a JSON list of objects, or as JSON lines, recognised by content.

    Args:
        path: the file, for messages.
        text: its content.

    Returns:
        Each row with its place in the file: `line 3`, or `row 3` of a list.

    Raises:
        RepopeError: a row is no JSON object or has a name twice, or there are more than `MOST_ROWS`.
    """
    rows: Iterable[tuple[str, Any]]
    if text.lstrip().startswith("["):
        listed = parse_document(path, text, unique_names=True)
        rows = ((f"row {number}", row) for number, row in enumerate(listed, 1))
    else:
        rows = ((f"line {number}", line) for number, line in enumerate(lines_of(text), 1) if line.strip())
        rows = ((place, _json_line(f"{path}, {place}", line)) for place, line in rows)
    found: list[tuple[str, dict[str, Any]]] = []
    for place, row in rows:
        if not isinstance(row, dict):
            raise RepopeError(
                f"{path}, {place}: is a JSON {type(row).__name__}, not an object with named fields"
            )
        if len(found) == MOST_ROWS:
            raise RepopeError(f"{path}: has more than {MOST_ROWS} rows; is it the right file?")
        found.append((place, row))
    return found


def parse_line(line: str | bytes) -> Any:
    """What a line of JSON says: as `json.loads`, but that no object may have a name twice.

    Raises:
        ValueError: it is no JSON, no UTF-8, nested without end, or holds a number of thousands of digits; its
            text is as `flaw` says it.
    """
    return parsed(line, _parse_line)


def flaw(error: ValueError) -> str:
    """What is wrong with a JSON text, in words that follow its place."""
    if isinstance(error, json.JSONDecodeError):
        return f"is no JSON ({error.msg.removesuffix(' at')} at column {error.colno})"
    if isinstance(error, UnicodeDecodeError):
        return "is not UTF-8; save it as UTF-8"
    return str(error)


def _parse_line(line: str | bytes) -> Any:
    text = line if isinstance(line, str) else line.decode()
    try:  # sooner than what follows where no spaces stand around it
        document, end = _STRICT.raw_decode(text)
        if end == len(text):
            return document
    except json.JSONDecodeError:
        pass  # the same again, but told of the text that the json module reads
    return json.loads(line, object_pairs_hook=_with_unique_names)


def parsed(text: str | bytes, parse: Callable[[Any], Any]) -> Any:
    """What a parser makes of a text.

    Raises:
        ValueError: all that can be wrong with a JSON text; `flaw` says what.
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
