"""The checks of a device: the embedded model is asked on it in several ways, and held against stored answers."""

import logging
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

from repope_eval.asking.asker import group_by_image
from repope_eval.benchmarks.custom import DEMO_FOLDER
from repope_eval.errors import RepopeError
from repope_eval.machine.machine import Device
from repope_eval.models.fields import first_line
from repope_eval.records import Answer, Question
from repope_eval.runs.answer_store import read_answers
from repope_eval.settings.composition import model_settings
from repope_eval.settings.config import Engine, ModelSettings, NumberFormat
from repope_eval.system.signals import raise_if_interrupted
from repope_eval.wording import counted, shown

log = logging.getLogger(__name__)


STORED_ANSWERS = DEMO_FOLDER.parent / "answers.jsonl"
"""Answers to all questions about the first images of the embedded benchmark, written by `demo_making.answers`.

The model was asked one question at a time, in float32 on a CPU.
"""


@dataclass(frozen=True, slots=True)
class Allowance:
    """How far answers may be from those expected where nothing is wrong."""

    answers: int
    """The most answers that may differ."""
    p_yes: float
    """The most that the probability of yes may differ by, in any answer."""


ALLOWANCES: Mapping[str, Allowance] = {
    "float32": Allowance(answers=0, p_yes=0.01),
    "bfloat16": Allowance(answers=1, p_yes=0.1),
    "float16": Allowance(answers=1, p_yes=0.1),
    "int8": Allowance(answers=3, p_yes=0.2),
    "nf4": Allowance(answers=3, p_yes=0.2),
}
"""The allowance by number format or quantization.

A sum depends on the order of its terms, which is another one in each device's kernels. In 16 bits that moves
probabilities, and another answer wins where yes and no are nearly equal; quantized weights are other weights. On a CPU
none of the 61 stored answers changed, and p_yes by up to 0.015 in bfloat16, 0.002 in float16, 0.022 in int8 and 0.046
in nf4.
"""


def agreement(expected: Sequence[Answer], given: Sequence[Answer], allowance: Allowance) -> str:
    """How well the answers to the same questions agree, in words.

    Args:
        expected: the answers that are taken as right.
        given: the answers that are compared with them, in any order.
        allowance: how far they may be apart.
    """
    by_question = {answer.question: answer for answer in given}
    pairs = [(right, by_question[right.question]) for right in expected]
    different = [(right, answer) for right, answer in pairs if right.response != answer.response]
    if len(different) > allowance.answers:
        right, answer = different[0]
        raise RepopeError(
            f"{_place_of(right)}: {shown(answer.response)} in place of {shown(right.response)}; "
            f"{len(different)} of {counted(len(pairs), 'answer')} differ, and {allowance.answers} may"
        )
    right, answer = max(pairs, key=_answer_distance)
    largest = _answer_distance((right, answer))
    if largest > allowance.p_yes:
        raise RepopeError(
            f"{_place_of(right)}: p_yes is {answer.p_yes:.4f} in place of {right.p_yes:.4f}, and may be "
            f"{allowance.p_yes} away from it"
        )
    return f"{len(pairs) - len(different)} of {len(pairs)} answers equal, p_yes within {largest:.4f}"


def _place_of(answer: Answer) -> str:
    return f"{answer.question.image}, {shown(answer.question.text)}"


def _answer_distance(pair: tuple[Answer, Answer]) -> float:
    """How far apart the probabilities of yes are in two answers, which are both the embedded model's own."""
    right, answer = pair
    assert right.p_yes is not None
    assert answer.p_yes is not None
    return abs(right.p_yes - answer.p_yes)


