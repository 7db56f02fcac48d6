"""Ranks and their intervals, and Kendall's tau with ties, by hand and by counting pairs."""

import itertools
import math
import random

import numpy as np
import pytest

from repope_eval.scoring.comparison import kendall_tau, place_interval, places, places_by_name


@pytest.mark.parametrize(
    ("values", "expected"),
    [([0.9, 0.8, 0.95], [2, 3, 1]), ([0.8, 0.9, 0.9, 0.7], [3, 1, 1, 4]), ([0.5], [1]), ([], [])],
)
def test_equal_values_share_the_better_rank(values: list[float], expected: list[int]) -> None:
    assert places(np.array(values)).tolist() == expected


def test_ranks_of_many_replicates() -> None:
    values = np.array([[1.0, 2.0, 3.0], [3.0, 3.0, 1.0], [np.nan, 1.0, 2.0]])
    assert places(values)[:2].tolist() == [[3, 2, 1], [1, 1, 3]]
    assert places(values)[2, 1:].tolist() == [2, 1], "what is undefined is ahead of nothing"


@pytest.mark.parametrize(
    ("first", "second", "tau"),
    [
        ([1, 2, 3, 4], [1, 2, 3, 4], 1.0),
        ([1, 2, 3, 4], [4, 3, 2, 1], -1.0),
        ([1, 2, 3, 4], [1, 2, 4, 3], (5 - 1) / 6),
        # Pairs: 1-2 tied in the first alone; 1-3, 2-3, 1-4, 2-4 in order; 3-4 tied in the second alone.
        ([1, 1, 2, 3], [1, 2, 3, 3], 4 / math.sqrt((6 - 1) * (6 - 1))),
        # One tie in the first; of the five other pairs three are in order and two are not.
        ([1, 2, 2, 3], [2, 1, 3, 4], (4 - 1) / math.sqrt(5 * 6)),
    ],
)
def test_tau_by_hand(first: list[float], second: list[float], tau: float) -> None:
    assert kendall_tau(np.array(first), np.array(second)) == pytest.approx(tau)


@pytest.mark.parametrize(
    ("first", "second"), [([], []), ([1], [2]), ([1, 1, 1], [1, 2, 3]), ([1, 2, math.nan], [1, 2, 3])]
)
def test_tau_is_undefined(first: list[float], second: list[float]) -> None:
    assert np.isnan(kendall_tau(np.array(first, dtype=float), np.array(second, dtype=float)))


def test_tau_of_many_replicates_by_counting_pairs() -> None:
    generator = random.Random(3)
    first, second = ([[generator.randrange(5) for _ in range(7)] for _ in range(50)] for _ in range(2))
    found = kendall_tau(np.array(first, dtype=float), np.array(second, dtype=float))
    for one, other, tau in zip(first, second, found, strict=True):
        in_order = opposite = tied_in_one = tied_in_other = 0
        for a, b in itertools.combinations(range(7), 2):
            product = (one[a] - one[b]) * (other[a] - other[b])
            in_order += product > 0
            opposite += product < 0
            tied_in_one += one[a] == one[b]
            tied_in_other += other[a] == other[b]
        assert tau == pytest.approx(
            (in_order - opposite) / math.sqrt((21 - tied_in_one) * (21 - tied_in_other))
        )


def test_ranks_by_name_leave_out_what_is_undefined() -> None:
    values = {"a": 0.5, "b": 0.9, "c": None, "d": 0.5, "e": 0.1}
    assert places_by_name(values) == {"a": 2, "b": 1, "c": None, "d": 2, "e": 4}


def test_the_ends_of_a_rank_interval_are_ranks_that_occurred() -> None:
    assert place_interval(np.array([1, 3] * 50)) == (1, 3)
    assert place_interval(np.array([2] * 96 + [1] * 2 + [7] * 2)) == (2, 2)
    assert place_interval(np.array([2] * 90 + [1] * 4 + [7] * 6)) == (1, 7)
