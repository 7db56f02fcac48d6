"""The text of files that people bring: read once, within bounds, in UTF-8; other kinds of files are called by name."""

import hashlib
import re
from pathlib import Path

from repope_eval.errors import RepopeError

MOST_BYTES = 2**30
"""Bytes of a file at the most: more than twice COCO's largest annotations; a device may have endless content."""

MOST_ROWS = 1_000_000
"""Rows of a table at the most, in any format: POPE has 9,000, and a hundred times that still fits any memory."""

_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")

ZIP, EMPTY_ZIP, OLD_EXCEL = b"PK\x03\x04", b"PK\x05\x06", b"\xd0\xcf\x11\xe0"
"""First bytes of zip archives, of empty ones, and of old Excel files. An XLSX workbook is a zip archive."""

KINDS = {
    b"\x89PNG": "a PNG image",
    b"\xff\xd8\xff": "a JPEG image",
    b"GIF87a": "a GIF image",
    b"GIF89a": "a GIF image",
    b"%PDF-": "a PDF document",
    b"\x1f\x8b": "a gzip archive",
    b"BZh91AY&SY": "a bzip2 archive",
    b"\xfd7zXZ": "an xz archive",
    b"7z\xbc\xaf": "a 7z archive",
    ZIP: "a zip archive or a workbook",
    b"PAR1": "a Parquet file",
    b"SQLite format 3": "an SQLite database",
    OLD_EXCEL: "an old Excel file (.xls) or a locked one",
}
"""First bytes of files of other kinds."""

_MARKUP = re.compile(rb"<(!doctype|html|head|body|table|\?xml)\b", re.IGNORECASE)


def read_text(path: Path, mend: str = "") -> str:
    """The text of a file in UTF-8, with or without a byte order mark.

    Args:
        path: the file.
        mend: what to do where it cannot be read.

    Raises:
        RepopeError: as `read_content` and `decoded`.
    """
    return decoded(path, read_content(path, mend))


def read_content(path: Path, mend: str = "") -> bytes:
    """The content of a file, which is read once, since it may be a pipe.

    Raises:
        RepopeError: it cannot be read, or has more than `MOST_BYTES`.
    """
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            content = b"" if size > MOST_BYTES else file.read(MOST_BYTES + 1)
    except (OSError, ValueError) as error:  # a name with a NUL in it is a ValueError
        reason = error.strerror if isinstance(error, OSError) else error
        raise RepopeError(f"{path}: cannot be read ({reason}){mend and f'; {mend}'}") from error
    if max(size, len(content)) > MOST_BYTES:
        raise RepopeError(f"{path}: is larger than {MOST_BYTES // 2**20} MiB; is it the right file?")
    return content


def content_hash(path: Path) -> str:
    """The SHA-256 of a file's content, as `read_content` reads it."""
    return hashlib.sha256(read_content(path)).hexdigest()


def lines_of(text: str) -> list[str]:
    """The lines of a text, ended by LF, CRLF or CR; other line separators may stand inside JSON's texts."""
    return text.replace("\r\n", "\n").replace("\r", "\n").split("\n")


def decoded(path: Path, content: bytes, *, may_be_utf16: bool = False) -> str:
    """Decodes the content of a text file.

    Args:
        path: the file, for messages.
        content: UTF-8, with or without a byte order mark.
        may_be_utf16: whether UTF-16 with a byte order mark is read as well.
    """
    if kind := _file_kind(content):
        raise RepopeError(f"{path}: is {kind}, not text; is it the right file?")
    is_utf16 = content.startswith(_UTF16_MARKS)
    if b"\0" in content and not is_utf16:
        raise RepopeError(
            f"{path}, line {_line_at(content, content.index(0))}: holds NUL characters, as text in UTF-16 and damaged "
            "files do; save it as UTF-8"
        )
    try:
        return content.decode("utf-16" if is_utf16 and may_be_utf16 else "utf-8-sig")
    except UnicodeDecodeError as error:
        raise RepopeError(f"{path}, {_wrong_encoding(content, error)}") from error


def _file_kind(content: bytes) -> str | None:
    """The kind of a file whose first bytes show that it is no plain text; None where they do not."""
    head = content[:512]
    if _MARKUP.match(head.removeprefix(b"\xef\xbb\xbf").lstrip()):
        return "an HTML page or XML"
    return next((kind for mark, kind in KINDS.items() if head.startswith(mark)), None)


def _wrong_encoding(content: bytes, error: UnicodeDecodeError) -> str:
    """The line where a text stops being UTF-8, and the encoding that it may have."""
    if error.encoding != "utf-8":
        return "line 1: begins as UTF-16 and is none further on; is the file whole? Save it as UTF-8"
    if content.startswith(_UTF16_MARKS):
        return "line 1: is not UTF-8 (it looks like UTF-16); save it as UTF-8"
    line = _line_at(content, error.start)
    if error.end >= len(content) and error.reason == "unexpected end of data":
        return f"line {line}: ends within a character; is the file whole, and in UTF-8?"
    return f"line {line}: is not UTF-8 (it looks like Latin-1 or Windows-1252); save it as UTF-8"


def _line_at(content: bytes, index: int) -> int:
    return content.count(b"\n", 0, index) + 1
