"""Thresholds on a baseline: no gain where there is none, what there is where there is one, and the share of yes."""

import random
from collections.abc import Callable, Mapping
from itertools import combinations
from statistics import fmean

import pytest

from repope_eval.records import Answer, LabelSet, Question
from repope_eval.scoring.bootstrap import MEAN
from repope_eval.scoring.gap import paired_differences
from repope_eval.scoring.protocols import PROTOCOLS
from repope_eval.scoring.thresholds import (
    BASELINE,
    BEST,
    EQUAL,
    METHOD,
    Flips,
    ThresholdCheck,
    check_thresholds,
)

REPOPE = PROTOCOLS["repope"]
OBJECTS = ("dog", "cat", "cup", "car", "bed", "tie")

Answers = dict[Question, Answer]
Confidence = Callable[[random.Random, bool], float]


def made_up(seed: int, confidence: Confidence, n_images: int = 120) -> tuple[LabelSet, dict[Question, float]]:
    """Labels in two variants that share the yes ones, and confidences that a function draws for a label."""
    generator = random.Random(seed)
    variants: dict[str, dict[Question, bool]] = {"a": {}, "b": {}}
    for number in range(n_images):
        for place, name in enumerate(OBJECTS):
            question = Question(f"{number}.jpg", f"Is there a {name} in the image?", name)
            for variant, among in (("a", (0, 1, 2, 3)), ("b", (0, 1, 4, 5))):
                if place in among:
                    variants[variant][question] = place < 2
    labels = LabelSet("pope", variants)
    return labels, {question: confidence(generator, label) for question, label in labels.distinct.items()}


def answers_at(confidences: Mapping[Question, float], threshold: float) -> Answers:
    """Answers that say yes from a threshold on, with their probabilities."""
    return {
        question: Answer(question, "Yes" if value >= threshold else "No", p_yes=value, p_no=1 - value)
        for question, value in confidences.items()
    }


def untold(answers: Answers) -> Answers:
    """The same answers without their probabilities."""
    return {question: Answer(question, answer.response) for question, answer in answers.items()}


def uninformed(generator: random.Random, label: bool) -> float:
    """Beyond the answer the confidence tells nothing; one half is the best threshold, since three in ten are wrong.

    Reading yes raises F1 where the share of yes is above half of F1, 0.35. That is 0.7 above one half, 0.3 below it.
    """
    says_yes = label != (generator.random() < 0.3)
    return generator.uniform(0.5, 1) if says_yes else generator.uniform(0, 0.4999)


def informed(generator: random.Random, label: bool) -> float:
    """The confidence tells how likely a yes is; thresholds near .45 are the best."""
    return min(1.0, max(0.0, generator.gauss(0.62 if label else 0.35, 0.15)))


def checked(seed: int, confidence: Confidence, own: float, n_images: int = 120) -> ThresholdCheck:
    """A method that is the baseline itself, which answers by a threshold of its own."""
    labels, confidences = made_up(seed, confidence, n_images)
    baseline = answers_at(confidences, own)
    return check_thresholds(baseline, baseline, labels, REPOPE)


def gain(check: ThresholdCheck, name: str = BEST, variant: str = MEAN) -> float:
    value = check.variants[variant].gains[name].value
    assert value is not None
    return value


def beyond(check: ThresholdCheck, name: str) -> float:
    value = check.variants[MEAN].beyond[name].value
    assert value is not None
    return value


def flips_of(check: ThresholdCheck, variant: str = "a") -> Flips:
    flips = check.flips[variant]
    assert flips is not None
    return flips


