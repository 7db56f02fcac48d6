"""Small files: written whole or not at all, and read in either form, with what is malformed named by its place."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from repope_eval.errors import RepopeError
from repope_eval.files import json_files
from repope_eval.files.json_files import (
    flaw,
    parse_line,
    read_json,
    read_rows,
    refuse_existing,
    write_json,
    write_lines,
    write_text,
)

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
        LINES.rstrip("\n"),
        "\n" + LINES.replace("\n", "\r\n\r\n"),
        LINES.replace("\n", "\r"),
        "\ufeff" + LINES,
        json.dumps(ROWS),
        json.dumps(ROWS, indent=4),
        "\ufeff\n " + json.dumps(ROWS, ensure_ascii=False) + "\n",
    ],
    ids=[
        "lines",
        "no newline at the end",
        "CRLF and blank lines",
        "CR alone",
        "byte order mark",
        "list",
        "indented list",
        "list, all odds",
    ],
)
def test_rows_in_either_form(tmp_path: Path, content: str) -> None:
    assert read_rows(file_with(tmp_path, content)) == ROWS


@pytest.mark.parametrize("content", ["", " \n\n", "[]", "[ ]\n"])
def test_a_file_without_rows(tmp_path: Path, content: str) -> None:
    assert read_rows(file_with(tmp_path, content)) == []


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            LINES + "\n{",
            r"answers\.jsonl, line 4: is no JSON \(.+ at column 2\); one object a line, or one list of objects, is",
        ),
        (
            json.dumps({"rows": ROWS}, indent=1),
            r"answers\.jsonl, line 1: is no JSON \(.+\); one object a line,",
        ),
        (LINES + "7", r"answers\.jsonl, line 3: is a JSON int, not an object with named fields"),
        ('["Yes", "No"]', r"answers\.jsonl, row 1: is a JSON str"),
        ("[{},\n{]", r"answers\.jsonl: is no JSON \(.+: line 2 column 2 .+\)$"),
        ("image,question,response", r"answers\.jsonl, line 1: is no JSON"),
        ("[" * 100_000, r"answers\.jsonl: is no JSON"),
        ('{"a": ' + "[" * 100_000, r"answers\.jsonl, line 1: is no JSON"),
        (
            '{"a": ' + "9" * 5000 + "}",
            r"answers\.jsonl, line 1: is no JSON that can be read \(a number of thous",
        ),
        (LINES.encode("utf-16"), r"answers\.jsonl, line 1: is not UTF-8 \(it looks like UTF-16\); save it"),
    ],
    ids=[
        "cut short",
        "one object",
        "number",
        "list of texts",
        "list cut short",
        "CSV",
        "deep list",
        "deep line",
        "digits",
        "UTF-16",
    ],
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
        ('{"a":' * 100_000, "is no JSON that can be read (brackets within brackets without end)"),
        ("9" * 5000, "is no JSON that can be read (a number of thousands of digits)"),
        (" " + "9" * 5000, "is no JSON that can be read (a number of thousands of digits)"),
        ('{"a": 1, "b": 2, "a": 3}', "an object has 'a' twice; keep one"),
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


def test_a_document_that_is_written_is_read_again(tmp_path: Path) -> None:
    document = {"mean": None, "name": "Größe 图像", "figures": [0.1, 3, 1e-300]}
    write_json(tmp_path / "scores.json", document)
    assert read_json(tmp_path / "scores.json") == document
    assert "Größe 图像" in (tmp_path / "scores.json").read_text(encoding="utf-8")


def test_writing_replaces_the_file_and_leaves_nothing_beside_it(tmp_path: Path) -> None:
    for text in ("first, which is longer", "second"):
        write_text(tmp_path / "page.html", text)
    assert [path.name for path in tmp_path.iterdir()] == ["page.html"]
    assert (tmp_path / "page.html").read_text(encoding="utf-8") == "second"


def test_half_a_surrogate_pair_survives(tmp_path: Path) -> None:
    """Some tools cut a response in the middle of an emoji, and write what is left of it as an escape."""
    (row,) = read_rows(file_with(tmp_path, '{"response": "Yes \\ud83d"}'))
    write_json(tmp_path / "again.json", row)
    assert read_json(tmp_path / "again.json") == row == {"response": "Yes \ud83d"}


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(RepopeError, match=r"scores\.json: cannot be written \(.+\); choose another place"):
        write_json(tmp_path / "file" / "scores.json", {})
    with pytest.raises(RepopeError, match=r"scores\.json: cannot be written \(.+\); choose another place"):
        write_json(tmp_path / "gone" / "scores.json", {})


def test_a_folder_in_the_place_is_named_and_nothing_is_left_beside_it(tmp_path: Path) -> None:
    (tmp_path / "scores.json").mkdir()
    with pytest.raises(RepopeError, match=r"scores\.json: cannot be written \(Is a directory\)"):
        write_json(tmp_path / "scores.json", {})
    assert [path.name for path in tmp_path.iterdir()] == ["scores.json"]


@pytest.mark.parametrize(
    "line",
    [
        '{"a": 1}',
        ' {"a": [1, null]} \r',
        "{}",
        '"text \\ud83d"',
        "-1.5e3",
        "NaN",
        b'{"a": "\xc3\xa9"}',
        b'\xef\xbb\xbf{"a": 1}',
        "",
        " ",
        "{",
        '{"a": 1} {"b": 2}',
        '{"a": 1},',
        "{'a': 1}",
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


def test_lines_are_written_into_a_new_folder_and_read_again(tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder" / "rows.jsonl"
    write_lines(path, ROWS)
    assert read_rows(path) == ROWS
    with pytest.raises(RepopeError, match=r"cannot be written \(.+\); choose another place"):
        write_lines(path / "below a file" / "rows.jsonl", ROWS)


def test_what_cannot_be_written_whole_leaves_the_file_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "rows.jsonl"
    write_lines(path, ROWS)

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(RepopeError, match=r"cannot be written \(No space left on device\)"):
        write_lines(path, ROWS[:1])
    assert read_rows(path) == ROWS
    assert [file.name for file in tmp_path.iterdir()] == ["rows.jsonl"]


def test_nothing_is_written_where_something_is(tmp_path: Path) -> None:
    source, other, link = tmp_path / "source", tmp_path / "other", tmp_path / "link"
    source.touch()
    other.touch()
    link.symlink_to(source)
    refuse_existing(tmp_path / "new", "new", [source])
    with pytest.raises(RepopeError, match=r"^out=x: .+/other exists; remove it or choose another out=$"):
        refuse_existing(other, "x", [source, tmp_path / "gone"])
    for path in (source, link, tmp_path / ".." / tmp_path.name / "source"):
        with pytest.raises(
            RepopeError, match=r"^out=x: .+ is one of the files to be read; choose another out=$"
        ):
            refuse_existing(path, "x", [source])
    source.unlink()
    with pytest.raises(RepopeError, match=r"/link exists; remove it"):  # and leads nowhere
        refuse_existing(link, "x", [source])
