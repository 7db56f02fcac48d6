"""A run folder: whose it is, what is in it, what is refused, its log, and how a start ends."""

import json
import logging
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import visible_files
from filelock import FileLock

from repope_eval.errors import InterruptionError, RepopeError
from repope_eval.records import Answer, Question
from repope_eval.runs import folder as run_folder
from repope_eval.runs.answer_store import read_answers
from repope_eval.runs.folder import FollowedFolder, RunFolder, close_log, picture_hashes
from repope_eval.runs.layout import answer_files
from repope_eval.runs.manifest import SCHEMA_VERSION

IDENTITY = {"model.checkpoint": "a/b", "model.revision": "main", "bench.images": None}

ANSWER = Answer(Question("a.png", "Is there a car in the image?", "car"), "Yes")


@pytest.fixture(autouse=True)
def log_of_this_test_only(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    caplog.set_level(logging.INFO, "repope_eval")
    yield
    close_log()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "runs" / "demo" / "tiny"


def opened(path: Path, *, resume: bool = True, **changed: Any) -> RunFolder:
    """The folder as a process finds it that comes after the one before has ended."""
    with RunFolder(path, IDENTITY | changed, resume=resume) as folder:
        return folder


def answered(path: Path) -> RunFolder:
    folder = opened(path)
    folder.manifest.note(status="running")
    folder.write_answers([ANSWER])
    return folder


def refusal(path: Path, **how: Any) -> str:
    with pytest.raises(RepopeError) as caught:
        opened(path, **how)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_folder_is_made_with_its_log(path: Path) -> None:
    folder = opened(path)
    assert (folder.path, folder.answers, folder.manifest.seconds) == (path, path / "answers.jsonl", {})
    assert visible_files(path) == {"run.log"}


def test_home_folder_may_be_written_as_a_tilde(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert opened(Path("~/runs")).path == tmp_path / "runs"


def test_answers_of_another_configuration_are_refused(path: Path) -> None:
    answered(path)
    assert refusal(path, **{"model.revision": "v2", "bench.images": "here", "model.dtype": "float32"}) == (
        f"give another out=, such as out={path}-2, or remove {path} to ask anew: it holds answers of another "
        "configuration, model.revision is 'main' there and 'v2' here, bench.images is not set there and 'here' here, "
        "model.dtype is not set there and 'float32' here"
    )
    assert read_answers(path / "answers.jsonl") == (ANSWER,)


def test_the_folder_that_a_refusal_names_is_free_and_can_be_typed(tmp_path: Path) -> None:
    path = tmp_path / "a run"
    answered(path)
    (tmp_path / "a run-2").mkdir()
    assert refusal(path, **{"model.revision": "v2"}).startswith(
        f"give another out=, such as 'out={path}-3', or remove"
    )


def test_answers_that_ranks_left_are_of_one_configuration_too(path: Path) -> None:
    folder = answered(path)
    folder.answers.rename(path / "answers.rank-1.jsonl")
    assert "model.revision is 'main' there and 'v2' here" in refusal(path, **{"model.revision": "v2"})


def test_answers_are_refused_where_none_may_be_resumed(path: Path) -> None:
    answered(path)
    assert refusal(path, resume=False) == (
        f"give another out=, remove {path}, or leave resume=false out to go on: it holds answers"
    )


def test_folder_without_answers_is_anyones(path: Path) -> None:
    opened(path).manifest.note(status="running", seconds={"load": 1.0})
    (path / "answers.jsonl").touch()
    folder = opened(path, resume=False, **{"model.revision": "v2"})
    folder.manifest.note(status="running")
    manifest = json.loads((path / "manifest.json").read_text())
    assert (manifest["identity"]["model.revision"], folder.manifest.seconds) == ("v2", {})


def test_answers_without_a_manifest_are_refused(path: Path) -> None:
    answered(path)
    (path / "manifest.json").unlink()
    assert refusal(path) == f"{path} holds answers but no manifest.json to tell whose: choose another out="


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (
            "{",
            "is no JSON (Expecting property name enclosed in double quotes: line 1 column 2 (char 1)), so whose",
        ),
        ("[]", "is no run's manifest"),
        ('{"schema": 1}', "does not tell whose the answers beside it are"),
        ('{"schema": 2, "identity": {}}', "is of schema 2, another version's"),
    ],
)
def test_answers_beside_a_broken_manifest_are_refused(path: Path, content: str, reason: str) -> None:
    assert SCHEMA_VERSION == 1
    answered(path)
    (path / "manifest.json").write_text(content)
    said = refusal(path)
    assert said.removeprefix(str(path / "manifest.json")).lstrip(":, ").startswith(reason)
    assert said.endswith(": choose another out=")


