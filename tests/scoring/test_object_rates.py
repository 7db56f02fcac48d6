"""Error rates of objects: between raw rates and the mean, the nearer to the mean the fewer the answers."""

import functools
import json

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.special import betainc, expit
from scipy.stats import betabinom

from repope_eval.scoring.object_rates import (
    object_rates,
    posteriors,
    shrunken_rates,
    worst_first,
)
from repope_eval.scoring.relabelling_effect import Effect
from repope_eval.scoring.score_document import rates_document


def rates_of(wrong: list[int], n: list[int]) -> list[float]:
    return [one.value or 0 for one in shrunken_rates(np.array(wrong), np.array(n))]


def width(wrong: list[int], n: list[int]) -> float:
    low, high = shrunken_rates(np.array(wrong), np.array(n))[0].interval or (0, 0)
    return high - low


def effect(group: str, before: tuple[int, int, int, int], after: tuple[int, int, int, int]) -> Effect:
    return Effect(
        group=group,
        before=before,
        after=after,
        fp_to_tp=0,
        fn_to_tn=0,
        tp_to_fp=0,
        tn_to_fn=0,
        removed=(0, 0, 0, 0),
    )


OTHERS = ([3] * 20, [30] * 20)


def test_one_wrong_of_two_is_no_worse_than_thirty_of_a_hundred() -> None:
    one_of_two, thirty_of_100, *_ = rates_of([1, 30, *OTHERS[0]], [2, 100, *OTHERS[1]])
    assert 0.1 < one_of_two < thirty_of_100 < 0.3


def test_a_rate_lies_between_its_raw_rate_and_the_mean_and_nearer_to_the_mean_with_fewer_answers() -> None:
    found = rates_of([1, 5, 25, *OTHERS[0]], [2, 10, 50, *OTHERS[1]])[:3]
    assert found == sorted(found)
    assert 0.1 < found[0] < found[-1] < 0.5
    assert found[-1] > 0.35


def test_with_known_parameters_it_is_the_beta_distribution_of_the_textbook() -> None:
    of_wrong, of_right = posteriors(
        np.array([2.0]), np.array([18.0]), np.ones(1), np.array([1, 30]), np.array([2, 100])
    )
    assert of_wrong == pytest.approx([3, 32])
    assert of_right == pytest.approx([19, 88])


def test_objects_that_do_not_differ_all_have_the_mean() -> None:
    """The interval is that of a count of all answers, and not of an object's own."""
    assert rates_of(*OTHERS) == pytest.approx([0.1] * 20, abs=0.002)
    assert width(*OTHERS) < 0.1 < 0.2 < width([3], [30])


@functools.cache
def numerical(wrong: int, n: int, others: tuple[int, ...]) -> tuple[float, float, float]:
    """The mean and the ends of the interval of the first object, by plain sums over a fine grid of the parameters.

    Args:
        wrong: the number of the first object's answers that are wrong.
        n: the number of answers about each object.
        others: wrong answers about each of the other objects.
    """
    places = (np.arange(200) + 0.5) / 200
    m, spread = np.meshgrid(np.sin(np.pi / 2 * places) ** 2, places, indexing="ij")
    number = (1 / spread - 1) / (m * (1 - m))
    a, b = (m * number).ravel(), ((1 - m) * number).ravel()
    each, times = np.unique([wrong, *others], return_counts=True)
    log_weights = sum(count * betabinom.logpmf(k, n, a, b) for k, count in zip(each, times, strict=True))
    weights = np.exp(log_weights - log_weights.max())
    weights /= weights.sum()
    a, b = a + wrong, b + n - wrong

    def quantile(probability: float) -> float:
        low, high = -40.0, 40.0
        for _ in range(30):
            middle = (low + high) / 2
            is_below = weights @ betainc(a, b, expit(middle)) < probability
            low, high = (middle, high) if is_below else (low, middle)
        return float(expit(low))

    return float(weights @ (a / (a + b))), quantile(0.025), quantile(0.975)


@pytest.mark.parametrize(
    ("wrong", "n", "others"), [(1, 8, (0, 0, 1, 2, 4)), (5, 12, (1, 2, 1, 0, 3, 2, 1)), (0, 10, (0,) * 9)]
)
def test_the_grid_and_the_beta_distribution_are_near_to_what_they_stand_for(
    wrong: int, n: int, others: tuple[int, ...]
) -> None:
    mean, low, high = numerical(wrong, n, others)
    one = shrunken_rates(np.array([wrong, *others]), np.full(1 + len(others), n))[0]
    assert one.value == pytest.approx(mean, abs=0.002)
    assert one.interval == pytest.approx((low, high), abs=0.025)


@pytest.mark.parametrize(
    ("wrong", "n"),
    [
        ([0] * 80, [30] * 80),
        ([0], [3]),
        ([1], [1]),
        ([5] * 4, [5] * 4),
        ([0, 1] * 40, [1] * 80),
        ([0, 10**6], [10**6, 10**6]),
        ([0, 5000], [1, 10**4]),
    ],
)
def test_where_there_is_little_or_very_much_to_learn_from_every_number_is_one(
    wrong: list[int], n: list[int]
) -> None:
    for one in shrunken_rates(np.array(wrong), np.array(n)):
        low, high = one.interval or (1, 0)
        assert 0 <= low <= (one.value or 0) <= high <= 1
        assert high > low


