"""The checks of a device: the ways in which the embedded model is asked on it, and what came of each."""

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Literal

from repope_eval.capacity.machine import Device
from repope_eval.checking.asking import ask, ask_by_two_processes
from repope_eval.checking.stored_answers import ALLOWANCES, STORED_ANSWERS, agreement
from repope_eval.errors import RepopeError
from repope_eval.models.fields import first_line
from repope_eval.process.signals import heed
from repope_eval.records import Answer
from repope_eval.runs.answer_store import read_answers
from repope_eval.settings.composition import model_settings
from repope_eval.settings.config import Engine, ModelSettings, NumberFormat

log = logging.getLogger(__name__)

Result = Literal["pass", "fail", "not tried"]


@dataclass(frozen=True, slots=True)
class Check:
    """What came of one check."""

    name: str
    result: Result
    detail: str
    """How well the answers agree, what is wrong, or what is missing here."""


@dataclass(frozen=True, slots=True)
class _Way:
    """A way of loading and asking the embedded model."""

    name: str
    model: ModelSettings
    engine: Engine
    allowance: str
    """The key of `ALLOWANCES`."""


def check_device(name: str, device: Device) -> Iterator[Check]:
    """Asks the embedded model in each way that the device allows, and yields what came of it, check by check.

    Whatever is wrong fails its own check, and the next ones go on. Both engines are held against the same answers, so
    that they agree with each other in float32 where both pass.

    Args:
        name: the device, as a run's settings name it.
        device: what is known of it.

    Raises:
        KeyboardInterrupt: a signal came.
    """
    stored = read_answers(STORED_ANSWERS)
    for way in _ways(device):
        if lacking := _lacking(way.model, name):
            yield Check(way.name, "not tried", lacking)
        else:
            yield _checked(way.name, partial(_ask_one_way, way, name, stored))
    if device.kind == "cuda" and device.number > 1 and ":" not in name:
        yield _checked("two processes", partial(_ask_by_two, name, stored))
    else:
        yield Check("two processes", "not tried", "they take two GPUs, and no number in device=")


def _ways(device: Device) -> Iterator[_Way]:
    tiny = model_settings("tiny")
    half: NumberFormat = "bfloat16" if device.has_bfloat16 else "float16"
    formats: Sequence[NumberFormat] = ("float32", half)
    engines: Sequence[Engine] = ("shared", "sequential")
    for number_format in formats:
        model = replace(tiny, dtype=number_format)
        for engine in engines:
            yield _Way(f"{number_format}, {engine} engine", model, engine, number_format)
    yield _Way("int8", replace(tiny, dtype=half, quantization="int8"), "shared", "int8")
    yield _Way("nf4", replace(tiny, dtype=half, quantization="nf4"), "shared", "nf4")


def _lacking(model: ModelSettings, device: str) -> str:
    """What a quantization lacks here; empty where it lacks nothing."""
    from repope_eval.models.placement import choose_device, require_quantization

    try:
        require_quantization(model, choose_device(device))
    except RepopeError as error:
        return str(error)
    return ""


def _checked(name: str, work: Callable[[], str]) -> Check:
    """The check that does some work, which returns how well the answers agree."""
    log.info("checking %s", name)
    try:
        return Check(name, "pass", work())
    except Exception as error:  # a broken library raises whatever it likes
        heed()  # a signal may be behind it
        said = str(error).splitlines()[0] if isinstance(error, RepopeError) else first_line(error)
        return Check(name, "fail", said)


def _ask_one_way(way: _Way, device: str, stored: Sequence[Answer]) -> str:
    answers = ask(way.model, way.engine, device, [answer.question for answer in stored])
    return agreement(stored, answers, ALLOWANCES[way.allowance])


def _ask_by_two(device: str, stored: Sequence[Answer]) -> str:
    """Has two processes share a run of the embedded model, which is in float32 there."""
    answers = ask_by_two_processes(device, len({answer.question.image for answer in stored}))
    return agreement(stored, answers, ALLOWANCES["float32"])
