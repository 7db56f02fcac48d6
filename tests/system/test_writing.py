"""Small files are written whole or not at all, and stay in their folder."""

import os
from pathlib import Path

import pytest

from repope_eval.errors import RepopeError
from repope_eval.system.folders import lies_in, refuse_links, require_inside
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


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "outside").write_text("precious")
    made = tmp_path / "folder"
    made.mkdir()
    (made / "file").write_text("own")
    (made / "beside").symlink_to("file")
    (made / "out").symlink_to(tmp_path / "outside")
    (made / "nowhere").symlink_to(tmp_path / "new")
    (made / "circle").symlink_to("circle")
    os.mkfifo(made / "pipe")
    return made


def test_what_lies_in_a_folder_is_an_ordinary_file_wherever_links_lead(folder: Path) -> None:
    inside = {path.name for path in folder.iterdir() if lies_in(path, folder)}
    assert inside == {"file", "beside"}
    assert not lies_in(Path("a\0b"), folder)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("out", "is a link that leads out of its folder; put the file itself there"),
        ("nowhere", "is a link that leads out of its folder"),
        ("circle", "is a link that leads out of its folder"),
        ("pipe", "is no file"),
        ("", "is no file"),
    ],
)
def test_what_leads_out_is_not_read(name: str, reason: str, folder: Path) -> None:
    with pytest.raises(RepopeError, match=reason):
        require_inside(folder / name)
    for fine in ("file", "beside", "missing"):
        require_inside(folder / fine)


def test_what_would_be_written_through_is_refused(folder: Path) -> None:
    refuse_links(folder, ["file", "missing"], ["file", "missing"])
    refuse_links(folder / "none", ["file"], ["file"])
    for name in ("out", "nowhere", "beside"):
        with pytest.raises(
            RepopeError, match=f"out={folder}: {name} there is a link, to .*; remove the link"
        ):
            refuse_links(folder, ["file", name])
    os.link(folder / "file", folder / "second")
    refuse_links(folder, ["second"])  # which gives way to a new file
    with pytest.raises(RepopeError, match=f"out={folder}: second there is a hard link"):
        refuse_links(folder, ["second"], ["second"])