def test_without_an_error_an_interval_says_what_so_many_answers_can() -> None:
    """None of 2,400 answers is wrong: the rate may be a tenth of a percent, and hardly a whole one."""
    low, high = shrunken_rates(np.zeros(80, dtype=int), np.full(80, 30))[0].interval or (1, 0)
    assert low == pytest.approx(0, abs=1e-6)
    assert 0.001 < high < 0.005


def test_right_and_wrong_are_mirror_images() -> None:
    wrong, n = np.array([0, 2, 5, 9]), np.array([7, 11, 8, 12])
    for one, other in zip(shrunken_rates(wrong, n), shrunken_rates(n - wrong, n), strict=True):
        assert (one.value or 0) + (other.value or 0) == pytest.approx(1)


def simulated(
    n_objects: int, mean: float, correlation: float, generator: np.random.Generator
) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.int64]]:
    number = 1 / correlation - 1
    true = generator.beta(mean * number, (1 - mean) * number, n_objects)
    n = generator.integers(1, 60, n_objects)
    return true, generator.binomial(n, true), n


@pytest.mark.parametrize(
    ("n_objects", "mean", "correlation"), [(5, 0.1, 0.05), (20, 0.05, 0.1), (80, 0.3, 0.1)]
)
def test_intervals_hold_the_truth_and_errors_are_smaller_than_those_of_raw_rates(
    n_objects: int, mean: float, correlation: float
) -> None:
    generator = np.random.default_rng(3)
    held, squares, raw = [], [], []
    for _ in range(1200 // n_objects):
        true, wrong, n = simulated(n_objects, mean, correlation, generator)
        for one, rate, simple in zip(shrunken_rates(wrong, n), true, wrong / n, strict=True):
            low, high = one.interval or (1, 0)
            held.append(low <= rate <= high)
            squares.append(((one.value or 0) - rate) ** 2)
            raw.append((simple - rate) ** 2)
    assert np.mean(held) > 0.92
    assert np.mean(squares) < 0.6 * np.mean(raw)


EFFECTS = [
    effect("cat", (10, 2, 8, 5), (12, 1, 9, 3)),
    effect("dog", (4, 30, 70, 0), (4, 20, 70, 0)),
    effect("cup", (3, 1, 1, 1), (0, 0, 0, 1)),
]


def test_each_kind_of_error_is_of_the_answers_that_could_be_such_under_each_label_set() -> None:
    rates = object_rates(EFFECTS, ["pope", "repope"])
    assert list(rates) == ["pope", "repope"]
    counts = {
        (name, error): {group: (one.n_wrong, one.n) for group, one in of_error.items()}
        for name, by_error in rates.items()
        for error, of_error in by_error.items()
    }
    assert counts["pope", "hallucinated"] == {"cat": (2, 10), "dog": (30, 100), "cup": (1, 2)}
    assert counts["pope", "missed"] == {"cat": (5, 15), "dog": (0, 4), "cup": (1, 4)}
    assert counts["repope", "hallucinated"] == {"cat": (1, 10), "dog": (20, 90), "cup": (0, 0)}
    assert counts["repope", "missed"] == {"cat": (3, 15), "dog": (0, 4), "cup": (1, 1)}
    one = rates["repope"]["hallucinated"]["cup"].rate
    assert (one.value, one.interval, one.reason) == (None, None, "no answer could be such an error")


def test_an_object_without_a_rate_takes_no_part_in_those_of_others() -> None:
    with_it = object_rates(EFFECTS, ["pope", "repope"])["repope"]["hallucinated"]
    without = object_rates(EFFECTS[:2], ["pope", "repope"])["repope"]["hallucinated"]
    assert {name: with_it[name] for name in without} == without


def test_the_worst_comes_first_and_what_has_no_rate_last() -> None:
    rates = object_rates(EFFECTS, ["pope", "repope"])
    assert worst_first(rates, "hallucinated") == ["dog", "cat", "cup"]
    assert worst_first(object_rates(EFFECTS[:2], ["only"]), "missed") == ["cat", "dog"]
    assert object_rates([], ["only"]) == {"only": {"hallucinated": {}, "missed": {}}}


def test_files_have_counts_rates_and_intervals() -> None:
    document = json.loads(json.dumps(rates_document(object_rates(EFFECTS, ["pope", "repope"]))))
    dog = document["pope"]["hallucinated"]["dog"]
    assert (dog["n_wrong"], dog["n"]) == (30, 100)
    assert dog["ci95"][0] < dog["rate"] < dog["ci95"][1]
    assert document["repope"]["hallucinated"]["cup"] == {"n_wrong": 0, "n": 0, "rate": None, "ci95": None}
