"""One process has a run folder at a time, on file systems with locks and on those without."""

import errno
import fcntl
import json
import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest
import warm_commands
from demo_runs import QUESTIONS, answers
from filelock import Timeout

from repope_eval.errors import RepopeError
from repope_eval.runs import folder as run_folder
from repope_eval.runs.folder import RunFolder
from repope_eval.system.folders import hold, is_held, named_holder

REFUSALS = (errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS)

WITHOUT_LOCKS = """
import fcntl, os
def refuse(*_):
    raise OSError({number}, os.strerror({number}))
fcntl.flock = refuse
"""
RUN = """
import runpy
runpy.run_module("repope_eval", run_name="__main__", alter_sys=True)
"""


@pytest.fixture
def without_locks(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    """A file system that knows no locks, for this process; the number of its error."""
    number = int(getattr(request, "param", errno.ENOLCK))

    def refuse(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(fcntl, "flock", refuse)
    monkeypatch.setattr(run_folder, "PATIENCE", 0.1)
    return number


def refusal(folder: Path) -> str:
    with pytest.raises(RepopeError) as caught:
        RunFolder(folder, {}, resume=True)
    return str(caught.value)


def test_with_locks_nothing_names_the_holder(tmp_path: Path) -> None:
    assert is_held(tmp_path) is False
    lock = hold(tmp_path, 0)
    assert named_holder(tmp_path) is None
    lock.release()
    assert is_held(tmp_path) is False


@pytest.mark.parametrize("without_locks", REFUSALS, ids=errno.errorcode.get, indirect=True)
@pytest.mark.usefixtures("without_locks")
def test_without_locks_a_file_names_the_holder_and_how_to_remove_it(tmp_path: Path) -> None:
    with RunFolder(tmp_path, {}, resume=True):
        assert is_held(tmp_path) is True
        named = named_holder(tmp_path)
        assert named is not None
        assert named.process == f"process {os.getpid()} on {platform.node()}"
        assert refusal(tmp_path) == (
            f"{tmp_path} is being written by {named.process}; wait for it, or choose another out=; if that process is "
            f"gone, remove {named.file}"
        )
    assert is_held(tmp_path) is False
    assert not named.file.exists()


def test_without_locks_a_process_that_was_killed_here_is_found_to_be_dead(
    tmp_path: Path, without_locks: int
) -> None:
    program = WITHOUT_LOCKS.format(number=without_locks) + (
        "import pathlib, sys; from repope_eval.system.folders import hold;"
        "lock = hold(pathlib.Path(sys.argv[1]), 0); print('has it', flush=True); sys.stdin.read()"
    )
    words = [sys.executable, "-c", program, str(tmp_path)]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "has it\n"
        with pytest.raises(Timeout):
            hold(tmp_path, 0)
        holder.kill()
    hold(tmp_path, 1).release()


@pytest.mark.usefixtures("without_locks")
def test_without_locks_a_holder_on_another_machine_has_the_folder_until_its_file_is_removed(
    tmp_path: Path,
) -> None:
    lock = hold(tmp_path, 0)
    named = named_holder(tmp_path)
    assert named is not None
    content = named.file.read_text().replace(platform.node(), "elsewhere")
    lock.release()
    named.file.write_text(content)
    assert is_held(tmp_path) is True
    assert f"process {os.getpid()} on elsewhere; wait for it" in refusal(tmp_path)
    named.file.unlink()
    with RunFolder(tmp_path, {}, resume=True):
        pass


def test_a_run_goes_its_whole_way_without_locks(tmp_path: Path) -> None:
    program = tmp_path / "without_locks.py"
    program.write_text(WITHOUT_LOCKS.format(number=errno.ENOLCK) + RUN)
    result = warm_commands.run(f"out={tmp_path / 'run'}", "limit=4", program=str(program))
    assert result.returncode == 0, result.stderr
    assert 0 < len(answers(tmp_path / "run")) < QUESTIONS
    assert json.loads((tmp_path / "run" / "manifest.json").read_text())["status"] == "complete"
    assert not (tmp_path / "run" / ".holder").exists()


def test_a_file_is_held_and_others_beside_it_are_free(tmp_path: Path) -> None:
    locks = [hold(tmp_path, 0, name) for name in ("one", "other", "")]
    with pytest.raises(Timeout):
        hold(tmp_path, 0, "one")
    for lock in locks:
        lock.release()
    hold(tmp_path, 0, "one").release()