def test_where_there_is_nothing_to_gain_a_threshold_gains_nothing() -> None:
    """The threshold that is best for the very answers it is judged on seems to gain more than half a point."""
    judged_on_others, judged_on_the_same = [], []
    for seed in range(40):
        labels, confidences = made_up(seed, uninformed, n_images=40)
        baseline = answers_at(confidences, 0.5)
        check = check_thresholds(baseline, baseline, labels, REPOPE)
        judged_on_others.append(gain(check))
        by_threshold = {
            threshold: fmean(
                f1({q for q in of if confidences[q] >= threshold}, of) for of in labels.variants.values()
            )
            for threshold in [0.5, *confidences.values()]
        }
        judged_on_the_same.append(max(by_threshold.values()) - by_threshold[0.5])
    assert fmean(judged_on_the_same) > 0.005
    assert -0.01 < fmean(judged_on_others) <= 0.001


def test_what_there_is_to_gain_is_gained_without_bias() -> None:
    """Of the gain of the best threshold on very many images a part is lost, since fewer choose it."""
    truth = gain(checked(1000, informed, 0.7, n_images=6000))
    gains = [gain(checked(seed, informed, 0.7)) for seed in range(40)]
    assert truth > 0.05
    assert truth - 0.006 < fmean(gains) < truth + 0.003


def test_the_intervals_of_a_gain_hold_it() -> None:
    truth = gain(checked(1000, informed, 0.7, n_images=6000))
    intervals = [checked(seed, informed, 0.7).variants[MEAN].gains[BEST].interval for seed in range(40)]
    held = [interval is not None and interval[0] <= truth <= interval[1] for interval in intervals]
    assert sum(held) >= 36


def test_a_method_that_only_says_yes_more_often_has_nothing_beyond_its_share_of_yes() -> None:
    labels, confidences = made_up(0, informed)
    method, baseline = (answers_at(confidences, threshold) for threshold in (0.48, 0.7))
    check = check_thresholds(method, baseline, labels, REPOPE)
    assert gain(check, METHOD) > 0.05
    assert gain(check, EQUAL) == pytest.approx(gain(check, METHOD))
    assert check.thresholds[EQUAL] == pytest.approx(0.48, abs=0.005)
    found = check.variants[MEAN]
    assert found.beyond[EQUAL].value == 0
    assert found.beyond[EQUAL].reason == "their answers count alike in every image"
    assert found.yes_ratios[METHOD] == found.yes_ratios[EQUAL] != found.yes_ratios[BASELINE]


def test_a_method_that_is_no_better_is_beyond_no_threshold() -> None:
    """It has confidences of its own, as good as the baseline's, and a better threshold: in none of 20 more is found."""
    found = []
    for seed in range(20):
        labels, confidences = made_up(seed, informed)
        method = answers_at(made_up(seed + 500, informed)[1], 0.45)
        of_mean = check_thresholds(method, answers_at(confidences, 0.7), labels, REPOPE).variants[MEAN]
        assert (of_mean.gains[METHOD].p or 1) < 0.05
        found.append(of_mean.beyond[BEST])
    assert abs(fmean(each.value or 0 for each in found)) < 0.008
    assert sum((each.p or 1) <= 0.05 and (each.value or 0) > 0 for each in found) <= 2


def test_a_method_that_sees_more_has_something_beyond_both() -> None:
    labels, confidences = made_up(0, informed)
    generator = random.Random(5)
    seen = {
        question: label if generator.random() < 0.5 else confidences[question] >= 0.5
        for question, label in labels.distinct.items()
    }
    method = {question: Answer(question, "Yes" if yes else "No") for question, yes in seen.items()}
    check = check_thresholds(method, answers_at(confidences, 0.5), labels, REPOPE)
    for name in (BEST, EQUAL):
        interval = check.variants[MEAN].beyond[name].interval
        assert interval is not None
        assert interval[0] > 0
        assert gain(check, name) + beyond(check, name) == pytest.approx(gain(check, METHOD))


def test_a_method_that_does_not_sample_has_nothing_beyond_a_threshold_on_a_baseline_that_was_sampled() -> (
    None
):
    """And without its confidences it seems to have more than any shift of the share of yes can give."""
    labels, confidences = made_up(0, informed)
    generator = random.Random(7)
    sampled = {
        q: Answer(q, "Yes" if generator.random() < value else "No", p_yes=value, p_no=1 - value)
        for q, value in confidences.items()
    }
    greedy = answers_at(confidences, 0.5)
    check = check_thresholds(greedy, sampled, labels, REPOPE)
    assert gain(check, METHOD) > 0.1
    assert beyond(check, EQUAL) == pytest.approx(0, abs=0.005)
    assert beyond(check, BEST) < 0.005
    flips = flips_of(check_thresholds(greedy, untold(sampled), labels, REPOPE), MEAN)
    assert flips.gain > flips.wrong


