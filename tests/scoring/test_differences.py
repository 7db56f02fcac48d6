"""Pairs of models on the questions that both answered: intervals, p values, the step-down, and what can be shown."""

import random

import numpy as np
import pytest
from model_examples import (
    LABELS,
    Answers,
    answered,
    asked,
    image_number,
    labelled,
    one_label_set,
    three_models,
)
from numpy.typing import NDArray

from repope_eval.records import Answer, LabelSet, Question
from repope_eval.scoring.bootstrap import REPLICATES, drawn_weights
from repope_eval.scoring.comparison import compare, joint_intervals, place_interval, places
from repope_eval.scoring.differences import AIM, Difference, step_down


def differences_of(models: dict[str, Answers]) -> tuple[Difference, ...]:
    return compare(models, one_label_set(LABELS), "repope").differences["pope"]["random"]


def test_a_difference_is_of_the_same_drawn_images() -> None:
    """Against the same replicates in plain loops."""
    models = three_models()
    (difference, *_) = differences_of(models)
    assert (difference.first, difference.second) == ("good", "middling")

    def f1(answers: Answers, weights: dict[str, float]) -> float:
        tp = wrong = 0.0
        for question, label in LABELS.items():
            said = answers[question].response == "yes"
            tp += weights[question.image] * (label and said)
            wrong += weights[question.image] * (label != said)
        return 2 * tp / (2 * tp + wrong)

    images = list(dict.fromkeys(question.image for question in LABELS))
    drawn = np.concatenate(list(drawn_weights(len(images), 200)))
    values = [
        f1(models["good"], weights) - f1(models["middling"], weights)
        for weights in (dict(zip(images, row, strict=True)) for row in drawn)
    ]
    low, high = np.percentile(values, (2.5, 97.5))
    assert difference.interval is not None
    assert difference.interval[0] == pytest.approx(low, abs=0.25 * (high - low))
    assert difference.interval[1] == pytest.approx(high, abs=0.25 * (high - low))
    even = dict.fromkeys(images, 1.0)
    assert difference.value == pytest.approx(f1(models["good"], even) - f1(models["middling"], even))
    assert difference.detectable == pytest.approx(2.8 * np.std(values), rel=0.15)


def test_only_questions_that_both_answered_are_compared() -> None:
    """Deleting its wrong answers makes a model no better than another one that answered the rest as well."""
    models = three_models()
    right = {q: a for q, a in models["poor"].items() if (a.response == "yes") == LABELS[q]}
    found = {(d.first, d.second): d for d in differences_of(models | {"poor": right})}
    whole = {(d.first, d.second): d for d in differences_of(models)}
    assert {(d.n_questions, d.n_images) for d in whole.values()} == {(600, 100)}
    # The other pair is as it was, but for its p among all pairs.
    assert found["good", "middling"].value == whole["good", "middling"].value
    assert found["good", "middling"].interval == whole["good", "middling"].interval
    against = next(d for names, d in found.items() if set(names) == {"poor", "good"})
    assert against.n_questions == len(right)
    same = {name: {q: a for q, a in answers.items() if q in right} for name, answers in models.items()}
    assert (
        against.value
        == next(d for d in differences_of(same) if {d.first, d.second} == {"poor", "good"}).value
    )


def test_under_the_mean_a_question_of_several_variants_is_counted_once() -> None:
    label_sets = [LabelSet("pope", {"random": LABELS, "popular": dict(list(LABELS.items())[:300])})]
    found = compare(three_models(), label_sets, "repope").differences["pope"]
    assert [found[variant][0].n_questions for variant in ("random", "popular", "mean")] == [600, 300, 600]
    assert [found[variant][0].n_images for variant in ("random", "popular", "mean")] == [100, 50, 100]


def part(answers: Answers, first: int, end: int) -> Answers:
    return {q: a for q, a in answers.items() if first <= image_number(q) < end}


@pytest.mark.parametrize(
    ("first_of_second", "reason"),
    [(59, "1 image, and an interval takes 100"), (20, "40 images, and an interval takes 100")],
)
def test_with_few_shared_images_p_is_exact_and_there_is_no_interval(
    first_of_second: int, reason: str
) -> None:
    models = three_models()
    models = {"one": part(models["good"], 0, 60), "other": part(models["poor"], first_of_second, 100)}
    (difference,) = differences_of(models)
    assert difference.n_images == 60 - first_of_second
    assert difference.p is not None
    assert difference.p == difference.p_adjusted
    assert difference.p >= 2 / 2**difference.n_differing
    sure = (difference.interval, difference.detectable, difference.images_for_one_point)
    assert sure == (None, None, None)
    assert difference.reason == reason


