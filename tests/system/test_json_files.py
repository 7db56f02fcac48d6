"""JSON in either form, with what is malformed named by its place."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from repope_eval.errors import RepopeError
from repope_eval.system import json_files
from repope_eval.system.json_files import flaw, parse_line, read_json, read_rows

ROWS = [{"response": "Yes"}, {"response": "Nein, «nichts»\u2028"}]
LINES = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in ROWS)


def file_with(folder: Path, content: str | bytes) -> Path:
    path = folder / "answers.jsonl"
    path.write_bytes(content.encode("utf-8") if isinstance(content, str) else content)
    return path


@pytest.mark.parametrize(
    "content",
    [
        LINES,
        "\n" + LINES.replace("\n", "\r\n\r\n"),
        LINES.replace("\n", "\r"),
        "\ufeff" + LINES,
        json.dumps(ROWS, indent=4),
        "\ufeff\n " + json.dumps(ROWS, ensure_ascii=False) + "\n",
    ],
    ids=["lines", "CRLF and blank lines", "CR alone", "byte order mark", "indented list", "list, all odds"],
)
def test_rows_in_either_form(tmp_path: Path, content: str) -> None:
    assert read_rows(file_with(tmp_path, content)) == ROWS


@pytest.mark.parametrize("content", ["", "[]"])
def test_a_file_without_rows(tmp_path: Path, content: str) -> None:
    assert read_rows(file_with(tmp_path, content)) == []


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            LINES + "\n{",
            r"answers\.jsonl, line 4: is no JSON \(.+ at column 2\); one object a line, or one list of objects, is",
        ),
        (LINES + "7", r"answers\.jsonl, line 3: is a JSON int, not an object with named fields"),
        ('["Yes", "No"]', r"answers\.jsonl, row 1: is a JSON str"),
        ("[{},\n{]", r"answers\.jsonl: is no JSON \(.+: line 2 column 2 .+\)$"),
        ('{"a": ' + "[" * 100_000, r"answers\.jsonl, line 1: is no JSON"),
        (
            '{"a": ' + "9" * 5000 + "}",
            r"answers\.jsonl, line 1: is no JSON that can be read \(a number of thous",
        ),
    ],
    ids=["cut short", "number", "list of texts", "list cut short", "deep line", "digits"],
)
def test_a_malformed_file_is_refused_by_its_place(tmp_path: Path, content: str | bytes, message: str) -> None:
    with pytest.raises(RepopeError, match=message):
        read_rows(file_with(tmp_path, content))


def test_a_document_without_content_is_empty(tmp_path: Path) -> None:
    with pytest.raises(RepopeError, match=r"answers\.jsonl: is empty$"):
        read_json(file_with(tmp_path, " \n"))


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("[" * 100_000, "is no JSON that can be read (brackets within brackets without end)"),
        ("9" * 5000, "is no JSON that can be read (a number of thousands of digits)"),
        ('{"a": {"b": 1, "b": 1}}', "an object has 'b' twice; keep one"),
        ('{"a": "b', "is no JSON (Unterminated string starting at column 7)"),
        (b"\xe9", "is not UTF-8; save it as UTF-8"),
    ],
)
def test_what_is_wrong_with_a_line_is_a_value_error_that_says_so(line: str | bytes, words: str) -> None:
    with pytest.raises(ValueError, match=r".") as caught:
        parse_line(line)
    assert flaw(caught.value) == words


def test_a_name_that_stands_twice_is_refused_where_rows_are_read(tmp_path: Path) -> None:
    """Else the last of two responses would count, and nobody would know."""
    row = '{"response": "Yes", "response": "No"}'
    with pytest.raises(
        RepopeError, match=r"answers\.jsonl, line 2: an object has 'response' twice; keep one"
    ):
        read_rows(file_with(tmp_path, f"{{}}\n{row}\n"))
    with pytest.raises(RepopeError, match=r"answers\.jsonl: an object has 'response' twice; keep one"):
        read_rows(file_with(tmp_path, f"[{row}]"))
    assert read_json(file_with(tmp_path, row)) == {"response": "No"}  # as others read a checkpoint's files


@pytest.mark.parametrize("content", ["{}\n" * 4, "[{}, {}, {}, {}]"])
def test_rows_without_end_are_refused(content: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_files, "MOST_ROWS", 3)
    with pytest.raises(RepopeError, match=r"answers\.jsonl: has more than 3 rows; is it the right file\?"):
        read_rows(file_with(tmp_path, content))


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    for read in (read_json, read_rows):
        with pytest.raises(RepopeError, match=r"gone: cannot be read \(No such file or directory\)"):
            read(tmp_path / "gone")
        with pytest.raises(RepopeError, match=r"cannot be read \(Is a directory\)"):
            read(tmp_path)


@pytest.mark.parametrize(
    "line",
    [
        '{"a": 1}',
        ' {"a": [1, null]} \r',
        '"text \\ud83d"',
        "NaN",
        b'\xef\xbb\xbf{"a": 1}',
        " ",
        "{",
        '\ufeff{"a": 1}',
        b'{"a": "\xff"}',
    ],
)
def test_a_line_says_what_the_json_module_reads(line: str | bytes) -> None:
    assert _outcome(parse_line, line) == _outcome(json.loads, line)


def _outcome(read: Callable[[str | bytes], Any], line: str | bytes) -> str:
    try:
        return repr(read(line))
    except ValueError as error:
        return f"{type(error).__name__}: {error}"
