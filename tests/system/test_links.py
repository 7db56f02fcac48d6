"""What is read of a folder lies in it, and what is written to it stays in it."""

import os
from pathlib import Path

import pytest

from repope_eval.errors import RepopeError
from repope_eval.system.folders import lies_in, refuse_links, require_inside


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
