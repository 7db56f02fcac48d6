"""How far the answers of a device may be from the stored ones."""

from dataclasses import replace

import pytest

from repope_eval.errors import RepopeError
from repope_eval.machine.checks import ALLOWANCES, STORED_ANSWERS, Allowance, agreement
from repope_eval.records import Answer, Question
from repope_eval.runs.answer_store import read_answers

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
