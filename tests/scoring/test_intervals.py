"""Which interval a figure gets, by hand: percentiles, a gamma one, one on the logit scale, or none and why."""

import math
from collections.abc import Mapping
from pathlib import Path
from random import Random

import numpy as np
import pytest
import real_answers
from counts import percentiles
from estimate_parts import intervals_of, methods_of

from repope_eval.records import Answer, LabelSet, Question
from repope_eval.scoring.bootstrap import MEAN, gamma_interval
from repope_eval.scoring.estimates import Estimate
from repope_eval.scoring.intervals import (
    COMPOSITES,
    COUNTS,
    INTERVAL_FIGURES,
    clustered_interval,
    estimate_share,
    logit_estimate,
    number_of_events,
    sampled,
    student_interval,
    wilson,
)
from repope_eval.scoring.protocol_scores import ProtocolScores, score
from repope_eval.scoring.protocols import PROTOCOLS

Labels = dict[Question, bool]


def labelled(n_images: int, each: int = 6) -> Labels:
    return {
        Question(f"{image}.jpg", f"{number}?", ""): number % 2 == 0
        for image in range(n_images)
        for number in range(each)
    }


def answered(labels: Mapping[Question, bool], every: int) -> dict[Question, Answer]:
    """One answer in so many is wrong; 0: none is."""
    return {
        question: Answer(question, "yes" if label != (every > 0 and number % every == 0) else "no")
        for number, (question, label) in enumerate(labels.items())
    }


def scored(labels: Labels, every: int) -> ProtocolScores:
    return score(
        "a-model", "a-bench", [LabelSet("pope", {"random": labels})], answered(labels, every), "repope"
    )


def test_many_images_and_errors_have_the_percentiles_of_their_replicates() -> None:
    labels = labelled(100)
    estimates = scored(labels, 7).cells["pope"]["random"].estimates
    assert set(methods_of(estimates).values()) == {"bootstrap"}
    of_replicates = percentiles([LabelSet("pope", {"random": labels})], answered(labels, 7))
    assert intervals_of(estimates) == of_replicates["pope"]["random"]


@pytest.mark.parametrize(("n_images", "every"), [(99, 7), (100, 100), (100, 0), (8, 0)])
def test_few_images_or_errors_have_gamma_ones_with_a_width(n_images: int, every: int) -> None:
    cell = scored(labelled(n_images), every).cells["pope"]["random"]
    figures, intervals = cell.figures, intervals_of(cell.estimates)
    assert methods_of(cell.estimates) == dict.fromkeys(INTERVAL_FIGURES, "gamma")
    for figure in INTERVAL_FIGURES:
        low, high = intervals[figure] or (1, 0)
        assert low < high
        assert low <= getattr(figures, figure) <= high


def test_shares_are_those_of_their_images() -> None:
    labels = labelled(40)
    sample = sampled([LabelSet("pope", {"random": labels})], answered(labels, 11), PROTOCOLS["repope"])
    tp, fp, tn, fn, *_ = sample.counts[:, 0].T
    intervals = intervals_of(scored(labels, 11).cells["pope"]["random"].estimates)
    assert intervals["recall"] == clustered_interval(tp, tp + fn)
    assert intervals["accuracy"] == clustered_interval(tp + tn, tp + fp + tn + fn)
    low, high = clustered_interval(tp, tp + fp + fn, tp + fp + tn + fn) or (0, 0)
    assert intervals["f1"] == pytest.approx((2 * low / (1 + low), 2 * high / (1 + high)))
    low, high = intervals["tnr"] or (0, 0)
    assert intervals["tn"] == pytest.approx((120 * low, 120 * high))


@pytest.mark.parametrize("protocol", ["repope", "pope", "vlmevalkit", "lmms_eval"])
def test_composites_hold_their_figure_under_every_protocol(protocol: str) -> None:
    labels = labelled(20)
    answers = answered(labels, 9)
    for number, question in enumerate(labels):
        if number % 13 == 0:
            answers[question] = Answer(question, "perhaps")
    scores = score("a-model", "a-bench", [LabelSet("pope", {"random": labels})], answers, protocol)  # type: ignore[arg-type]
    for figure in (*COUNTS, *COMPOSITES):
        if figure != "harmonic_mean":
            low, high = scores.cells["pope"]["random"].estimates[figure].interval or (1, 0)
            assert low <= getattr(scores.cells["pope"]["random"].figures, figure) <= high


def test_the_mean_over_variants_lies_between_the_means_of_their_ends() -> None:
    one, other = labelled(20), labelled(20, each=4)
    answers = answered(one, 9)
    variants = LabelSet("pope", {"random": one, "popular": other})
    cells = score("a-model", "a-bench", [variants], answers, "repope").cells["pope"]
    intervals = {variant: intervals_of(cell.estimates) for variant, cell in cells.items()}
    for figure in INTERVAL_FIGURES:
        first, second = (intervals[variant][figure] or (0, 0) for variant in ("random", "popular"))
        middle = tuple((a + b) / 2 for a, b in zip(first, second, strict=True))
        assert intervals[MEAN][figure] == pytest.approx(middle)


