"""Files of rows of any kind: JSON, JSON lines, CSV, TSV and XLSX, recognised by what they hold and their name."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from repope_eval.errors import RepopeError
from repope_eval.json_files import read_json, read_rows
from repope_eval.table_files import is_table, read_table

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
    is_table: bool = False
    """Of cells, an empty one of which is None."""
    is_nested: bool = False
    """The document was {subset: {question id: row}}."""


def read_row_file(path: Path) -> RowFile:
    """The rows of a file.

    Tables are as in `table_files`; all else is JSON. An object of objects of objects is a nested document,
    whose rows get the names they stand under as `subset` and `question_id`; other JSON is a list of objects,
    or a line for each.

    Raises:
        RepopeError: the file cannot be read, or is none of these.
    """
    where = str(path)
    if is_table(path):
        return RowFile(where=where, rows=[_with_numbers(row) for row in read_table(path)], is_table=True)
    document = _whole_document(path)
    if isinstance(document, dict) and document and all(_is_subset(rows) for rows in document.values()):
        return RowFile(where=where, rows=list(_nested_rows(document)), is_nested=True)
    return RowFile(where=where, rows=read_rows(path))


def _whole_document(path: Path) -> Any:
    """A JSON document; None where the file is none, but of JSON lines, say."""
    try:
        return read_json(path)
    except RepopeError:
        return None


def _is_subset(rows: Any) -> bool:
    return isinstance(rows, dict) and bool(rows) and all(isinstance(row, dict) for row in rows.values())


def _nested_rows(document: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> Iterator[dict[str, Any]]:
    for subset, rows in document.items():
        for question_id, row in rows.items():
            yield {**row, SUBSET: subset, QUESTION_ID: question_id}


def _with_numbers(row: dict[str, Any]) -> dict[str, Any]:
    """Numbers that are written as texts made numbers; what is none stays, and is refused where it is used."""
    numbers: dict[str, Any] = {}
    for name, kind in _NUMBERS.items():
        if isinstance(row.get(name), str):
            try:
                numbers[name] = kind(row[name])
            except ValueError:
                continue
    return row | numbers
