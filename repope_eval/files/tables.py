"""Tables in CSV, TSV and XLSX files, as rows of named cells.

A table's first row names its columns. A zip archive is taken for XLSX. A file whose name ends in .csv or .tsv, and
which does not begin as JSON does, is a text table; its separator is the one among comma, semicolon and tab that cuts
the first row into most columns. Every other file is no table.
"""

import csv
import io
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import zip_longest
from pathlib import Path
from typing import Any

from repope_eval.errors import RepopeError
from repope_eval.files.texts import EMPTY_ZIP, KINDS, MOST_ROWS, OLD_EXCEL, ZIP, decoded
from repope_eval.files.workbooks import Cells, workbook_rows
from repope_eval.wording import shown

TEXT_EXTENSIONS = (".csv", ".tsv")
SEPARATORS = ",;\t"

MOST_COLUMNS = 1_000
"""Columns of a table at the most. A dozen are read; a file with more is a text with many separators."""


def is_table(path: Path, content: bytes) -> bool:
    """Whether a file is a table of cells, by its first bytes and its extension.

    Raises:
        RepopeError: only other programs can read it.
    """
    if content.startswith(OLD_EXCEL):
        raise RepopeError(f"{path}: is {KINDS[OLD_EXCEL]}; save it as .xlsx or .csv")
    if _is_workbook(content):
        return True
    begins_as_json = content[:64].removeprefix(b"\xef\xbb\xbf").lstrip()[:1] in (b"{", b"[")
    return path.suffix.lower() in (*TEXT_EXTENSIONS, ".xlsx") and not begins_as_json


def table_rows(path: Path, content: bytes) -> list[tuple[str, dict[str, Any]]]:
    """The rows of a table by column name, each with its place in the file: `line 3`.

    Cells of CSV and TSV are texts; cells of XLSX have the type that Excel gives them. An empty cell is None. Empty
    rows are left out, and columns without a name, such as the row numbers that pandas writes. The first sheet of a
    workbook that is not empty is read.

    Args:
        path: the file, for messages and its extension.
        content: what it holds.

    Raises:
        RepopeError: the file cannot be read, two columns have one name, or a row has more cells than there
            are columns, or in CSV and TSV fewer.
    """
    numbered = iter(workbook_rows(path, content) if _is_workbook(content) else _text_rows(path, content))
    first = next(numbered, None)
    if first is None:
        return []
    number, cells = first
    if len(cells) > MOST_COLUMNS:
        raise RepopeError(f"{path}, line {number}: has {len(cells)} columns; at most {MOST_COLUMNS} are read")
    names = [str(cell).strip() if cell is not None else "" for cell in cells]
    repeated = [name for name, count in Counter(names).items() if name and count > 1]
    if repeated:
        raise RepopeError(f"{path}, line {number}: two columns are named {shown(repeated[0])}; rename one")
    rows: list[tuple[str, dict[str, Any]]] = []
    for row_number, row in numbered:
        if len(rows) == MOST_ROWS:
            raise RepopeError(f"{path}: has more than {MOST_ROWS} rows; is it the right file?")
        rows.append((f"line {row_number}", dict(_named(path, names, row_number, row))))
    return rows


def _is_workbook(content: bytes) -> bool:
    return content.startswith((ZIP, EMPTY_ZIP))


def _named(path: Path, names: Sequence[str], number: int, cells: Cells) -> Iterator[tuple[str, Any]]:
    if len(cells) > len(names):
        raise RepopeError(
            f"{path}, line {number}: has {len(cells)} cells, and there are {len(names)} columns; put texts that "
            "hold the separator into quotes"
        )
    for name, cell in zip_longest(names, cells):
        if name:
            yield name, None if cell == "" else cell


def _text_rows(path: Path, content: bytes) -> Iterator[tuple[int, Cells]]:
    """Line numbers and cells; a row with fewer cells than the first is refused, since a file cut short ends so."""
    text = decoded(path, content, may_be_utf16=True)  # as Excel saves "Unicode text"
    csv.field_size_limit(sys.maxsize)  # a cell may hold an image
    separator = _separator(path, text)
    width = None
    for number, cells in _csv(path, text, separator):
        if not any(cells):
            continue
        width = len(cells) if width is None else width
        if len(cells) < width:
            raise RepopeError(
                f"{path}, line {number}: has {len(cells)} cells, and there are {width} columns; is the file whole?"
            )
        yield number, cells


def _csv(path: Path, text: str, separator: str) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise RepopeError(
                f"{path}, line {reader.line_num}: is no row of a table ({error}); check its quotes"
            ) from error
        yield reader.line_num, cells


def _separator(path: Path, text: str) -> str:
    """The separator that cuts the first row into most columns; of equals, the one that `SEPARATORS` has first."""
    widths = {}
    for separator in SEPARATORS:
        try:
            widths[separator] = len(
                next((cells for _, cells in _csv(path, text, separator) if any(cells)), [])
            )
        except RepopeError:  # the quotes close only with another separator
            widths[separator] = 0
    return max(SEPARATORS, key=lambda separator: widths[separator])