def test_without_a_shared_question_there_is_a_reason_in_place_of_p() -> None:
    models = three_models()
    (difference,) = differences_of(
        {"one": part(models["good"], 0, 60), "other": part(models["poor"], 60, 100)}
    )
    assert (difference.n_images, difference.value, difference.p, difference.p_adjusted) == (
        0,
        None,
        None,
        None,
    )
    assert difference.reason == "no question that both answered"


def test_equal_models_have_a_reason_in_place_of_p() -> None:
    one = answered(LABELS, 0.1, 1)
    (difference,) = differences_of({"b": one, "a": dict(one)})
    assert (difference.value, difference.interval, difference.p, difference.p_adjusted) == (
        0,
        None,
        None,
        None,
    )
    assert difference.reason == "their answers count alike in every image"


def changed(answers: Answers, n_images: int, labels: dict[Question, bool] = LABELS) -> Answers:
    """The same answers, but for one about each of the first images, which is wrong in place of right."""
    right = {q.image: q for q in reversed(labels) if (answers[q].response == "yes") == labels[q]}
    moved = [right[image] for image in dict.fromkeys(q.image for q in labels) if image in right][:n_images]
    return answers | {q: Answer(q, "no" if labels[q] else "yes") for q in moved}


@pytest.mark.parametrize(("k", "p"), [(4, 1 / 8), (5, 1 / 16), (6, 1 / 32), (8, 1 / 128), (19, 2 / 2**19)])
def test_where_few_answers_differ_p_is_exact_and_there_is_no_interval(k: int, p: float) -> None:
    """By the bootstrap p of four answers that all moved one way was .04, and they were called more than chance."""
    one = answered(LABELS, 0.1, 1)
    (difference,) = differences_of({"one": one, "other": changed(one, k)})
    assert difference.n_differing == k
    assert difference.p == pytest.approx(p)
    assert difference.p_adjusted == difference.p
    assert (difference.interval, difference.detectable, difference.images_for_one_point) == (None, None, None)
    images = "image" if k == 1 else "images"
    assert difference.reason == f"their answers differ in {k} {images}, and an interval takes 20"


def test_from_twenty_images_that_differ_on_there_is_an_interval() -> None:
    one = answered(LABELS, 0.1, 1)
    (difference,) = differences_of({"one": one, "other": changed(one, 20)})
    assert (difference.n_differing, difference.reason) == (20, None)
    assert difference.interval is not None
    assert difference.interval[0] > 0


def test_an_interval_holds_zero_where_the_exact_test_finds_no_difference() -> None:
    """Of 21 answers that differ 15 speak for one model: p .078 by a sign test, below .05 by a bootstrap at times."""
    labels = labelled(asked(300))
    base = {q: Answer(q, "yes" if label else "no") for q, label in labels.items()}
    for swapped in range(5, 8):
        one, other = changed(base, 21, labels), changed(base, 0, labels)
        both = [q for q in labels if one[q] != other[q]]
        exchanged = set(both[:swapped])
        models = {
            "one": {q: other[q] if q in exchanged else one[q] for q in labels},
            "other": {q: one[q] if q in exchanged else other[q] for q in labels},
        }
        (difference,) = compare(models, one_label_set(labels), "repope").differences["pope"]["random"]
        assert difference.interval is not None
        assert difference.p is not None
        low, high = difference.interval
        assert (low <= 0 <= high) == (difference.p > 0.05)


def test_in_a_family_the_exact_and_the_drawn_tests_share_the_five_percent() -> None:
    """Of three pairs two differ in many images; the one that differs in eight has its p three times."""
    labels = labelled(asked(100))
    one = answered(labels, 0.1, 1)
    models = {"one": one, "like it": changed(one, 8), "other": answered(labels, 0.2, 2)}
    found = {frozenset((d.first, d.second)): d for d in differences_of(models)}
    few = found.pop(frozenset(("one", "like it")))
    assert few.interval is None
    assert few.p_adjusted == pytest.approx(3 * 2 / 2**8)
    for difference in found.values():
        assert difference.interval is not None
        assert difference.p is not None
        assert difference.p_adjusted is not None
        assert difference.p_adjusted >= max(difference.p, 1.5 / (1 + REPLICATES))


def test_a_figure_that_is_undefined_in_a_replicate_is_told() -> None:
    only = next(q for q, label in LABELS.items() if label)
    rare = {q: Answer(q, "yes" if q == only else "no") for q in LABELS}
    (difference,) = differences_of({"rare": rare, "good": three_models()["good"]})
    assert difference.value is not None
    assert difference.reason is not None
    n_undefined = int(difference.reason.removeprefix("undefined in ").split()[0])
    # An image is drawn in none of a hundred draws with a chance of 0.99^100 = 0.366.
    assert n_undefined == pytest.approx(0.366 * REPLICATES, rel=0.05)


