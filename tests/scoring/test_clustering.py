"""Errors that come together: intervals over images, and over few of them or of rare events."""

import math
from pathlib import Path
from random import Random

import numpy as np
import pytest
import real_answers

from repope_eval.records import Answer, LabelSet, Question
from repope_eval.scoring.bootstrap import gamma_interval
from repope_eval.scoring.intervals import clustered_interval, number_of_events, wilson
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


def test_wilson_by_hand() -> None:
    # 8 of 10: (0.8 + 0.19207 -+ 1.96 sqrt(0.016 + 0.0096036)) / 1.384146
    assert wilson(8, 10) == pytest.approx((0.490162, 0.943318), abs=1e-6)
    assert wilson(0, 10) == pytest.approx((0.0, 0.277533), abs=1e-6)
    assert wilson(10, 10) == pytest.approx((0.722467, 1.0), abs=1e-6)
    assert wilson(8, 10, unit=10) == pytest.approx((4.90162, 9.43318), abs=1e-5)
    assert wilson(0, 0) is None


@pytest.mark.parametrize(
    ("count", "low", "high"),
    [(0, 0, 3.6889), (1, 0.0253, 5.5716), (5, 1.6235, 11.6683), (10, 4.7954, 18.3904)],
)
def test_of_equal_weights_it_is_that_of_a_count_of_rare_events(count: int, low: float, high: float) -> None:
    """As tables of F. Garwood's interval (Biometrika 28, 1936) have it."""
    assert gamma_interval(count, count, 1) == pytest.approx((low, high), abs=1e-4)
    assert gamma_interval(count / 7, count / 49, 1 / 7) == pytest.approx((low / 7, high / 7), abs=1e-4)


def test_one_question_an_image_is_a_plain_count() -> None:
    whole = np.ones(100_000)
    part = np.where(np.arange(100_000) < 5, 1.0, 0.0)
    assert clustered_interval(part, whole) == pytest.approx((1.6235e-5, 11.6683e-5), rel=1e-3)


def test_errors_are_as_rare_as_right_answers() -> None:
    whole = np.array([6.0, 4, 2, 7, 3] * 8)
    part = np.minimum(whole, np.arange(40) % 4)
    low, high = clustered_interval(part, whole) or (0, 0)
    assert clustered_interval(whole - part, whole) == pytest.approx((1 - high, 1 - low), abs=1e-15)
    assert 0 < low < part.sum() / whole.sum() < high < 1


def test_the_further_image_is_as_bad_as_the_worst_or_half_wrong() -> None:
    whole, none = np.full(40, 6.0), np.zeros(40)
    of_exponential = -math.log(0.025)
    assert clustered_interval(none, whole) == pytest.approx((0, of_exponential * 3 / 240))
    assert clustered_interval(none, whole, questions=2 * whole) == pytest.approx(
        (0, of_exponential * 6 / 240)
    )
    single = np.array([1.0] + 39 * [0])
    worst = np.array([5.0] + 39 * [0])
    for part, further in ((single, 3.0), (worst, 5.0)):
        share = part.sum() / 240
        residuals = part - share * whole
        variance = max(40 / 39 * (residuals**2).sum() / 240**2, share * (1 - share) / 240)
        assert clustered_interval(part, whole) == pytest.approx(
            gamma_interval(share, variance, further / 240)
        )


def test_answers_that_come_together_tell_less() -> None:
    whole = np.full(40, 6.0)
    apart, together = np.tile([5.0, 6, 6, 6], 10), np.array([6.0] * 38 + [2, 0])
    narrow, wide = (clustered_interval(part, whole) for part in (apart, together))
    assert apart.sum() == together.sum() == 230
    assert narrow is not None
    assert wide is not None
    assert wide[0] < narrow[0]
    assert wide[1] > narrow[1]


def test_a_single_image_shows_no_variance() -> None:
    assert clustered_interval(np.array([2.0, 0]), np.array([3.0, 0])) is None


def test_many_errors_about_one_image_are_one_event() -> None:
    whole = np.full(100, 6.0)
    apart, together = np.zeros((2, 100))
    apart[:24], together[:4] = 1, 6
    assert number_of_events(apart, whole) == number_of_events(whole - apart, whole) == pytest.approx(24)
    assert number_of_events(together, whole) == pytest.approx(4)
    assert number_of_events(np.zeros(100), whole) == 0
    assert number_of_events(np.array([3.0, 1, 0]), np.full(3, 9.0)) == pytest.approx(16 / 10)
