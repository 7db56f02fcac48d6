"""XLSX workbooks, read within bounds: a small file may unpack to gigabytes, or name a cell a million columns away."""

import warnings
import zipfile
from collections.abc import Iterator, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

from repope_eval.errors import RepopeError
from repope_eval.wording import shown

MOST_UNPACKED = 100_000_000
"""Bytes of a workbook's parts together: twice what 9,000 answers of a thousand tokens take."""

MOST_ELEMENTS = 1_000_000
"""Of the XML of its parts together: 9,000 rows of 35 columns. Each takes openpyxl up to 20 microseconds, 600 bytes."""

MOST_CELLS = 2_000_000
"""Of a sheet, empty ones before filled ones too: 9,000 rows of 200 columns."""

_LESS = "keep the columns and rows that are needed, or save it as CSV"

Cells = Sequence[Any]


def workbook_rows(path: Path, content: bytes) -> list[tuple[int, Cells]]:
    """The rows of the first sheet with anything on it, each with its number, without empty cells at its end.

    Args:
        path: the workbook, for messages.
        content: of its file.

    Raises:
        RepopeError: it is no workbook or a damaged, encrypted or overlarge one.
    """
    try:
        _refuse_bombs(path, content)
        return _first_rows(path, content)
    except RepopeError:
        raise
    except Exception as error:  # openpyxl and zipfile let many kinds through on a damaged file
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise RepopeError(f"{path}: is no whole XLSX file ({reason}); save it anew, or as CSV") from error


def _refuse_bombs(path: Path, content: bytes) -> None:
    """Looks at all that openpyxl might unpack and parse: zipfile unpacks no more than the directory says."""
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
            xml = archive.read(part).replace(b"\0", b"")  # which it has in UTF-16
            if b"<!DOCTYPE" in xml:  # whose entities can stand for a billion letters; Office writes none
                raise RepopeError(
                    f"{path}: its part {shown(part.filename)} has a DOCTYPE; save it anew, or as CSV"
                )
            num_elements += xml.count(b"<") - xml.count(b"</")
        if num_elements > MOST_ELEMENTS:
            raise RepopeError(f"{path}: has more than {MOST_ELEMENTS} elements; {_LESS}")


def _first_rows(path: Path, content: bytes) -> list[tuple[int, Cells]]:
    import openpyxl  # slow to import, and rarely needed

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of styles and validations, which are not read
        book = openpyxl.load_workbook(BytesIO(content), read_only=True, data_only=True)
        try:
            for sheet in book.worksheets:
                sheet.reset_dimensions()  # what a file says of them may be wrong
                rows = list(_filled(path, sheet.iter_rows(values_only=True)))
                if rows:
                    return rows
        finally:
            book.close()
    return []


def _filled(path: Path, rows: Iterator[Cells]) -> Iterator[tuple[int, Cells]]:
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