def test_p_values_go_with_the_intervals() -> None:
    """The 95 % interval leaves 0 out just where p is below 5 %; p for all pairs is the larger one."""
    models = {f"m{n}": answered(LABELS, 0.05 + 0.01 * n, n) for n in range(8)}
    differences = differences_of(models)
    assert len(differences) == 8 * 7 / 2
    assert {(d.p is not None and d.p < 0.05) for d in differences} == {True, False}
    for difference in differences:
        assert difference.interval is not None
        assert difference.p is not None
        assert difference.p_adjusted is not None
        assert 1 / REPLICATES <= difference.p <= difference.p_adjusted <= 1
        if abs(difference.p - 0.05) > 0.001:  # closer, it is the rounding of the percentile that decides
            assert (difference.interval[0] > 0 or difference.interval[1] < 0) == (difference.p < 0.05)


def test_p_is_never_nothing() -> None:
    perfect = {q: Answer(q, "yes" if label else "no") for q, label in LABELS.items()}
    half = {q: Answer(q, "yes" if label and image_number(q) % 2 else "no") for q, label in LABELS.items()}
    (difference,) = differences_of({"perfect": perfect, "half": half})
    assert difference.p == difference.p_adjusted == 1 / REPLICATES


def test_p_is_about_uniform_where_there_is_no_difference() -> None:
    """Of all pairs of equally good models about one in twenty is below 5 %, and none of them for all together."""
    models = {f"m{n}": answered(LABELS, 0.1, 100 + n) for n in range(20)}
    found = differences_of(models)
    below = [d for d in found if d.p is not None and d.p < 0.05]
    # Not independent: each model is in 19 pairs, so the tolerance is wide.
    assert 0.01 < len(below) / len(found) < 0.12
    assert all(d.p_adjusted is not None and d.p_adjusted > 0.05 for d in found)


def test_of_many_models_the_different_ones_are_told_apart() -> None:
    """Adjusted by Holm, the smallest p of 10,000 replicates times 561 pairs is 0.056: nothing was found."""
    models = {f"m{n}": answered(LABELS, 0.02 if n < 17 else 0.25, n) for n in range(34)}
    found = differences_of(models)
    told_apart = [d for d in found if d.p_adjusted is not None and d.p_adjusted <= 0.05]
    between = [d for d in told_apart if int(d.first[1:]) < 17 <= int(d.second[1:])]
    assert len(between) == 17 * 17
    assert len(told_apart) == 17 * 17


def test_what_so_many_images_show_is_found_by_so_many_in_80_of_100() -> None:
    """The z of a difference just so large exceeds 1.96 in 80 of 100 samples of images."""
    models = {"one": answered(LABELS, 0.10, 1), "other": answered(LABELS, 0.12, 2)}
    (difference,) = differences_of(models)
    assert difference.detectable is not None
    assert difference.images_for_one_point is not None
    assert difference.images_for_one_point == pytest.approx(100 * (difference.detectable / 0.01) ** 2, abs=1)
    error = difference.detectable / AIM.errors
    z = np.random.default_rng(0).normal(difference.detectable / error, 1, 100_000)
    assert (np.abs(z) > 1.96).mean() == pytest.approx(0.80, abs=0.005)


def test_many_models_with_questions_of_their_own_agree_with_each_pair_alone() -> None:
    """Every pair has another set of shared questions."""
    generator = random.Random(0)
    models = {f"m{n}": answered(LABELS, 0.05 + 0.03 * n, n) for n in range(4)}
    for number, answers in enumerate(models.values()):
        for question in generator.sample(list(answers), 10 + 5 * number):
            del answers[question]
    together = differences_of(models)
    assert len({d.n_questions for d in together}) > 3
    for difference in together:
        alone = {name: models[name] for name in (difference.first, difference.second)}
        shared: dict[Question, bool] = {q: LABELS[q] for q in LABELS if all(q in a for a in alone.values())}
        (expected,) = compare(alone, one_label_set(shared), "repope").differences["pope"]["random"]
        same_way = expected.first == difference.first
        assert difference.value == (expected.value if same_way else -(expected.value or 0))
        assert difference.n_questions == len(shared)
        assert difference.p == expected.p
        assert difference.detectable == pytest.approx(expected.detectable)


Values = NDArray[np.float64]


def adjusted(statistics: list[float], centred: Values) -> list[float]:
    return step_down(statistics, lambda place: centred[:, place])