def test_few_errors_of_each_variant_may_be_enough_in_the_mean() -> None:
    """Misses about 20 images in one variant, and about 20 others in the other."""
    one, other = (
        {
            Question(f"{image}.jpg", f"{name} {number}?", ""): number < 3
            for image in range(100)
            for number in range(6)
        }
        for name in ("cat", "dog")
    )
    answers = answered({**one, **other}, 0)
    for questions, first in ((list(one), 0), (list(other), 20)):
        for image in range(first, first + 20):
            answers[questions[6 * image]] = Answer(questions[6 * image], "no")
    variants = LabelSet("pope", {"random": one, "popular": other})
    cells = score("a-model", "a-bench", [variants], answers, "repope").cells["pope"]
    methods = {variant: cell.estimates["recall"].method for variant, cell in cells.items()}
    assert methods == {"random": "gamma", "popular": "gamma", MEAN: "bootstrap"}


def test_the_same_errors_in_several_variants_are_no_further_ones() -> None:
    labels = labelled(100)
    variants = LabelSet("pope", {"random": labels, "popular": labels})
    cells = score("a-model", "a-bench", [variants], answered(labels, 24), "repope").cells["pope"]
    assert {cell.estimates["recall"].method for cell in cells.values()} == {"gamma"}  # 25 misses


def replicates(middle: float, deviation: float) -> np.ndarray:
    """Two that have this standard deviation."""
    return np.array([middle - deviation, middle + deviation])


def test_the_ends_are_these() -> None:
    found = logit_estimate(0.9, replicates(0.9, 0.02), 5)
    # (0.1 / 0.02)^2 = 25 events; t of 25 degrees of freedom is 2.0595; 2.0595 * 0.02 / (0.9 * 0.1) = 0.45767
    low, high = (1 / (1 + np.exp(-(np.log(9) + side * 0.45767))) for side in (-1, 1))
    assert found.interval == pytest.approx((low, high), abs=1e-5)
    assert (found.value, found.reason) == (0.9, "")


def test_it_is_alike_at_both_ends() -> None:
    low, high = logit_estimate(0.97, replicates(0.97, 0.005), 5).interval or (0, 0)
    assert logit_estimate(0.03, replicates(0.03, 0.005), 5).interval == pytest.approx((1 - high, 1 - low))
    assert 0 < low < 0.97 < high < 1


def test_where_there_is_none_is_a_reason() -> None:
    drawn = replicates(0.9, 0.049)
    assert logit_estimate(0.9, drawn, 4).interval is not None
    assert logit_estimate(0.9, drawn, 5) == Estimate(
        value=0.9, reason="a few questions decide it: it is as unsure as a count of fewer than 5 errors"
    )
    alike = logit_estimate(1.0, np.ones(3), 5)
    assert alike.reason == "the same in every replicate, of which no interval can be made"
    assert logit_estimate(0.9, np.array([0.9, np.nan]), 5).reason == "undefined in a replicate"
    assert logit_estimate(np.nan, drawn, 5) == Estimate()


def test_students_t_has_its_degrees_of_freedom() -> None:
    low, high = student_interval(0.5, 0.2, 59)
    assert (low, high) == pytest.approx((1 / (1 + np.exp(0.4002)), 1 / (1 + np.exp(-0.4002))), abs=1e-5)


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


def test_a_share_has_percentiles_where_images_and_events_are_many_and_else_a_gamma_interval() -> None:
    part, whole = np.tile([1.0, 0.0, 2.0], 50), np.tile([2.0, 1.0, 2.0], 50)
    many = estimate_share(part, whole, "nothing")
    assert (many.value, many.method) == (0.6, "bootstrap")
    few = estimate_share(part[:99], whole[:99], "nothing")
    assert (few.value, few.interval, few.method) == (0.6, clustered_interval(part[:99], whole[:99]), "gamma")
    rare = np.where(np.arange(150) < 29, 1.0, 0.0)
    assert estimate_share(rare, np.ones(150), "nothing").method == "gamma"
    # Images without any part of the whole tell nothing, however many they are.
    padded = estimate_share(np.r_[part[:60], np.zeros(200)], np.r_[whole[:60], np.zeros(200)], "nothing")
    assert padded.method == "gamma"


def test_a_share_of_nothing_and_one_of_a_single_image_say_why() -> None:
    assert estimate_share(np.zeros(5), np.zeros(5), "nothing") == Estimate(reason="nothing")
    single = estimate_share(np.array([1.0, 0.0]), np.array([2.0, 0.0]), "nothing")
    assert (single.value, single.interval, single.reason) == (0.5, None, "a single image counts in it")
