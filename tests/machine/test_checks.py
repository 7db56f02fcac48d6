"""The checks of a device: against stored answers, by one process and by two, and what they say where it is wrong."""

import shutil
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from repope_eval.errors import RepopeError
from repope_eval.machine import checks
from repope_eval.machine.checks import (
    ALLOWANCES,
    STORED_ANSWERS,
    Allowance,
    agreement,
    ask_by_two_processes,
    check_device,
)
from repope_eval.machine.machine import Device
from repope_eval.models import placement
from repope_eval.records import Answer, Question
from repope_eval.runs.answer_store import answer_lines, read_answers
from repope_eval.settings.config import ModelSettings
from repope_eval.system import signals
from repope_eval.system.signals import Interruption

CPU = Device(kind="cpu", name="CPU", number=1, free=1e9, total=1e9, has_bfloat16=True)

TWO_GPUS = replace(CPU, kind="cuda", number=2)


def test_an_altered_answer_fails_the_lines_that_allow_no_difference_and_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second, *others = read_answers(STORED_ANSWERS)[:20]
    (tmp_path / "altered.jsonl").write_bytes(
        answer_lines([first, replace(second, response="Maybe"), *others])
    )
    monkeypatch.setattr(checks, "STORED_ANSWERS", tmp_path / "altered.jsonl")
    told = {check.name: check for check in check_device("cpu", CPU)}
    for engine in ("shared", "sequential"):
        exact, half = told[f"float32, {engine} engine"], told[f"bfloat16, {engine} engine"]
        assert (exact.result, half.result) == ("fail", "pass")
        assert exact.detail == (
            f"{second.question.image}, {second.question.text!r}: {second.response!r} in place of 'Maybe'; "
            "1 of 20 answers differ, and 0 may"
        )
        assert half.detail.startswith("19 of 20 answers equal, p_yes within 0.0")
    assert (told["int8"].result, told["nf4"].result) == ("pass", "pass")


def test_an_error_fails_its_line_alone_and_what_is_missing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    stored = read_answers(STORED_ANSWERS)

    def ask(model: ModelSettings, engine: str, *_: object) -> Sequence[Answer]:
        if model.dtype == "float16":
            raise RuntimeError("no kernel image is available\nfor execution on the device")
        return stored

    monkeypatch.setattr(checks, "ask", ask)
    monkeypatch.setattr(placement, "find_spec", lambda name: None)
    told = {check.name: check for check in check_device("cpu", replace(CPU, has_bfloat16=False))}
    for engine in ("shared", "sequential"):
        assert told[f"float32, {engine} engine"].result == "pass"
        broken = told[f"float16, {engine} engine"]
        assert (broken.result, broken.detail) == ("fail", "RuntimeError: no kernel image is available")
    for quantization in ("int8", "nf4"):
        assert told[quantization].result == "not tried"
        assert told[quantization].detail.endswith("needs bitsandbytes: pip install bitsandbytes")


@pytest.mark.parametrize(
    ("name", "device", "result"),
    [
        ("auto", TWO_GPUS, "pass"),
        ("cuda", TWO_GPUS, "pass"),
        ("cuda:1", TWO_GPUS, "not tried"),
        ("auto", replace(TWO_GPUS, number=1), "not tried"),
        ("cpu", CPU, "not tried"),
    ],
)
def test_two_processes_are_tried_where_each_has_a_gpu(
    name: str, device: Device, result: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored = read_answers(STORED_ANSWERS)
    monkeypatch.setattr(checks, "ask", lambda model, engine, name, questions: stored)
    monkeypatch.setattr(checks, "ask_by_two_processes", lambda name, images: stored if images == 6 else ())
    monkeypatch.setattr(checks, "_missing_for", lambda model, name: "")
    *others, last = check_device(name, device)
    assert {check.result for check in others} == {"pass"}
    assert (last.name, last.result) == ("two processes", result)


@pytest.mark.parametrize("kind", [RuntimeError, RepopeError])
def test_a_signal_ends_the_checks_where_another_error_is_made_of_it(
    kind: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    def ask(*_: object) -> None:
        try:
            signals.interrupt(2)
        except KeyboardInterrupt as error:
            raise kind("cannot be loaded") from error

    monkeypatch.setattr(checks, "ask", ask)
    with pytest.raises(Interruption):
        next(check_device("cpu", CPU))


RIGHT = [
    Answer(Question("a.png", "Is there a cup in the image?", "cup"), "Yes", 2, p_yes=0.9, p_no=0.1),
    Answer(Question("a.png", "Is there a key in the image?", "key"), "No", 2, p_yes=0.2, p_no=0.8),
    Answer(Question("b.png", "Is there a cup in the image?", "cup"), "No", 2, p_yes=0.3, p_no=0.7),
]

ONE_OF_THEM = Allowance(answers=1, p_yes=0.5)


def test_equal_answers_agree_in_any_order() -> None:
    assert agreement(RIGHT, RIGHT[::-1], Allowance(0, 0)) == "3 of 3 answers equal, p_yes within 0.0000"


def test_as_many_answers_may_differ_as_are_allowed() -> None:
    given = [RIGHT[0], replace(RIGHT[1], response="Yes", p_yes=0.55), RIGHT[2]]
    assert agreement(RIGHT, given, ONE_OF_THEM) == "2 of 3 answers equal, p_yes within 0.3500"


def test_more_differences_are_refused_with_the_first_question() -> None:
    given = [RIGHT[0], replace(RIGHT[1], response="Yes"), replace(RIGHT[2], response="")]
    with pytest.raises(RepopeError) as refused:
        agreement(RIGHT, given, ONE_OF_THEM)
    assert str(refused.value) == (
        "a.png, 'Is there a key in the image?': 'Yes' in place of 'No'; 2 of 3 answers differ, and 1 may"
    )


def test_a_probability_that_no_rounding_explains_is_refused() -> None:
    given = [RIGHT[0], replace(RIGHT[1], p_yes=0.21), replace(RIGHT[2], p_yes=0.45)]
    with pytest.raises(RepopeError) as refused:
        agreement(RIGHT, given, ALLOWANCES["float32"])
    assert str(refused.value) == (
        "b.png, 'Is there a cup in the image?': p_yes is 0.4500 in place of 0.3000, and may be 0.01 away from it"
    )


def test_no_stored_answer_is_near_a_tie() -> None:
    answers = read_answers(STORED_ANSWERS)
    margins = [abs((answer.p_yes or 0) - (answer.p_no or 0)) for answer in answers]
    assert min(margins) > 2 * ALLOWANCES["bfloat16"].p_yes
    assert {answer.response for answer in answers} == {"Yes", "No"}


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