def test_by_hand() -> None:
    # The largest of all, 4, 2, 3, reach 3.5 once; of the last two, 1, 2, 3, reach 2.5 once; of the last, 1, 2, 0, reach
    # 0.5 twice.
    centred = np.array([[4.0, 1.0, 1.0], [0.0, 1.0, 2.0], [1.0, 3.0, 0.0]])
    assert adjusted([3.5, 2.5, 0.5], centred) == [2 / 4, 2 / 4, 3 / 4]
    assert adjusted([0.5, 3.5, 2.5], centred[:, [2, 0, 1]]) == [3 / 4, 2 / 4, 2 / 4]


def test_p_never_falls_from_one_to_the_next() -> None:
    centred = np.array([[9.0, 0.0], [9.0, 0.0], [0.0, 0.0]])
    assert adjusted([3.0, 2.0], centred) == [3 / 4, 3 / 4]


def test_of_one_hypothesis_it_is_the_plain_p_and_of_none_nothing() -> None:
    assert adjusted([2.0], np.array([[1.0], [2.0], [3.0], [0.5]])) == [3 / 5]
    assert adjusted([], np.empty((5, 0))) == []


def test_equal_hypotheses_share_their_p() -> None:
    centred = np.random.default_rng(0).normal(size=(50, 1))
    assert len(set(adjusted([1.0, 1.0, 1.0], np.repeat(centred, 3, axis=1)))) == 1


def test_plain_loops_agree() -> None:
    generator = np.random.default_rng(1)
    centred, statistics = np.abs(generator.normal(size=(200, 12))), np.abs(generator.normal(0, 2, 12))
    order = np.argsort(-statistics)
    expected, highest = np.empty(12), 0.0
    for step, place in enumerate(order):
        largest = [max(row[other] for other in order[step:]) for row in centred]
        highest = max(highest, (1 + sum(value >= statistics[place] for value in largest)) / 201)
        expected[place] = highest
    assert adjusted(statistics.tolist(), centred) == pytest.approx(expected.tolist())


def sampled(
    true: Values, generator: np.random.Generator, n_images: int = 300, n_replicates: int = 500
) -> list[Values]:
    """Means over simulated images, hard for all models or for none, and over images drawn from them."""
    scores = true + generator.normal(0, 1, (n_images, 1)) + generator.normal(0, 1, (n_images, len(true)))
    weights = generator.multinomial(n_images, np.full(n_images, 1 / n_images), size=n_replicates)
    return [scores.mean(axis=0), weights @ scores / n_images]


TRUE = np.linspace(0.5, 0.0, 17) ** 2 * 4
"""Seventeen models, some of them close to each other and some far apart."""


def test_joint_rank_intervals_hold_all_at_once_where_marginal_ones_do_not() -> None:
    generator, trials = np.random.default_rng(2), 150
    held_alone = held_jointly = 0
    true_ranks = range(1, 18)
    for _ in range(trials):
        values, replicates = sampled(TRUE, generator)
        drawn = places(replicates)
        alone = [place_interval(drawn[:, model]) for model in range(17)]
        joint = joint_intervals(values, replicates)
        held_alone += all(low <= rank <= high for rank, (low, high) in zip(true_ranks, alone, strict=True))
        held_jointly += all(low <= rank <= high for rank, (low, high) in zip(true_ranks, joint, strict=True))
    assert held_alone / trials < 0.85
    # The standard error of 95 % among so many trials is 1.8 %.
    assert held_jointly / trials > 0.95 - 2 * 0.018


def test_joint_rank_intervals_tell_of_what_is_sure() -> None:
    values, replicates = sampled(np.array([3.0, 0.0, 0.0, -3.0]), np.random.default_rng(3))
    assert joint_intervals(values, replicates) == [(1, 1), (2, 3), (2, 3), (4, 4)]


def test_undefined_and_equal_models_are_surely_ahead_of_nobody() -> None:
    values, replicates = sampled(np.array([3.0, 0.0, -3.0]), np.random.default_rng(4))
    values = np.append(values, [values[0], np.nan])
    replicates = np.column_stack([replicates, replicates[:, 0], np.full(len(replicates), np.nan)])
    assert joint_intervals(values, replicates)[:4] == [(1, 2), (3, 3), (4, 4), (1, 2)]


def test_without_replicates_any_rank_is_possible() -> None:
    assert joint_intervals(np.array([1.0, 2.0]), np.empty((0, 2))) == [(1, 2), (1, 2)]


def test_one_false_finding_or_more_is_made_in_one_of_twenty_families() -> None:
    """Of ten equal models, 45 pairs: without adjustment nearly every family has one."""
    generator, trials = np.random.default_rng(5), 150
    n_false = 0
    for _ in range(trials):
        values, replicates = sampled(np.zeros(10), generator)
        n_false += joint_intervals(values, replicates) != [(1, 10)] * 10
    # The standard error of 5 % among so many trials is 1.8 %.
    assert n_false / trials < 0.05 + 2 * 0.018
