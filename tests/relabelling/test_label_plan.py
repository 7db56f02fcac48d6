"""How many labels an interval takes before anybody has labelled, by cases that are counted by hand."""

from math import sqrt

import numpy as np
import pytest

from repope_eval.records import Question
from repope_eval.relabelling.design import LabelEffects
from repope_eval.relabelling.label_plan import LabelPlan, label_plan

QUESTIONS = [Question(f"{number}.jpg", "Is it?", "it") for number in range(200)]
ALIKE = dict.fromkeys(QUESTIONS, 0.3)


def effects(flipped: float, dropped: float, number: int = len(QUESTIONS)) -> LabelEffects:
    return LabelEffects(0.8, np.full(number, flipped), np.full(number, dropped))


def plan_of(wrong: float, flipped: float = 0.002, dropped: float = 0.001) -> LabelPlan:
    return label_plan(ALIKE, ALIKE, {"run": effects(flipped, dropped)}, wrong)


def test_the_width_of_labels_that_are_all_alike() -> None:
    """Half of 200 are drawn, so each adds 1 / .5 - 1 = 1 times the square that is expected of it."""
    square = 0.1 * (0.35 * 0.002**2 + 0.65 * 0.001**2)
    assert plan_of(0.1).width("run", 100) == pytest.approx(2 * 1.959964 * sqrt(200 * square))
    # with a quarter, 1 / .25 - 1 = 3 times
    assert plan_of(0.1).width("run", 50) == pytest.approx(2 * 1.959964 * sqrt(3 * 200 * square))


def test_the_number_of_labels_that_are_all_alike() -> None:
    """The width of n labels is that of 100 times the root of 200 / n - 1."""
    plan = plan_of(0.1)
    half = plan.width("run", 100)
    assert plan.labels("run", half * 1.0001) == 100
    assert plan.labels("run", half * 0.9999) == 101
    assert plan.labels("run", half * sqrt(3) * 1.0001) == 50
    assert plan.labels("run", half * sqrt(1 / 3) * 1.0001) == 150


def test_what_changes_nothing_or_is_looked_at_whole_leaves_no_width() -> None:
    unmoved = plan_of(0.1, 0, 0)
    assert unmoved.width("run", 1) == 0
    assert unmoved.labels("run", 0.001) == 1
    plan = plan_of(0.1)
    assert plan.width("run", plan.n_questions) == pytest.approx(0, abs=1e-9)
    assert plan.labels("run", 1e-6) == plan.n_questions == 200


def test_more_wrong_labels_and_narrower_intervals_take_more_labels() -> None:
    few, twice = plan_of(0.1), plan_of(0.2)
    assert twice.width("run", 80) == pytest.approx(sqrt(2) * few.width("run", 80))
    numbers = [plan.labels("run", width) for plan in (few, twice) for width in (0.02, 0.015, 0.01, 0.005)]
    assert numbers[:4] == sorted(set(numbers[:4]))
    assert all(more > fewer for fewer, more in zip(numbers[:4], numbers[4:], strict=True))
    widths = [few.width("run", number) for number in range(1, 201)]
    assert widths == sorted(widths, reverse=True)


def test_labels_are_wrong_by_the_square_of_their_doubt() -> None:
    """With the floor of .2 doubts of .3 and .8 are .5 and 1, so that 1 of 5 wrong labels is among the less doubtful."""
    doubts = {question: 0.8 if place < 100 else 0.3 for place, question in enumerate(QUESTIONS)}
    squares = label_plan(doubts, ALIKE, {"run": effects(1, 0)}, 0.1).squares["run"]
    assert squares[:100] == pytest.approx(0.35 * 0.16)
    assert squares[100:] == pytest.approx(0.35 * 0.04)


def test_no_label_is_wrong_more_often_than_always() -> None:
    """Of three labels 1.5 are wrong: the first for certain, whose part is 1.5 x 4 / 4.5; the others share .5."""
    doubts = dict(zip(QUESTIONS[:3], (1.8, 0.3, 0.3), strict=True))
    squares = label_plan(doubts, doubts, {"run": effects(1, 1, 3)}, 0.5).squares["run"]
    assert squares == pytest.approx([1, 0.25, 0.25])


def test_runs_are_planned_by_one_drawing_each_with_its_own_effects() -> None:
    runs = {"steady": effects(0.001, 0.001), "hasty": effects(0.002, 0.002)}
    plan = label_plan(ALIKE, ALIKE, runs, 0.1)
    assert plan.width("hasty", 80) == pytest.approx(2 * plan.width("steady", 80))
    assert plan.labels("hasty", 0.01) > plan.labels("steady", 0.01)


def test_questions_that_are_drawn_more_often_leave_less() -> None:
    """What is planned is the drawing of `design`: by effect, too."""
    moving = {question: 1.0 if place < 20 else 0.1 for place, question in enumerate(QUESTIONS)}
    changes = np.array(list(moving.values())) / 500
    of_run = {"run": LabelEffects(0.8, changes, changes)}
    aimed, blind = (label_plan(ALIKE, by, of_run, 0.1).width("run", 40) for by in (moving, ALIKE))
    assert aimed < 0.8 * blind
