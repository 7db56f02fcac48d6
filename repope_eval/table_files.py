"""Tables in CSV, TSV and XLSX files, as rows of named cells.

A table's first row names its columns. Which kind a file is: a zip archive is XLSX; what ends in .csv or .tsv
and does not begin as JSON does is text, whose columns are separated by the mark among comma, semicolon and
tab that cuts the first row into most columns; all else is no table.
"""

import csv
import io
import sys
import warnings
import zipfile
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from repope_eval.errors import RepopeError

TEXT_EXTENSIONS = (".csv", ".tsv")
SEPARATORS = ",;\t"

_ZIP = b"PK\x03\x04"
_OLD_EXCEL = b"\xd0\xcf\x11\xe0"
_UTF16 = (b"\xff\xfe", b"\xfe\xff")

Cells = Sequence[Any]


def is_table(path: Path) -> bool:
    """Whether a file is a table of cells, by its first bytes and its extension.

    Raises:
        RepopeError: it cannot be read, or is of a kind that only other programs read.
    """
    try:
        with path.open("rb") as file:
            head = file.read(64)
    except OSError as error:
        raise RepopeError(f"{path}: cannot be read ({error.strerror})") from error
    if head.startswith(_OLD_EXCEL):
        raise RepopeError(f"{path}: is an old Excel file (.xls) or a locked one; save it as .xlsx or .csv")
    if head.startswith(_ZIP):
        return True
    begins_as_json = head.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] in (b"{", b"[")
    return path.suffix.lower() in (*TEXT_EXTENSIONS, ".xlsx") and not begins_as_json


def read_table(path: Path) -> list[dict[str, Any]]:
    """The rows of a table by column name.

    Cells of CSV and TSV are texts; those of XLSX are what Excel has them for. An empty cell is None. Columns
    without a name, such as the numbers that pandas puts first, and empty rows are left out. Of a workbook
    the first sheet with anything on it is read.

    Raises:
        RepopeError: the file cannot be read, two columns have one name, or a row has more cells than there
            are columns, or in CSV and TSV fewer.
    """
    with path.open("rb") as file:
        head = file.read(4)
    numbered = _workbook_rows(path) if head.startswith(_ZIP) else _text_rows(path)
    first = next(numbered, None)
    if first is None:
        return []
    number, cells = first
    names = [str(cell).strip() if cell is not None else "" for cell in cells]
    repeated = [name for name, count in Counter(names).items() if name and count > 1]
    if repeated:
        raise RepopeError(f"{path}, line {number}: two columns are named {repeated[0]!r}; rename one")
    return [dict(_named(path, names, row_number, row)) for row_number, row in numbered]


def _named(path: Path, names: Sequence[str], number: int, cells: Cells) -> Iterator[tuple[str, Any]]:
    if len(cells) > len(names):
        raise RepopeError(
            f"{path}, line {number}: has {len(cells)} cells, and there are {len(names)} columns; put texts that "
            "hold the separator into quotes"
        )
    for place, name in enumerate(names):
        if name:
            cell = cells[place] if place < len(cells) else None
            yield name, None if cell == "" else cell


def _text_rows(path: Path) -> Iterator[tuple[int, Cells]]:
    """Line numbers and cells; a row that has fewer than the first is refused, since a file cut short ends so."""
    text = _text(path)
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
    """The mark that cuts the first row into most columns; the first of `SEPARATORS` among equals."""
    widths = {}
    for separator in SEPARATORS:
        try:
            widths[separator] = len(
                next((cells for _, cells in _csv(path, text, separator) if any(cells)), [])
            )
        except RepopeError:  # quotes that are whole only where the columns are cut elsewhere
            widths[separator] = 0
    return max(SEPARATORS, key=lambda separator: widths[separator])


def _text(path: Path) -> str:
    try:
        content = path.read_bytes()
        return content.decode("utf-16" if content.startswith(_UTF16) else "utf-8-sig")
    except OSError as error:
        raise RepopeError(f"{path}: cannot be read ({error.strerror})") from error
    except UnicodeDecodeError as error:
        raise RepopeError(f"{path}: cannot be read ({error}); save it as UTF-8") from error


def _workbook_rows(path: Path) -> Iterator[tuple[int, Cells]]:
    import openpyxl  # slow to import, and rarely needed

    try:
        with path.open("rb") as file, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of styles and validations, which are not read
            # Not the path: openpyxl goes by the extension where there is one.
            book = openpyxl.load_workbook(file, read_only=True, data_only=True)
            try:
                for sheet in book.worksheets:
                    sheet.reset_dimensions()  # what a file says of them may be wrong
                    rows = list(_filled(sheet.iter_rows(values_only=True)))
                    if rows:
                        break
                else:
                    rows = []
            finally:
                book.close()
    except (OSError, zipfile.BadZipFile, KeyError, ValueError, TypeError, SyntaxError) as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise RepopeError(f"{path}: is no whole XLSX file ({reason}); save it anew, or as CSV") from error
    yield from rows


def _filled(rows: Iterable[Cells]) -> Iterator[tuple[int, Cells]]:
    """Rows with anything in them, without the empty cells at their ends."""
    for number, row in enumerate(rows, 1):
        cells = list(row)
        while cells and cells[-1] in (None, ""):
            cells.pop()
        if cells:
            yield number, cells
