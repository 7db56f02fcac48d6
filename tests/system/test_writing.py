"""Small files are written whole or not at all."""

import os
from pathlib import Path

import pytest

from repope_eval.errors import RepopeError
from repope_eval.system.json_files import read_json, read_rows
from repope_eval.system.writing import refuse_existing, write_json, write_lines, write_text

ROWS = [{"response": "Yes"}, {"response": "Nein, «nichts»\u2028"}]


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
    row = {"response": "Yes \ud83d"}
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
