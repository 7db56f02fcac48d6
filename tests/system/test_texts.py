"""Text of files: whatever is none is told for what it is, by the line where it shows, and nothing is endless."""

import gzip
import re
from pathlib import Path

import pytest

from repope_eval.errors import RepopeError
from repope_eval.system import texts as text_files
from repope_eval.system.texts import decoded, lines_of, read_text

TEXT = '{"a": 1}\n{"b": "café"}\n'


def refusal(folder: Path, content: bytes) -> str:
    path = folder / "file"
    path.write_bytes(content)
    with pytest.raises(RepopeError) as caught:
        read_text(path)
    return str(caught.value).removeprefix(str(path))


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_utf8_is_read_with_and_without_a_byte_order_mark(mark: bytes, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(mark + TEXT.encode())
    assert read_text(tmp_path / "file") == TEXT


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (
            TEXT.encode("latin-1"),
            ", line 2: is not UTF-8 (it looks like Latin-1 or Windows-1252); save it as UTF-8",
        ),
        (TEXT.encode("utf-16"), ", line 1: is not UTF-8 (it looks like UTF-16); save it as UTF-8"),
        (
            b"a\nb\0\n",
            ", line 2: holds NUL characters, as text in UTF-16 and damaged files do; save it as UTF-8",
        ),
        ("{}\né".encode()[:-1], ", line 2: ends within a character; is the file whole, and in UTF-8?"),
    ],
)
def test_other_encodings_are_named_with_their_line(content: bytes, line: str, tmp_path: Path) -> None:
    assert refusal(tmp_path, content).startswith(line)


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"\x89PNG\r\n\x1a\n\0\0", "a PNG image"),
        (b"%PDF-1.7\n", "a PDF document"),
        (gzip.compress(b"{}", mtime=0), "a gzip archive"),
        (b"PAR1\0", "a Parquet file"),
        (b"\n <!DOCTYPE html><html>", "an HTML page or XML"),
        (b"\xef\xbb\xbf<?xml version='1.0'?>", "an HTML page or XML"),
    ],
)
def test_other_kinds_of_files_are_named(content: bytes, kind: str, tmp_path: Path) -> None:
    assert refusal(tmp_path, content) == f": is {kind}, not text; is it the right file?"


def test_utf16_is_read_where_it_is_expected() -> None:
    path = Path("a.csv")
    assert decoded(path, TEXT.encode("utf-16"), may_be_utf16=True) == TEXT
    with pytest.raises(RepopeError, match=r"a\.csv, line 1: begins as UTF-16 and is none further on; is the"):
        decoded(path, TEXT.encode("utf-16")[:-1], may_be_utf16=True)


def test_no_more_than_so_much_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text_files, "MOST_BYTES", 2**20)
    message = "is larger than 1 MiB; is it the right file?"
    assert refusal(tmp_path, bytes(2**20 + 1)) == f": {message}"
    with pytest.raises(RepopeError, match=f"^/dev/zero: {re.escape(message)}"):
        read_text(Path("/dev/zero"))


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("gone", "No such file or directory"),
        ("n" * 5000, "File name too long"),
        ("a\0b", "embedded null byte"),
    ],
)
def test_what_cannot_be_read_says_why_and_what_to_do(name: str, reason: str, tmp_path: Path) -> None:
    with pytest.raises(RepopeError, match=rf": cannot be read \({reason}\); give models=FILE$"):
        read_text(tmp_path / name, "give models=FILE")


def test_lines_end_as_any_system_ends_them() -> None:
    assert lines_of("a\nb\r\nc\rd\u2028e\n") == ["a", "b", "c", "d\u2028e", ""]
