"""Lines that are appended: whole, on the disk, and only to what this process left."""

from collections.abc import Callable
from pathlib import Path

import pytest

from repope_eval.system.writing import AppendedLines, whole_lines


def test_lines_are_added_behind_whole_ones(tmp_path: Path) -> None:
    path = tmp_path / "lines"
    path.write_bytes(b"one\ntwo\nthr")
    content = whole_lines(path)
    assert content == path.read_bytes() == b"one\ntwo\n"
    file = AppendedLines(path, len(content))
    file.append(b"three\n")
    file.append(b"four\n")
    assert whole_lines(path) == b"one\ntwo\nthree\nfour\n"


def test_a_file_that_is_not_there_has_no_lines_and_is_made(tmp_path: Path) -> None:
    path = tmp_path / "lines"
    assert whole_lines(path) == b""
    AppendedLines(path, 0).append(b"one\n")
    assert whole_lines(path) == b"one\n"


@pytest.mark.parametrize("change", [Path.unlink, lambda path: path.write_bytes(b"other")])
def test_what_another_program_has_changed_is_left(change: Callable[[Path], object], tmp_path: Path) -> None:
    path = tmp_path / "lines"
    file = AppendedLines(path, 0)
    file.append(b"one\n")
    change(path)
    before = path.read_bytes() if path.exists() else None
    with pytest.raises(OSError, match=r"another program has changed it|No such file"):
        file.append(b"two\n")
    assert (path.read_bytes() if path.exists() else None) == before


def test_a_full_device_has_no_lines_and_takes_none() -> None:
    full = Path("/dev/full")
    assert whole_lines(full) == b""
    with pytest.raises(OSError, match="No space left on device"):
        AppendedLines(full, 0).append(b"one\n")