def test_a_methods_own_gain_is_the_difference_that_compare_has() -> None:
    """Also where each answers questions that the other does not."""
    labels, confidences = made_up(0, informed, n_images=160)
    method, baseline = answers_at(confidences, 0.5), answers_at(confidences, 0.7)
    parts = [{q: each for q, each in said.items() if q.image[0] != digit}
             for said, digit in ((method, "3"), (baseline, "7"))]  # fmt: skip
    check = check_thresholds(parts[0], parts[1], labels, REPOPE)
    expected = paired_differences(parts[0], parts[1], labels, "repope")
    for variant, difference in expected.items():
        found = check.variants[variant].gains[METHOD]
        assert (found.value, found.interval, found.p) == (difference.value, difference.interval, difference.p)
    assert check.n_images == expected[MEAN].n_images == 138
    assert check.n_questions == expected[MEAN].n_questions == check.n_known


def test_with_unread_answers_the_share_of_yes_is_that_of_the_read_ones() -> None:
    labels, confidences = made_up(0, informed)
    method = {
        q: Answer(q, "Hm") if q.object == "dog" else each for q, each in answers_at(confidences, 0.5).items()
    }
    found = check_thresholds(method, answers_at(confidences, 0.7), labels, REPOPE).variants[MEAN]
    assert found.yes_ratios[EQUAL] == pytest.approx(found.yes_ratios[METHOD], abs=0.005)
    assert found.beyond[BEST].value is not None


def test_a_method_that_is_never_read_has_no_f1() -> None:
    labels, confidences = made_up(0, informed, n_images=20)
    method = {question: Answer(question, "Hm") for question in confidences}
    baseline = answers_at(confidences, 0.7)
    check = check_thresholds(method, baseline, labels, REPOPE)
    assert check.variants[MEAN].beyond[BEST].value is None
    assert check_thresholds(method, untold(baseline), labels, REPOPE).flips == {
        "a": None,
        "b": None,
        MEAN: None,
    }


def test_without_confidences_two_bounds_hold_what_a_threshold_gains() -> None:
    labels, confidences = made_up(0, informed)
    baseline, method = answers_at(confidences, 0.7), answers_at(confidences, 0.5)
    check = check_thresholds(method, untold(baseline), labels, REPOPE)
    assert not check.is_known
    assert (check.variants, check.n_known) == ({}, 0)
    for variant in ("a", "b", MEAN):
        flips = flips_of(check, variant)
        by_threshold = gain(check_thresholds(method, baseline, labels, REPOPE), EQUAL, variant)
        assert flips.drawn < by_threshold < flips.wrong
        assert flips.gain == pytest.approx(by_threshold)
        assert flips.yes_ratios[0] > flips.yes_ratios[1]


def test_equal_shares_of_yes_leave_nothing_to_a_threshold() -> None:
    labels, confidences = made_up(0, informed)
    baseline = untold(answers_at(confidences, 0.7))
    flips = flips_of(check_thresholds(baseline, baseline, labels, REPOPE))
    assert (flips.gain, flips.drawn, flips.wrong) == (0, 0, 0)