LAUNCHER = (sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2")
"""What starts two processes of one run."""

LONGEST_SECONDS = 120
"""How long two processes may take; they take about ten seconds."""

_LAUNCHER_LINE = re.compile(r"[IWE]\d{4} ")
"""How a line of the launcher's own begins; one with an E begins its report of a process that failed."""


def ask(model: ModelSettings, engine: Engine, device: str, questions: Sequence[Question]) -> list[Answer]:
    """Loads a model in this process and asks it about images of the embedded benchmark.

    Raises:
        RepopeError: it cannot be loaded or asked; libraries raise their own errors, too.
    """
    from repope_eval.asking.native.batches import TransformersAsker
    from repope_eval.models.loading import load_model
    from repope_eval.models.placement import choose_device

    asker = TransformersAsker(
        load_model(model, choose_device(device)),
        engine=engine,
        batch_size="4",
        workers="auto",
        max_new_tokens=model.max_new_tokens,
    )
    paths = {question.image: DEMO_FOLDER / "images" / question.image for question in questions}
    images = asker.order_images(group_by_image(questions, paths))
    return [answer for answers in asker.ask(images) for answer in answers]


def ask_by_two_processes(device: str, images: int) -> tuple[Answer, ...]:
    """Has two processes, each with a GPU of its own, ask about the first images of the embedded benchmark."""
    with TemporaryDirectory(prefix="repope_eval_check_") as folder:
        run = Path(folder) / "run"
        words = ["-m", "repope_eval", f"device={device}", f"limit={images}", f"out={run}"]
        with subprocess.Popen(
            [*LAUNCHER, *words], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        ) as process:
            try:
                _, errors = process.communicate(timeout=LONGEST_SECONDS)
            except BaseException as error:
                process.terminate()  # the launcher ends its processes
                if isinstance(error, subprocess.TimeoutExpired):
                    raise RepopeError(f"not done within {LONGEST_SECONDS} seconds") from error
                raise
        if process.returncode:
            raise RepopeError(_last_said(errors) or f"ended with exit status {process.returncode}")
        return read_answers(run / "answers.jsonl")


def _last_said(errors: str) -> str:
    """The last line that one of the processes wrote before the launcher's report of its failure."""
    said = re.split(r"^E\d{4} ", errors, maxsplit=1, flags=re.MULTILINE)[0].splitlines()
    return next((line for line in reversed(said) if line.strip() and not _LAUNCHER_LINE.match(line)), "")


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

    Raises:
        KeyboardInterrupt: a signal came.
    """
    stored = read_answers(STORED_ANSWERS)
    for way in _allowed_ways(device):
        if lacking := _missing_for(way.model, name):
            yield Check(way.name, "not tried", lacking)
        else:
            yield _check_of(way.name, partial(_ask_one_way, way, name, stored))
    if device.kind == "cuda" and device.number > 1 and ":" not in name:
        yield _check_of("two processes", partial(_ask_by_two, name, stored))
    else:
        yield Check("two processes", "not tried", "they take two GPUs, and no number in device=")


def _allowed_ways(device: Device) -> Iterator[_Way]:
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


def _missing_for(model: ModelSettings, device: str) -> str:
    """What a quantization lacks here; empty where it lacks nothing."""
    from repope_eval.models.placement import choose_device, require_quantization

    try:
        require_quantization(model, choose_device(device))
    except RepopeError as error:
        return str(error)
    return ""


def _check_of(name: str, work: Callable[[], str]) -> Check:
    """The check that does some work, which returns how well the answers agree."""
    log.info("checking %s", name)
    try:
        return Check(name, "pass", work())
    except Exception as error:  # a broken library raises whatever it likes
        raise_if_interrupted()  # a signal may be behind it
        said = str(error).splitlines()[0] if isinstance(error, RepopeError) else first_line(error)
        return Check(name, "fail", said)


def _ask_one_way(way: _Way, device: str, stored: Sequence[Answer]) -> str:
    answers = ask(way.model, way.engine, device, [answer.question for answer in stored])
    return agreement(stored, answers, ALLOWANCES[way.allowance])


def _ask_by_two(device: str, stored: Sequence[Answer]) -> str:
    """Has two processes share a run of the embedded model, which is in float32 there."""
    answers = ask_by_two_processes(device, len({answer.question.image for answer in stored}))
    return agreement(stored, answers, ALLOWANCES["float32"])
