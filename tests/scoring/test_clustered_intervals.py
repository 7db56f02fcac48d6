"""Intervals of a share: against published values, closed forms, and the share of samples that they hold."""

import math

import numpy as np
import pytest

from repope_eval.scoring.clustering import _student_quantile, clopper_pearson, clustered_interval, wilson


def test_wilson_by_hand() -> None:
    # 8 of 10: (0.8 + 0.19207 -+ 1.96 sqrt(0.016 + 0.0096036)) / 1.384146
    assert wilson(8, 10) == pytest.approx((0.490162, 0.943318), abs=1e-6)
    assert wilson(0, 10) == pytest.approx((0.0, 0.277533), abs=1e-6)
    assert wilson(10, 10) == pytest.approx((0.722467, 1.0), abs=1e-6)
    assert wilson(8, 10, unit=10) == pytest.approx((4.90162, 9.43318), abs=1e-5)
    assert wilson(0, 0) is None


def test_the_exact_interval_where_its_ends_have_closed_forms() -> None:
    assert clopper_pearson(0, 10) == pytest.approx((0, 1 - 0.025 ** (1 / 10)), abs=1e-12)
    assert clopper_pearson(1, 48) == pytest.approx((0.025 ** (1 / 48), 1), abs=1e-12)
    assert clopper_pearson(0, 7, 0.9) == pytest.approx((0, 1 - 0.05 ** (1 / 7)), abs=1e-12)


def test_the_exact_interval_of_some_of_ten() -> None:
    """As tables of it have it."""
    assert clopper_pearson(0.1, 10) == pytest.approx((0.002529, 0.445016), abs=1e-6)
    assert clopper_pearson(0.5, 10) == pytest.approx((0.187086, 0.812914), abs=1e-6)


@pytest.mark.parametrize("size", [12, 200])
def test_a_share_at_an_end_of_its_interval_would_seldom_be_met(size: int) -> None:
    """The binomial sums that define the interval: as many or more, as many or fewer, have 2.5 % there."""
    for part in (1, size // 3, size - 1):
        low, high = clopper_pearson(part / size, size)
        chances = [
            [math.comb(size, n) * rate**n * (1 - rate) ** (size - n) for n in range(size + 1)]
            for rate in (low, high)
        ]
        assert sum(chances[0][part:]) == pytest.approx(0.025, rel=1e-6)
        assert sum(chances[1][: part + 1]) == pytest.approx(0.025, rel=1e-6)


def test_students_quantiles_are_those_of_its_table() -> None:
    quantiles = [_student_quantile(freedom, 0.95) for freedom in (1, 7, 99, 1e6)]
    assert quantiles == pytest.approx([12.7062, 2.3646, 1.9842, 1.96], abs=5e-5)


def test_one_question_an_image_is_a_plain_share() -> None:
    part = np.array([1.0] * 37 + [0.0] * 3)
    assert clustered_interval(part, np.ones(40)) == pytest.approx(clopper_pearson(37 / 40, 40), abs=0.004)


def test_answers_that_come_together_tell_less() -> None:
    whole = np.full(40, 6.0)
    apart, together = np.tile([5.0, 6, 6, 6], 10), np.array([6.0] * 38 + [2, 0])
    narrow, wide = (clustered_interval(part, whole) for part in (apart, together))
    assert apart.sum() == together.sum() == 230
    assert narrow is not None
    assert wide is not None
    assert wide[0] < narrow[0]
    assert wide[1] > narrow[1]


def test_without_an_error_the_interval_has_a_width() -> None:
    assert clustered_interval(np.full(8, 6.0), np.full(8, 6.0)) == pytest.approx((0.8992, 1), abs=1e-3)


def test_a_single_image_shows_no_variance() -> None:
    assert clustered_interval(np.array([2.0, 0]), np.array([3.0, 0])) is None
