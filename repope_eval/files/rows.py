"""Files of rows of any kind: JSON, JSON lines, CSV, TSV and XLSX, recognised by what they hold and their name."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from repope_eval.errors import RepopeError
from repope_eval.files.json_files import parse_document, parse_rows
from repope_eval.files.tables import is_table, table_rows
from repope_eval.files.texts import decoded, lines_of, read_content
from repope_eval.wording import shown

SUBSET, QUESTION_ID = "subset", "question_id"
"""Fields that rows of a nested document get, from the names they stand under."""

_NUMBERS = {"n_tokens": int, "p_yes": float, "p_no": float}
"""Columns of numbers, which CSV and TSV hold as texts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RowFile:
    """The rows of a file."""

    where: str
    """The file's name, for messages."""
    rows: Sequence[Mapping[str, Any]]
    places: Sequence[str] = ()
    """Where each row stands in the file, for messages: `line 3`. Empty where no message needs it."""
    is_table: bool = False
    """Whether the rows are of cells, an empty one of which is None."""
    is_nested: bool = False
    """Whether the file is one document {subset: {question id: row}}."""


def read_row_file(path: Path) -> RowFile:
    """Reads the rows of a file.

    `repope_eval.files.tables` says what a table is; everything else is JSON. An object of objects of objects is a
    nested document: the names above a row become its `subset` and `question_id`. Other JSON is a list of objects, or
    one object a line.

    Raises:
        RepopeError: the file cannot be read, or is none of these.
    """
    where = str(path)
    content = read_content(path)
    if is_table(path, content):
        placed = [(place, _with_numbers(row)) for place, row in table_rows(path, content)]
        return _row_file(where, placed, is_table=True)
    text = decoded(path, content)
    document = _whole_document(path, text)
    if isinstance(document, dict) and document and all(_is_subset(rows) for rows in document.values()):
        return _row_file(where, list(_nested_rows(document)), is_nested=True)
    if isinstance(document, dict) and "\n" in text.strip():
        raise RepopeError(
            f"{where}: is one JSON object, of {shown(', '.join(document))}; a list of objects, or one object a line, "
            "is expected"
        )
    return _row_file(where, parse_rows(path, text))


def _row_file(where: str, placed: Sequence[tuple[str, Mapping[str, Any]]], **kind: bool) -> RowFile:
    return RowFile(
        where=where, rows=[row for _, row in placed], places=[place for place, _ in placed], **kind
    )


def _whole_document(path: Path, text: str) -> Any:
    """The document that a text which begins as an object is; None where it is something else, such as JSON lines.

    Raises:
        RepopeError: it is no JSON, and nor is its first line.
    """
    if not text.lstrip().startswith("{"):
        return None
    try:
        return parse_document(path, text, unique_names=True)
    except RepopeError:
        if _is_json(path, lines_of(text.lstrip())[0]):
            return None
        raise


def _is_json(path: Path, text: str) -> bool:
    try:
        parse_document(path, text)
    except RepopeError:
        return False
    return True


def _is_subset(rows: Any) -> bool:
    return isinstance(rows, dict) and bool(rows) and all(isinstance(row, dict) for row in rows.values())


def _nested_rows(
    document: Mapping[str, Mapping[str, Mapping[str, Any]]],
) -> Iterator[tuple[str, dict[str, Any]]]:
    for subset, rows in document.items():
        for question_id, row in rows.items():
            place = f"{SUBSET} {shown(subset)}, {QUESTION_ID} {shown(question_id)}"
            yield place, {**row, SUBSET: subset, QUESTION_ID: question_id}


def _with_numbers(row: dict[str, Any]) -> dict[str, Any]:
    """Turns texts of numbers into numbers; a text that is none stays, and is refused where it is used."""
    numbers: dict[str, Any] = {}
    for name, kind in _NUMBERS.items():
        if isinstance(row.get(name), str):
            try:
                numbers[name] = kind(row[name])
            except ValueError:
                continue
    return row | numbers
