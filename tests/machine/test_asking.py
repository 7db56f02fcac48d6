"""Two processes that are asked, with a script in the launcher's place: `test_several_ranks` starts real ones."""

import shutil
import sys
from pathlib import Path

import pytest

from repope_eval.errors import RepopeError
from repope_eval.machine import checks
from repope_eval.machine.checks import STORED_ANSWERS, ask_by_two_processes
from repope_eval.runs.answer_store import read_answers

FAILING = """
import sys
sys.stderr.write('''loading demo
cuda:1: cannot be used
W1125 20:49:24.330000 23731 Sending process 23735 closing signal SIGTERM
E1125 20:49:24.330000 23731 failed (exitcode: 1) local_rank: 0
Traceback (most recent call last):
''')
sys.exit(1)
"""


def launched_by(code: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "LAUNCHER", (sys.executable, "-S", "-c", code))


def test_their_answers_are_those_of_one_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copy(STORED_ANSWERS, tmp_path / "stored.jsonl")
    code = (
        "import os, shutil, sys\n"
        "assert sys.argv[1:5] == ['-m', 'repope_eval', 'device=auto', 'limit=6'], sys.argv\n"
        "run = sys.argv[5].removeprefix('out=')\n"
        "os.mkdir(run)\n"
        f"shutil.copy({str(tmp_path / 'stored.jsonl')!r}, run + '/answers.jsonl')\n"
    )
    launched_by(code, monkeypatch)
    assert ask_by_two_processes("auto", 6) == read_answers(STORED_ANSWERS)


@pytest.mark.parametrize(
    ("code", "line"),
    [
        (FAILING, "cuda:1: cannot be used"),
        ("import os; os.abort()", "ended with exit status -6"),
        ("import time; time.sleep(60)", "not done within 0.5 seconds"),
    ],
)
def test_their_failure_is_one_line(code: str, line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "LONGEST_SECONDS", 0.5 if "sleep" in code else 60)
    launched_by(code, monkeypatch)
    with pytest.raises(RepopeError) as failed:
        ask_by_two_processes("auto", 6)
    assert str(failed.value) == line
