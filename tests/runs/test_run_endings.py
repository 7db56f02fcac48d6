"""How a start ends, and what it leaves where it fails before its first answer."""

import json
from pathlib import Path
from typing import Any

import pytest
from conftest import visible_files
from opened_folders import ANSWER, IDENTITY, log_of_this_test_only, opened, path

from repope_eval.errors import InterruptionError, RepopeError
from repope_eval.runs import folder as run_folder
from repope_eval.runs.answer_store import read_answers
from repope_eval.runs.folder import RunFolder

__all__ = ["log_of_this_test_only", "path"]  # fixtures


@pytest.mark.parametrize(
    ("error", "how", "line"),
    [
        (RepopeError("a.png: is no image;\nmend it"), "failed", "a.png: is no image; mend it"),
        (
            InterruptionError("interrupted: 3 answers are safe", 143),
            "interrupted",
            "interrupted: 3 answers are safe",
        ),
        (KeyboardInterrupt(), "interrupted", "KeyboardInterrupt"),
        (SystemExit(-1), "interrupted", "stopped by its launcher"),
        (ZeroDivisionError("division by zero"), "failed", "division by zero"),
    ],
)
def test_manifest_says_what_a_run_ended_with(path: Path, error: BaseException, how: str, line: str) -> None:
    def end() -> None:
        with RunFolder(path, IDENTITY, resume=True) as folder:
            folder.manifest.note(status="running")
            folder.write_answers([ANSWER])
            raise error

    with pytest.raises(type(error)):
        end()
    ended = json.loads((path / "manifest.json").read_text())["ended"]
    assert (ended["how"], ended["line"]) == (how, line)


def _fail_before_the_first_answer(path: Path, error: BaseException, *, leaves_failures: bool = False) -> None:
    with RunFolder(path, IDENTITY, resume=True, leaves_failures=leaves_failures) as folder:
        folder.manifest.note(status="running")
        folder.write_images({})
        raise error


@pytest.mark.parametrize("error", [RepopeError("no such answers"), KeyboardInterrupt()])
def test_a_start_that_fails_before_its_first_answer_leaves_nothing_of_what_it_made(
    path: Path, tmp_path: Path, error: BaseException
) -> None:
    with pytest.raises(type(error)):
        _fail_before_the_first_answer(path, error)
    assert list(tmp_path.iterdir()) == []


def test_a_start_that_fails_before_its_first_answer_leaves_a_folder_that_was_there(path: Path) -> None:
    path.mkdir(parents=True)
    path.joinpath("notes.txt").touch()
    with pytest.raises(RepopeError):
        _fail_before_the_first_answer(path, RepopeError("no such checkpoint"))
    assert visible_files(path) == {"notes.txt", "run.log", "manifest.json", "images.json"}


def test_of_a_start_that_nobody_may_see_fail_the_end_is_kept(path: Path) -> None:
    with pytest.raises(RepopeError):
        _fail_before_the_first_answer(path, RepopeError("no such checkpoint"), leaves_failures=True)
    assert json.loads((path / "manifest.json").read_text())["ended"]["line"] == "no such checkpoint"


def test_answers_that_cannot_be_read_any_more_stay(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise OSError(24, "Too many open files")

    def fail() -> None:
        with RunFolder(path, IDENTITY, resume=True) as folder:
            folder.manifest.note(status="running")
            folder.write_answers([ANSWER])
            monkeypatch.setattr(Path, "open", refuse)
            raise RepopeError("too many open files")

    with pytest.raises(RepopeError):
        fail()
    monkeypatch.undo()
    assert read_answers(path / "answers.jsonl") == (ANSWER,)


def test_a_folder_that_another_start_takes_away_is_made_again(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = run_folder.hold

    def take_away(folder: Path, patience: float) -> Any:
        monkeypatch.setattr(run_folder, "hold", held)
        folder.rmdir()
        return held(folder, patience)

    monkeypatch.setattr(run_folder, "hold", take_away)
    opened(path)


def test_an_error_of_the_program_itself_leaves_its_log(path: Path) -> None:
    with pytest.raises(ZeroDivisionError), RunFolder(path, IDENTITY, resume=True):
        raise ZeroDivisionError
    assert visible_files(path) == {"run.log"}