def test_manifest_is_kept_when_a_run_goes_on(path: Path) -> None:
    first = answered(path)
    first.manifest.note(
        checkpoint={"commit": "abc"}, seconds={"load": 2.0, "inference": 30.0}, status="complete"
    )
    second = opened(path)
    assert second.manifest.seconds == {"load": 2.0, "inference": 30.0}
    second.manifest.note(status="running")
    manifest = json.loads((path / "manifest.json").read_text())
    assert manifest == {
        "schema": SCHEMA_VERSION,
        "identity": IDENTITY,
        "status": "running",
        "checkpoint": {"commit": "abc"},
        "seconds": {"load": 2.0, "inference": 30.0},
    }


def test_model_that_is_another_than_the_answers_came_from_is_refused(path: Path) -> None:
    answered(path).manifest.note_asker({"checkpoint": {"commit": "abc"}, "prompt": "a"}, {"name": "cpu"})
    with pytest.raises(RepopeError, match=r"checkpoint\.commit is 'abc' there and 'def' here"):
        opened(path).manifest.note_asker({"checkpoint": {"commit": "def"}, "prompt": "a"}, {"name": "cpu"})
    opened(path).manifest.note_asker(
        {"checkpoint": {"commit": "abc"}, "prompt": "a", "engine": "b"}, {"name": "cuda:0"}
    )
    found = json.loads((path / "manifest.json").read_text())
    assert (found["engine"], found["device"]) == ("b", {"name": "cpu"})


def test_file_in_the_way_is_refused(path: Path) -> None:
    path.parent.mkdir(parents=True)
    path.touch()
    assert refusal(path) == f"out={path}: cannot be made or written (File exists); choose another out="
    assert refusal(path / "below") == (
        f"out={path / 'below'}: cannot be made or written (Not a directory); choose another out="
    )


