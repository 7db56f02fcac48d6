"""Workbooks: what unpacks, or spreads, without bounds is refused before it fills the memory."""

import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import openpyxl
import pytest

from repope_eval.errors import RepopeError
from repope_eval.system import rows as workbooks
from repope_eval.system.rows import workbook_rows

PATH = Path("a.xlsx")
SHEET = "xl/worksheets/sheet1.xml"
MAIN = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'

Parts = dict[str, bytes]


def parts_of_a_workbook() -> Parts:
    book = openpyxl.Workbook()
    book.active.append(["image", "response"])
    book.active.append(["a.jpg", "Yes"])
    content = io.BytesIO()
    book.save(content)
    with zipfile.ZipFile(content) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def packed(parts: Parts) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, part in parts.items():
            archive.writestr(name, part)
    return content.getvalue()


def sheet(rows: str) -> bytes:
    return f"<worksheet {MAIN}><sheetData>{rows}</sheetData></worksheet>".encode()


def refusal(parts: Parts) -> str:
    with pytest.raises(RepopeError) as caught:
        workbook_rows(PATH, packed(parts))
    return str(caught.value)


def test_an_honest_workbook_is_read() -> None:
    rows = workbook_rows(PATH, packed(parts_of_a_workbook()))
    assert rows == [(1, ["image", "response"]), (2, ["a.jpg", "Yes"])]


@pytest.mark.parametrize("name", ["xl/sharedStrings.xml", SHEET])
def test_parts_that_unpack_to_much_are_refused(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workbooks, "MOST_UNPACKED", 10**6)
    parts = parts_of_a_workbook() | {name: b" " * 10**6}
    assert len(packed(parts)) < 10**4
    assert refusal(parts) == (
        "a.xlsx: unpacks to more than 1 MB; keep the columns and rows that are needed, or save it as CSV"
    )


def test_a_part_that_unpacks_to_more_than_it_says_is_damaged() -> None:
    content = packed(parts_of_a_workbook() | {"xl/styles.xml": b"<styleSheet>" + b" " * 10**6})
    lying = content.replace((10**6 + 12).to_bytes(4, "little"), (500).to_bytes(4, "little"))
    assert lying != content
    with pytest.raises(
        RepopeError, match=r"^a\.xlsx: is no whole XLSX file \(.+\); save it anew, or as CSV$"
    ):
        workbook_rows(PATH, lying)


@pytest.mark.parametrize(("name", "tag"), [("xl/styles.xml", b"<xf/>"), (SHEET, b"<x>")])
def test_elements_without_end_are_refused(name: str, tag: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workbooks, "MOST_ELEMENTS", 10_000)
    assert refusal(parts_of_a_workbook() | {name: tag * 10_001}).startswith(
        "a.xlsx: has more than 10000 elements; keep"
    )


@pytest.mark.parametrize(
    "rows",
    [
        '<row r="1"/><row r="999999999999"><c r="A1"><v>1</v></c></row>',
        "".join(f'<row><c r="XFD{number}"><v>1</v></c></row>' for number in range(1, 200)),
    ],
    ids=["a row far below", "cells far to the right"],
)
def test_cells_far_away_are_refused(rows: str) -> None:
    """A few hundred bytes would otherwise be rows, or cells, by the million."""
    assert "is beyond 2000000 cells, filled or empty; keep" in refusal(
        parts_of_a_workbook() | {SHEET: sheet(rows)}
    )


@pytest.mark.parametrize("encoded", [str.encode, lambda text: text.encode("utf-16")], ids=["UTF-8", "UTF-16"])
def test_entities_that_stand_for_a_billion_letters_are_refused(encoded: Callable[[str], bytes]) -> None:
    entities = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    bomb = f'<!DOCTYPE sst [<!ENTITY l0 "lol">{entities}]><worksheet {MAIN}><sheetData>&l9;</sheetData></worksheet>'
    assert refusal(parts_of_a_workbook() | {SHEET: encoded(bomb)}) == (
        f"a.xlsx: its part '{SHEET}' has a DOCTYPE; save it anew, or as CSV"
    )


@pytest.mark.parametrize("parts", [{}, {"notes.txt": b"x"}])
def test_a_zip_archive_that_is_no_workbook_is_told(parts: Parts) -> None:
    assert refusal(parts) == "a.xlsx: is a zip archive, but no workbook; unpack it, and give a file of it"


def test_an_encrypted_archive_is_told() -> None:
    content = bytearray(packed(parts_of_a_workbook()))
    directory = content.index(b"PK\x01\x02")
    content[directory + 8] |= 1  # the flag of the first part
    with pytest.raises(RepopeError, match=r"^a\.xlsx: is encrypted; save it without a password, or as CSV$"):
        workbook_rows(PATH, bytes(content))


@pytest.mark.parametrize(
    ("name", "part"),
    [
        (SHEET, b"<worksheet>"),
        (SHEET, sheet('<row><c t="s"><v>7</v></c></row>')),
        ("[Content_Types].xml", b"no XML"),
    ],
    ids=["cut", "a string that is not there", "no XML"],
)
def test_whatever_openpyxl_stumbles_over_is_one_line(name: str, part: bytes) -> None:
    line = refusal(parts_of_a_workbook() | {name: part})
    assert line.startswith("a.xlsx: is no whole XLSX file (")
    assert "\n" not in line


def test_further_sheets_are_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "repope_eval")
    workbook = openpyxl.Workbook()
    first, _, third = workbook.active, workbook.create_sheet("Nothing"), workbook.create_sheet("More")
    first.append(["image"])  # type: ignore[union-attr]
    workbook.save(tmp_path / "own.xlsx")
    workbook_rows(tmp_path / "own.xlsx", (tmp_path / "own.xlsx").read_bytes())
    assert not caplog.text
    third.append(["image"])
    workbook.save(tmp_path / "own.xlsx")
    workbook_rows(tmp_path / "own.xlsx", (tmp_path / "own.xlsx").read_bytes())
    assert (
        "own.xlsx: sheet 'Sheet' is read, and not 'More'; export a sheet as CSV to have it read"
        in caplog.text
    )
