"""The step-down: by hand, against plain loops, and how often it errs where nothing or something is so."""

import numpy as np
import pytest
from numpy.typing import NDArray

from repope_eval.scoring.comparison import joint_intervals, place_interval, places
from repope_eval.scoring.differences import step_down

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