def test_folder_that_cannot_be_written_is_refused(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise PermissionError(13, "Permission denied")

    with monkeypatch.context() as patched:
        patched.setattr(logging, "FileHandler", refuse)
        assert refusal(path) == f"out={path}: cannot be written (Permission denied); choose another out="
    with monkeypatch.context() as patched:
        patched.setattr(Path, "glob", refuse)
        assert (
            refusal(path)
            == f"{path / 'answers.jsonl'}: cannot be read (Permission denied); choose another out="
        )
    opened(path)  # neither refusal kept the folder to itself


def test_one_process_at_a_time_has_a_folder(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_folder, "PATIENCE", 0.1)
    with RunFolder(path, IDENTITY, resume=True) as folder:
        assert refusal(path) == (
            f"{path} is being written by another process; wait for it, or choose another out="
        )
        folder.manifest.note(process={"host": "node7", "id": 123})
        assert "is being written by process 123 on node7;" in refusal(path)
    opened(path)


def test_a_dead_process_keeps_no_folder(path: Path) -> None:
    program = (
        "import os, pathlib, sys; from repope_eval.runs.folder import FollowedFolder, RunFolder;"
        "folder = RunFolder(pathlib.Path(sys.argv[1]), {}, resume=True); print('has it', flush=True); sys.stdin.read()"
    )
    words = [sys.executable, "-c", program, str(path)]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "has it\n"
        assert "is being written" in refusal(path)
        holder.kill()
    opened(path)


@pytest.mark.parametrize("name", ["manifest.json", "report.html", "scores.json", "scores.tex"])
def test_a_file_that_is_of_no_run_is_not_replaced(path: Path, name: str) -> None:
    path.mkdir(parents=True)
    (path / name).write_text('{"name": "an app"}')
    assert refusal(path) == f"out={path}: {name} there is of no run; choose another out=, or remove it"
    assert (path / name).read_text() == '{"name": "an app"}'


@pytest.mark.parametrize("name", ["answers.jsonl", "run.log"])
def test_a_pipe_in_a_files_place_is_not_waited_for(path: Path, name: str) -> None:
    path.mkdir(parents=True)
    os.mkfifo(path / name)
    assert refusal(path) == f"{path / name}: is no file; choose another out="


def test_who_only_looks_whether_a_folder_is_held_stops_nobody(path: Path) -> None:
    path.mkdir(parents=True)
    lock = FileLock(path / ".lock", thread_local=False)
    lock.acquire()
    letting_go = threading.Timer(0.2, lock.release)
    letting_go.start()
    opened(path)
    letting_go.join()


def test_a_non_main_rank_adds_to_the_log_and_writes_no_manifest(path: Path) -> None:
    with RunFolder(path, IDENTITY, resume=True) as folder:
        folder.manifest.note(status="running")
        followed = FollowedFolder(path, 3)
        followed.manifest.note_asker({"checkpoint": {"commit": "abc"}}, {"name": "cuda:3"})
        logging.getLogger("repope_eval.runs").info("loading")
    assert "checkpoint" not in json.loads((path / "manifest.json").read_text())
    assert "INFO rank 3: loading" in (path / "run.log").read_text()


@pytest.mark.parametrize(
    "name",
    [
        *("answers.jsonl", "answers.rank-1.jsonl", "run.log", "manifest.json", "images.json", "scores.json"),
        *("report.html", "figures", ".lock"),
    ],
)
def test_nothing_is_written_through_a_link(name: str, path: Path, tmp_path: Path) -> None:
    """A log, a last line without its end, and figures of others were lost where a folder from elsewhere had links."""
    answered(path)
    outside = tmp_path / "outside"
    if name == "figures":
        outside.mkdir()
    else:
        outside.write_text('{"a last line that was": "cut short"')
    place = path / name
    if place.exists():
        place.unlink()
    place.symlink_to(outside)
    reason = f"{name} there is a link, to {outside}, and would be written through"
    assert f"out={path}: {'cannot be made or written' if name == '.lock' else reason}" in refusal(path)
    assert outside.is_dir() or outside.read_text() == '{"a last line that was": "cut short"'


@pytest.mark.parametrize("name", ["answers.jsonl", "run.log"])
def test_nothing_is_added_to_a_file_that_has_a_second_name(name: str, path: Path, tmp_path: Path) -> None:
    answered(path)
    before = (path / name).read_bytes()
    os.link(path / name, tmp_path / "kept")
    assert f"out={path}: {name} there is a hard link" in refusal(path)
    assert (tmp_path / "kept").read_bytes() == before


def test_what_lies_elsewhere_is_no_part_of_a_run(path: Path, tmp_path: Path) -> None:
    answered(path)
    (path / "images.json").symlink_to(tmp_path / "images.json")
    (tmp_path / "images.json").write_text("{}")
    with pytest.raises(RepopeError, match=r"images.json: is a link that leads out of its folder"):
        picture_hashes(path)
    (path / "answers.rank-1.jsonl").symlink_to(tmp_path / "images.json")
    assert answer_files(path / "answers.jsonl") == [path / "answers.jsonl"]


def test_each_run_of_a_process_has_its_own_log(tmp_path: Path) -> None:
    log = logging.getLogger("repope_eval.anything")
    for name in ("first", "second"):
        opened(tmp_path / name)
        log.info("of the %s run: “é”", name)
    close_log()
    log.info("of none")
    for name in ("first", "second"):
        (line,) = (tmp_path / name / "run.log").read_text(encoding="utf-8").splitlines()
        assert line.endswith(f"INFO of the {name} run: “é”")


def test_refused_folder_ends_the_log_of_the_run_before(tmp_path: Path, path: Path) -> None:
    answered(path)
    opened(tmp_path / "other")
    refusal(path, resume=False)
    logging.getLogger("repope_eval").warning("the next run's")
    assert (tmp_path / "other" / "run.log").read_text() == ""


def test_a_disk_that_is_full_when_the_log_ends_is_no_error(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(handler: logging.FileHandler) -> None:
        close(handler)
        raise OSError(28, "No space left on device")

    opened(path)
    close = logging.FileHandler.close
    monkeypatch.setattr(logging.FileHandler, "close", refuse)
    close_log()


def test_no_text_of_others_can_be_taken_for_a_line_of_the_log(path: Path) -> None:
    with RunFolder(path, IDENTITY, resume=True):
        logging.getLogger("repope_eval.x").warning(
            "asks %s", "this\n2026-01-01 INFO all is well\x1b]0;x\x07\x9b"
        )
    first, second = (path / "run.log").read_text(encoding="utf-8").splitlines()
    assert first.endswith("WARNING asks this")
    assert second == r"    2026-01-01 INFO all is well\x1b]0;x\x07\x9b"


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
