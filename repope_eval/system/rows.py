"""Files of rows, read within bounds: JSON, JSON lines, CSV, TSV and XLSX, recognised by what they hold and their name.

A table's first row names its columns. A zip archive is taken for XLSX. A file whose name ends in .csv or .tsv, and
which does not begin as JSON does, is a text table; its separator is the one among comma, semicolon and tab that cuts
the first row into most columns. Every other file is no table.
"""

import csv
import io
import logging
import sys
import warnings
import zipfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from itertools import zip_longest
from pathlib import Path
from typing import Any

from repope_eval.errors import RepopeError
from repope_eval.system.json_files import parse_document, parse_rows
from repope_eval.system.texts import (
    EMPTY_ZIP,
    KINDS,
    MOST_ROWS,
    OLD_EXCEL,
    ZIP,
    decoded,
    lines_of,
    read_content,
)
from repope_eval.wording import first_few, shown

log = logging.getLogger(__name__)


MOST_UNPACKED = 100_000_000
"""Bytes of all parts of a workbook together: twice what 9,000 answers of a thousand tokens take."""

MOST_ELEMENTS = 1_000_000
"""XML elements of all parts together, as 9,000 rows of 35 columns have. Each costs openpyxl 20 us, 600 bytes."""

MOST_CELLS = 2_000_000
"""Cells of a sheet, as 9,000 rows of 200 columns have; empty cells before a filled one count."""

_LESS = "keep the columns and rows that are needed, or save it as CSV"

Cells = Sequence[Any]


def workbook_rows(path: Path, content: bytes) -> list[tuple[int, Cells]]:
    """The rows of the first sheet with anything on it, each with its number, without empty cells at its end.

    Further sheets that are not empty are told in a line.
    """
    try:
        _refuse_bombs(path, content)
        return _first_rows(path, content)
    except RepopeError:
        raise
    except Exception as error:  # openpyxl and zipfile raise errors of many kinds for a damaged file
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise RepopeError(f"{path}: is no whole XLSX file ({reason}); save it anew, or as CSV") from error


def _refuse_bombs(path: Path, content: bytes) -> None:
    """Refuses a workbook that openpyxl would unpack and parse to too much.

    The sizes in the archive's directory can be trusted: zipfile unpacks no more than they say.
    """
    with zipfile.ZipFile(BytesIO(content)) as archive:
        parts = archive.infolist()
        if any(part.flag_bits & 1 for part in parts):
            raise RepopeError(f"{path}: is encrypted; save it without a password, or as CSV")
        if "[Content_Types].xml" not in archive.namelist():
            raise RepopeError(f"{path}: is a zip archive, but no workbook; unpack it, and give a file of it")
        if sum(part.file_size for part in parts) > MOST_UNPACKED:
            raise RepopeError(f"{path}: unpacks to more than {MOST_UNPACKED // 10**6} MB; {_LESS}")
        num_elements = 0
        for part in parts:
            xml = archive.read(part).replace(b"\0", b"")  # UTF-16 has zeros between the letters
            if b"<!DOCTYPE" in xml:  # its entities can stand for a billion letters; Office writes none
                raise RepopeError(
                    f"{path}: its part {shown(part.filename)} has a DOCTYPE; save it anew, or as CSV"
                )
            num_elements += xml.count(b"<") - xml.count(b"</")
        if num_elements > MOST_ELEMENTS:
            raise RepopeError(f"{path}: has more than {MOST_ELEMENTS} elements; {_LESS}")


def _first_rows(path: Path, content: bytes) -> list[tuple[int, Cells]]:
    import openpyxl  # slow to import, and rarely needed

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # openpyxl warns of styles and validations, which are not read
        book = openpyxl.load_workbook(BytesIO(content), read_only=True, data_only=True)
        try:
            for sheet in book.worksheets:
                sheet.reset_dimensions()  # those that the file states may be wrong
            filled = (
                (sheet, _filled_rows(path, sheet.iter_rows(values_only=True))) for sheet in book.worksheets
            )
            read, rows = next(
                ((sheet, numbered) for sheet, each in filled if (numbered := list(each))), (None, [])
            )
            others = [sheet.title for sheet, each in filled if next(each, None) is not None]
        finally:
            book.close()
    if read is not None and others:
        log.info(
            "%s: sheet %s is read, and not %s; export a sheet as CSV to have it read",
            path,
            shown(read.title),
            first_few([shown(title) for title in others]),
        )
    return rows


def _filled_rows(path: Path, rows: Iterator[Cells]) -> Iterator[tuple[int, Cells]]:
    """Rows with anything in them, without the empty cells at their ends."""
    num_cells = 0
    for number, row in enumerate(rows, 1):
        num_cells += max(len(row), 1)
        if num_cells > MOST_CELLS:
            raise RepopeError(f"{path}, row {number}: is beyond {MOST_CELLS} cells, filled or empty; {_LESS}")
        cells = list(row)
        while cells and cells[-1] in (None, ""):
            cells.pop()
        if cells:
            yield number, cells


TEXT_EXTENSIONS = (".csv", ".tsv")
SEPARATORS = ",;\t"

MOST_COLUMNS = 1_000
"""Columns of a table at the most. A dozen are read; a file with more is a text with many separators."""


def is_table(path: Path, content: bytes) -> bool:
    """Whether a file is a table of cells, by its first bytes and its extension."""
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
        rows.append((f"line {row_number}", dict(_named_cells(path, names, row_number, row))))
    return rows


def _is_workbook(content: bytes) -> bool:
    return content.startswith((ZIP, EMPTY_ZIP))


def _named_cells(path: Path, names: Sequence[str], number: int, cells: Cells) -> Iterator[tuple[str, Any]]:
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
    for number, cells in _csv_rows(path, text, separator):
        if not any(cells):
            continue
        width = len(cells) if width is None else width
        if len(cells) < width:
            raise RepopeError(
                f"{path}, line {number}: has {len(cells)} cells, and there are {width} columns; is the file whole?"
            )
        yield number, cells


def _csv_rows(path: Path, text: str, separator: str) -> Iterator[tuple[int, list[str]]]:
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
                next((cells for _, cells in _csv_rows(path, text, separator) if any(cells)), [])
            )
        except RepopeError:  # the quotes close only with another separator
            widths[separator] = 0
    return max(SEPARATORS, key=lambda separator: widths[separator])


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

    `repope_eval.system.rows` says what a table is; everything else is JSON. An object of objects of objects is a
    nested document: the names above a row become its `subset` and `question_id`. Other JSON is a list of objects, or
    one object a line.

    Raises:
        RepopeError: the file cannot be read, or is none of these.
    """
    where = str(path)
    content = read_content(path)
    if is_table(path, content):
        placed = [(place, _numbers_read(row)) for place, row in table_rows(path, content)]
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
    """The document that a text which begins as an object is; None where it is something else, such as JSON lines."""
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


def _numbers_read(row: dict[str, Any]) -> dict[str, Any]:
    """Turns texts of numbers into numbers; a text that is none stays, and is refused where it is used."""
    numbers: dict[str, Any] = {}
    for name, kind in _NUMBERS.items():
        if isinstance(row.get(name), str):
            try:
                numbers[name] = kind(row[name])
            except ValueError:
                continue
    return row | numbers
