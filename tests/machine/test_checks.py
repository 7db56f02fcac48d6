"""What the checks of a device say where something is wrong with it."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from repope_eval.errors import RepopeError
from repope_eval.machine import checks
from repope_eval.machine.checks import STORED_ANSWERS, check_device
from repope_eval.machine.machine import Device
from repope_eval.models import placement
from repope_eval.records import Answer
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
    monkeypatch.setattr(checks, "_lacking", lambda model, name: "")
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
