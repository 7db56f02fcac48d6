"""Tables of every kind: told apart, read whole, and refused with the line where they are broken."""

import re
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from repope_eval.errors import RepopeError
from repope_eval.system import rows as table_files
from repope_eval.system.rows import is_table, table_rows

ROWS = [{"image": "a.jpg", "response": "Yes"}, {"image": "b.jpg", "response": "No, none"}]


def text_file(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def workbook(path: Path, *sheets: list[list[object]]) -> Path:
    book = openpyxl.Workbook()
    book.remove(book.worksheets[0])
    for number, rows in enumerate(sheets):
        sheet = book.create_sheet(f"sheet{number}")
        for row in rows:
            sheet.append(row)
    book.save(path)
    return path


def read_table(path: Path) -> list[dict[str, Any]]:
    return [row for _, row in table_rows(path, path.read_bytes())]


def refusal(path: Path) -> str:
    with pytest.raises(RepopeError) as caught:
        read_table(path)
    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith(str(path))
    return str(caught.value).removeprefix(str(path))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", 'image,response\na.jpg,Yes\nb.jpg,"No, none"\n'),
        ("a.csv", '"image";"response"\r\n"a.jpg";"Yes"\r\n"b.jpg";"No, none"\r\n'),
        ("a.tsv", "image\tresponse\na.jpg\tYes\nb.jpg\tNo, none\n"),
        ("a.CSV", "\ufeffimage;response\na.jpg;Yes\nb.jpg;No, none\n"),
        ("a.csv", "image\tresponse\na.jpg\tYes\nb.jpg\tNo, none\n".encode("utf-16")),
        ("a.csv", ',image,response\n0,a.jpg,Yes\n\n,,\n1,b.jpg,"No, none"\n'),
    ],
)
def test_text_tables_of_any_separator(name: str, content: str | bytes, tmp_path: Path) -> None:
    path = text_file(tmp_path / name, content)
    assert is_table(path, path.read_bytes())
    assert read_table(path) == ROWS


def test_cells_with_lines_quotes_and_much_text(tmp_path: Path) -> None:
    long = "x" * 500_000
    path = text_file(
        tmp_path / "a.csv", f'image,response\na.jpg,"He said ""no"",\nthen left"\nb.jpg,{long}\n'
    )
    assert [row["response"] for row in read_table(path)] == ['He said "no",\nthen left', long]


def test_an_empty_cell_is_none(tmp_path: Path) -> None:
    assert read_table(text_file(tmp_path / "a.csv", "image,response\na.jpg,\n")) == [
        {"image": "a.jpg", "response": None}
    ]
    assert read_table(workbook(tmp_path / "a.xlsx", [["image", "response"], ["a.jpg"], ["b.jpg", ""]])) == [
        {"image": "a.jpg", "response": None},
        {"image": "b.jpg", "response": None},
    ]


@pytest.mark.parametrize("name", ["a.xlsx", "a.csv", "answers"])
def test_a_workbook_is_one_by_its_content(name: str, tmp_path: Path) -> None:
    rows: list[list[object]] = [
        [None, "image", "response"],
        [0, "a.jpg", "Yes"],
        [],
        [1, "b.jpg", "No, none"],
    ]
    workbook(tmp_path / "book.xlsx", [], rows, [["notes"]]).rename(tmp_path / name)
    assert is_table(tmp_path / name, (tmp_path / name).read_bytes())
    assert read_table(tmp_path / name) == ROWS


def test_cells_of_a_workbook_are_what_they_are(tmp_path: Path) -> None:
    path = workbook(tmp_path / "a.xlsx", [["question_id", "response", "p_yes"], [7, True, 0.25]])
    assert read_table(path) == [{"question_id": 7, "response": True, "p_yes": 0.25}]


@pytest.mark.parametrize("content", ["", "image,response\n"])
def test_a_table_without_rows(content: str, tmp_path: Path) -> None:
    assert read_table(text_file(tmp_path / "a.csv", content)) == []


def test_a_workbook_without_rows(tmp_path: Path) -> None:
    assert read_table(workbook(tmp_path / "a.xlsx", [])) == []


@pytest.mark.parametrize(
    ("name", "content", "table"),
    [
        ("a.csv", '{"image": "a.jpg"}\n', False),
        ("a.csv", '\ufeff  [{"image": "a.jpg"}]', False),
        ("a.jsonl", "image,response", False),
        ("a.json", "", False),
        ("a.tsv", "", True),
        ("a.xlsx", "", True),
    ],
)
def test_what_is_a_table(name: str, content: str, table: bool, tmp_path: Path) -> None:
    path = text_file(tmp_path / name, content)
    assert is_table(path, path.read_bytes()) is table


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("image,response\na.jpg\n", ", line 2: has 1 cells, and there are 2 columns; is the file whole?"),
        (
            "image,response\na.jpg,Yes\nb.jpg,No, none\n",
            ", line 3: has 3 cells, and there are 2 columns; put texts that hold the separator into quotes",
        ),
        ('image,response\na.jpg,Yes\nb.jpg,"No\n', ", line 3: is no row of a table ("),
        ("image,answer,answer\n", ", line 1: two columns are named 'answer'; rename one"),
    ],
)
def test_broken_text_tables(content: str | bytes, message: str, tmp_path: Path) -> None:
    assert refusal(text_file(tmp_path / "a.csv", content)).startswith(message)


def test_broken_workbooks(tmp_path: Path) -> None:
    path = workbook(tmp_path / "a.xlsx", [["image", "response"], ["a.jpg", "Yes", "more"]])
    assert refusal(path).startswith(", line 2: has 3 cells, and there are 2 columns")
    cut = text_file(tmp_path / "cut.xlsx", path.read_bytes()[:-500])
    assert re.match(r": is no whole XLSX file \(.+\); save it anew, or as CSV", refusal(cut))


def test_a_file_that_only_excel_reads_is_told(tmp_path: Path) -> None:
    with pytest.raises(
        RepopeError, match=r"a\.xls: is an old Excel file \(\.xls\) or a locked one; save it as"
    ):
        is_table(tmp_path / "a.xls", b"\xd0\xcf\x11\xe0" + bytes(100))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("image,response\na,b\n" + "a,b\n" * 3, ": has more than 3 rows; is it the right file?"),
        (",".join(map(str, range(1001))) + "\n", ", line 1: has 1001 columns; at most 1000 are read"),
        ("<html><table></table></html>", ": is an HTML page or XML, not text; is it the right file?"),
    ],
)
def test_tables_without_end_and_other_kinds_of_files(
    content: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(table_files, "MOST_ROWS", 3)
    assert refusal(text_file(tmp_path / "a.xlsx", content)) == message


def test_a_text_table_named_as_a_workbook_is_read(tmp_path: Path) -> None:
    assert read_table(text_file(tmp_path / "a.xlsx", "image;response\na.jpg;Yes\nb.jpg;No, none\n")) == ROWS
