"""Intervals over images against intervals over questions, where errors come together and where they do not."""

from pathlib import Path
from random import Random

import pytest
import real_answers

from repope_eval.records import Answer, LabelSet, Question
from repope_eval.scoring.protocol_scores import score


def simulated(together: bool) -> tuple[float, ...]:
    """The ratios of a model that errs in a fifth of its answers: about whole images, or here and there."""
    random = Random(3)
    answers = {}
    labels = {}
    for image in range(300):
        image_is_wrong = random.random() < 0.2
        for number in range(6):
            question = Question(f"{image}.png", f"question {number}", "")
            labels[question] = number % 2 == 0
            wrong = image_is_wrong if together else random.random() < 0.2
            answers[question] = Answer(question, "yes" if labels[question] != wrong else "no")
    label_sets = [LabelSet("pope", {"random": labels})]
    scores = score("simulated", "simulated", label_sets, answers, "repope")
    return scores.f1_width_ratios


def test_errors_that_come_together_widen_the_interval() -> None:
    assert simulated(together=True)[0] > 2


def test_errors_here_and_there_do_not() -> None:
    assert simulated(together=False)[0] == pytest.approx(1, abs=0.15)


def test_a_real_models_errors_hardly_come_together(shared: Path) -> None:
    benchmark = real_answers.benchmark(shared)
    answers = dict(real_answers.joined(shared, benchmark).answers)
    scores = score("llava", "repope", benchmark.label_sets, answers, "repope")
    ratios = scores.f1_width_ratios
    assert len(ratios) == 6
    assert (round(min(ratios), 2), round(max(ratios), 2)) == (0.96, 1.03)


def test_what_is_undefined_is_left_out() -> None:
    question = Question("1.png", "a question", "")
    label_sets = [LabelSet("pope", {"random": {question: True}})]
    scores = score("none", "none", label_sets, {}, "repope")
    assert scores.f1_width_ratios == ()


def test_how_many_questions_an_image_has_of_either_label_is_no_matter_of_errors() -> None:
    """Labels come together by image, and errors do not: all questions of an image have one label."""
    random, labels, answers = Random(5), {}, {}
    for image in range(300):
        for number in range(6):
            question = Question(f"{image}.png", f"question {number}", "")
            labels[question] = image % 2 == 0
            answers[question] = Answer(
                question, "yes" if labels[question] != (random.random() < 0.2) else "no"
            )
    scores = score("simulated", "simulated", [LabelSet("pope", {"random": labels})], answers, "repope")
    assert scores.f1_width_ratios == pytest.approx((1,), abs=0.12)


def test_one_question_an_image_says_nothing_of_it() -> None:
    labels = {Question(f"{image}.png", "a question", ""): image % 2 == 0 for image in range(200)}
    answers = {question: Answer(question, "yes") for question in labels}
    scores = score("simulated", "simulated", [LabelSet("pope", {"random": labels})], answers, "repope")
    assert scores.f1_width_ratios == ()
