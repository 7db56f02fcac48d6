"""Intervals on the logit scale, by hand, and where there is none."""

import numpy as np
import pytest

from repope_eval.scoring.estimates import Estimate
from repope_eval.scoring.intervals import logit_estimate, student_interval


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
