"""XLSX workbooks, read within bounds: a small file may unpack to gigabytes, or name a cell a million columns away."""

import logging
import warnings
import zipfile
from collections.abc import Iterator, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

from repope_eval.errors import RepopeError
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

    Args:
        path: the workbook, for messages.
        content: the bytes of its file.

    Raises:
        RepopeError: it is no workbook, or it is damaged, encrypted or too large.
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
            filled = ((sheet, _filled(path, sheet.iter_rows(values_only=True))) for sheet in book.worksheets)
            read, rows = next(((sheet, found) for sheet, each in filled if (found := list(each))), (None, []))
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
