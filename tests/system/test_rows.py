"""Files of rows: each kind recognised, and workbooks refused that spread without bounds."""

import io
import json
import os
import threading
import zipfile
from collections.abc import Callable
from pathlib import Path

import openpyxl
import pytest

from repope_eval.errors import RepopeError
from repope_eval.system import rows as workbooks
from repope_eval.system.rows import read_row_file, workbook_rows

ROWS = [{"image": "a.jpg", "response": "Yes"}]


@pytest.mark.parametrize(
    ("name", "content"), [("a.json", json.dumps(ROWS)), ("a.txt", "\ufeff" + json.dumps(ROWS, indent=1))]
)
def test_json_of_either_kind(name: str, content: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(content, encoding="utf-8")
    file = read_row_file(tmp_path / name)
    assert (file.rows, file.is_table, file.is_nested) == (ROWS, False, False)
    assert file.where == str(tmp_path / name)


def test_rows_of_a_nested_document_get_the_names_they_stand_under(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(json.dumps({"random": {"1": {"text": "?"}}, "popular": {"1": {}}}))
    file = read_row_file(tmp_path / "a.json")
    assert file.is_nested
    assert file.rows == [
        {"text": "?", "subset": "random", "question_id": "1"},
        {"subset": "popular", "question_id": "1"},
    ]


def test_numbers_of_a_text_table_are_numbers(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("response,n_tokens,p_yes,p_no\n1,2,0.25,1e-3\nNo,,high,\n")
    assert read_row_file(tmp_path / "a.csv").rows == [
        {"response": "1", "n_tokens": 2, "p_yes": 0.25, "p_no": 0.001},
        {"response": "No", "n_tokens": None, "p_yes": "high", "p_no": None},
    ]


def test_a_document_of_another_kind_is_told(tmp_path: Path) -> None:
    """A run's scores.json, say."""
    (tmp_path / "scores.json").write_text(json.dumps({"model": "tiny", "scores": {}}, indent=2))
    with pytest.raises(
        RepopeError, match=r"scores\.json: is one JSON object, of 'model, scores'; a list of objects"
    ):
        read_row_file(tmp_path / "scores.json")


def test_an_id_that_stands_twice_in_a_nested_document_is_refused(tmp_path: Path) -> None:
    """Else the first row would be gone without a word."""
    row = '"1": {"text": "?", "response": "No"}'
    for content in (f'{{"random": {{{row}, {row}}}}}', f'{{"random": {{\n{row},\n{row}\n}}}}\n'):
        (tmp_path / "a.json").write_text(content)
        with pytest.raises(RepopeError, match=r"a\.json.*: an object has '1' twice; keep one"):
            read_row_file(tmp_path / "a.json")


@pytest.mark.parametrize(
    ("name", "content", "places"),
    [
        ("a.jsonl", "{}\n\n{}\n", ["line 1", "line 3"]),
        ("a.json", "[{}, {}]", ["row 1", "row 2"]),
        ("a.csv", "image\na\n\nb\n", ["line 2", "line 4"]),
        ("a.json", '{"random": {"1": {}}}', ["subset 'random', question_id '1'"]),
    ],
)
def test_rows_know_their_places(name: str, content: str, places: list[str], tmp_path: Path) -> None:
    (tmp_path / name).write_text(content)
    assert read_row_file(tmp_path / name).places == places


def test_a_pipe_is_read_once(tmp_path: Path) -> None:
    pipe = tmp_path / "answers"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_text, args=[json.dumps(ROWS[0]) + "\n"])
    writer.start()
    assert read_row_file(pipe).rows == ROWS
    writer.join()


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
