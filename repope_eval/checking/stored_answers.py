"""The answers that the embedded model is known to give, and how near to them the answers of this machine are."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from repope_eval.benchmarks.demo import DEMO_FOLDER
from repope_eval.errors import RepopeError
from repope_eval.records import Answer
from repope_eval.wording import counted, shown

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

    Raises:
        RepopeError: they are further apart; the question where that shows most is named.
    """
    by_question = {answer.question: answer for answer in given}
    pairs = [(right, by_question[right.question]) for right in expected]
    different = [(right, answer) for right, answer in pairs if right.response != answer.response]
    if len(different) > allowance.answers:
        right, answer = different[0]
        raise RepopeError(
            f"{_where(right)}: {shown(answer.response)} in place of {shown(right.response)}; "
            f"{len(different)} of {counted(len(pairs), 'answer')} differ, and {allowance.answers} may"
        )
    right, answer = max(pairs, key=_distance)
    largest = _distance((right, answer))
    if largest > allowance.p_yes:
        raise RepopeError(
            f"{_where(right)}: p_yes is {answer.p_yes:.4f} in place of {right.p_yes:.4f}, and may be "
            f"{allowance.p_yes} away from it"
        )
    return f"{len(pairs) - len(different)} of {len(pairs)} answers equal, p_yes within {largest:.4f}"


def _where(answer: Answer) -> str:
    return f"{answer.question.image}, {shown(answer.question.text)}"


def _distance(pair: tuple[Answer, Answer]) -> float:
    """How far apart the probabilities of yes are in two answers, which are both the embedded model's own."""
    right, answer = pair
    assert right.p_yes is not None
    assert answer.p_yes is not None
    return abs(right.p_yes - answer.p_yes)
