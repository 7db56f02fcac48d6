"""The files of an export are written all at once, and never in the place of others."""

from pathlib import Path

import pytest

from repope_eval.errors import RepopeError
from repope_eval.exporting import files as writing
from repope_eval.exporting.files import refuse_filled, write_files


@pytest.mark.parametrize("is_there", [True, False])
def test_files_are_written_into_a_folder_that_is_new_or_empty(is_there: bool, tmp_path: Path) -> None:
    out = tmp_path / "deep" / "out"
    if is_there:
        out.mkdir(parents=True)
    refuse_filled(out, "out")
    write_files(out, {"a.md": "one", ".b/c.yaml": "two"})
    assert (out / "a.md").read_text() == "one"
    assert (out / ".b" / "c.yaml").read_text() == "two"
    assert list(out.parent.iterdir()) == [out]


def test_a_folder_with_files_is_refused(tmp_path: Path) -> None:
    (tmp_path / "model_card.md").touch()
    with pytest.raises(
        RepopeError, match=r"out=here: holds model_card.md .* name a folder that is new or empty$"
    ):
        refuse_filled(tmp_path, "here")
    with pytest.raises(RepopeError, match="out=here: Not a directory; name a folder that is new or empty"):
        refuse_filled(tmp_path / "model_card.md", "here")


def test_what_came_meanwhile_is_not_replaced(tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "mine").write_text("kept")
    with pytest.raises(RepopeError, match="cannot be written"):
        write_files(out, {"a.md": "one"})
    assert (out / "mine").read_text() == "kept"
    assert list(tmp_path.iterdir()) == [out]


def test_an_interruption_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[Path] = []

    def interrupted(path: Path, text: str) -> None:
        if written:
            raise KeyboardInterrupt
        path.write_text(text)
        written.append(path)

    monkeypatch.setattr(writing, "write_text", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_files(tmp_path / "out", {"a.md": "one", "b.md": "two"})
    assert written
    assert list(tmp_path.iterdir()) == []