@pytest.mark.parametrize("thresholds", [(0.55, 0.7), (0.7, 0.4)])
def test_drawn_flips_are_what_many_draws_come_to(thresholds: tuple[float, float]) -> None:
    labels, confidences = made_up(3, informed)
    method, baseline = (answers_at(confidences, threshold) for threshold in thresholds)
    of_variant = labels.variants["a"]
    n_yes = sum(method[q].response == "Yes" for q in of_variant)
    said = {q for q in of_variant if baseline[q].response == "Yes"}
    generator, gains = random.Random(0), []
    for _ in range(300):
        among, n_turned = (
            sorted(set(of_variant) - said if n_yes > len(said) else said),
            abs(n_yes - len(said)),
        )
        turned = said ^ set(generator.sample(among, n_turned))
        assert len(turned) == n_yes
        gains.append(f1(turned, of_variant) - f1(said, of_variant))
    flips = flips_of(check_thresholds(method, untold(baseline), labels, REPOPE))
    assert flips.drawn == pytest.approx(fmean(gains), abs=0.003)
    assert flips.wrong > max(gains)


@pytest.mark.parametrize("n_yes", range(1, 13))
def test_no_choice_of_flips_gains_more_than_wrong_ones(n_yes: int) -> None:
    questions = [Question(f"{number}.jpg", "?", "") for number in range(12)]
    of_variant = {question: number < 5 for number, question in enumerate(questions)}
    said, method = {*questions[2:8]}, {*questions[:n_yes]}
    best = max(
        f1({*chosen}, of_variant)
        for chosen in combinations(questions, n_yes)
        if said <= {*chosen} or said >= {*chosen}
    )
    given, of_method = (
        {q: Answer(q, "Yes" if q in yes else "No") for q in questions} for yes in (said, method)
    )
    check = check_thresholds(of_method, given, LabelSet("pope", {"a": of_variant}), REPOPE)
    assert flips_of(check).wrong == pytest.approx(best - f1(said, of_variant))


def f1(said: set[Question], labels: Mapping[Question, bool]) -> float:
    tp = sum(labels[question] for question in said)
    return 2 * tp / (len(said) + sum(labels.values()))


def test_a_few_answers_of_unknown_confidence_stay_as_they_are_read() -> None:
    labels, confidences = made_up(0, informed, n_images=200)
    baseline = answers_at(confidences, 0.7)
    some = [question for question in baseline if question.object == "dog"]
    for question in some[:12]:
        baseline[question] = Answer(question, "Yes")
    check = check_thresholds(baseline, baseline, labels, REPOPE)
    assert (check.n_questions, check.n_known, check.is_known) == (1200, 1188, True)
    none_above = {q: Answer(q, each.response, p_yes=0.1, p_no=0.9) if each.p_yes is not None else each
                  for q, each in baseline.items()}  # fmt: skip
    # With equal confidences all others are a yes at the best threshold, or all a no at that of a method that says no.
    method = {q: Answer(q, "No") for q in baseline}
    found = check_thresholds(method, none_above, labels, REPOPE)
    assert found.variants["a"].yes_ratios[EQUAL] == pytest.approx(12 / 800)
    baseline[some[12]] = Answer(some[12], "Yes")
    assert not check_thresholds(baseline, baseline, labels, REPOPE).is_known


def test_few_images_have_no_interval_and_say_why() -> None:
    gains = checked(0, informed, 0.7, n_images=40).variants[MEAN].gains
    assert gains[BEST].interval is None
    assert gains[BEST].reason == "40 images, and an interval takes 100"
    assert gains[BEST].p is not None
    assert gains[METHOD].reason == "their answers count alike in every image"


def test_a_single_image_is_judged_by_one_half() -> None:
    check = checked(0, informed, 0.9, n_images=1)
    assert check.variants[MEAN].f1[BEST] is not None
    labels, confidences = made_up(0, informed, n_images=1)
    at_half = answers_at(confidences, 0.5)
    of_half = check_thresholds(at_half, at_half, labels, REPOPE).variants[MEAN].f1[METHOD]
    assert check.variants[MEAN].f1[BEST] == of_half


def test_without_shared_questions_there_is_nothing() -> None:
    labels, confidences = made_up(0, informed, n_images=3)
    check = check_thresholds({}, answers_at(confidences, 0.5), labels, REPOPE)
    assert (check.n_questions, check.is_known) == (0, False)
    assert check.flips == {"a": None, "b": None, MEAN: None}
