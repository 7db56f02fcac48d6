"""`build`: questions go to a new file, and none that is there is lost."""

import json
from pathlib import Path

import pytest

from repope_eval.benchmarks.pope_file import read_rows
from repope_eval.commands.build import execute
from repope_eval.errors import RepopeError
from repope_eval.settings.command_settings import BuildSettings


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    pool = [{"image": f"{n}.jpg", "objects": [f"thing {n + k}" for k in range(3)]} for n in range(0, 12, 3)]
    (tmp_path / "objects.jsonl").write_text("".join(json.dumps(row) + "\n" for row in pool))
    return tmp_path


def build(out: str, objects: str = "objects.jsonl") -> None:
    execute(BuildSettings(objects=objects, images=2, variant="popular", out=out), "")


def test_questions_go_to_a_new_file(folder: Path) -> None:
    build("new/questions.jsonl")
    assert len(read_rows(folder / "new" / "questions.jsonl")) == 12
    assert [path.name for path in (folder / "new").iterdir()] == ["questions.jsonl"]


@pytest.mark.parametrize("out", ["objects.jsonl", "link.jsonl"])
def test_the_object_lists_are_not_written_over(out: str, folder: Path) -> None:
    (folder / "link.jsonl").symlink_to("objects.jsonl")
    before = (folder / "objects.jsonl").read_text()
    with pytest.raises(
        RepopeError, match=rf"^out={out}: {out} is one of the files to be read; choose another out=$"
    ):
        build(out)
    assert (folder / "objects.jsonl").read_text() == before


def test_a_file_that_is_there_is_not_replaced_and_nothing_is_read_first(folder: Path) -> None:
    (folder / "questions.jsonl").write_text("earlier work")
    with pytest.raises(
        RepopeError, match=r"^out=questions\.jsonl: questions\.jsonl exists; remove it or choose"
    ):
        build("questions.jsonl", objects="gone.jsonl")
    assert (folder / "questions.jsonl").read_text() == "earlier work"
