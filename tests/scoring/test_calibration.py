"""The calibration error with and without what chance adds to it, of models whose true one is known."""

from itertools import pairwise

import numpy as np
import pytest

from repope_eval.scoring.bootstrap import drawn_weights
from repope_eval.scoring.calibration import (
    BINS,
    ECE_REASON,
    ReliabilityBin,
    calibration,
    calibration_sums,
    drawn_bins,
)
from repope_eval.scoring.estimates import Estimate

QUESTIONS, EACH = 600, 5


def calibrated(slope: float, seed: int) -> dict[str, Estimate]:
    """Labels are yes as often as the confidence's logit times the slope says: at 1, as often as the confidence does."""
    generator = np.random.default_rng(seed)
    logits = generator.normal(0, 2.5, QUESTIONS)
    labels = generator.random(QUESTIONS) < 1 / (1 + np.exp(-slope * logits))
    images, n_images = np.arange(QUESTIONS) // EACH, QUESTIONS // EACH
    sums = calibration_sums(images, 1 / (1 + np.exp(-logits)), labels.astype(np.float64), n_images)
    (weights,) = drawn_weights(n_images, 400)
    return calibration(sums.sum(axis=0), weights @ sums)


@pytest.mark.parametrize(
    ("slope", "true", "plain", "debiased"), [(1, 0, 0.0366, 0.0113), (0.6, 0.0767, 0.084, 0.0738)]
)
def test_the_debiased_error_is_nearer_the_truth(
    slope: float, true: float, plain: float, debiased: float
) -> None:
    """The true error is by integration; means of 60 models have standard errors of 0.001 to 0.002."""
    found = [calibrated(slope, seed) for seed in range(60)]
    assert np.mean([one["ece"].value for one in found]) == pytest.approx(plain, abs=0.006)
    assert np.mean([one["ece_debiased"].value for one in found]) == pytest.approx(debiased, abs=0.006)
    assert abs(plain - true) > 2 * abs(debiased - true)
    held = [one["ece_debiased"].interval and one["ece_debiased"].interval[0] <= true <= one["ece_debiased"].interval[1]
            for one in found]  # fmt: skip
    assert np.mean(held) >= 0.8
    assert {(one["ece"].interval, one["ece"].reason) for one in found} == {(None, ECE_REASON)}


def test_without_a_gap_there_is_no_error() -> None:
    sums = calibration_sums(np.array([0, 1]), np.array([1.0, 0.0]), np.array([1.0, 0.0]), 2)
    found = calibration(sums.sum(axis=0), np.repeat(sums.sum(axis=0)[None], 3, axis=0))
    assert tuple(one.value for one in found.values()) == (0, 0, 0)


def test_without_questions_nothing_is_defined() -> None:
    found = calibration(np.zeros(BINS + 2), np.zeros((3, BINS + 2)))
    assert found == dict.fromkeys(("ece", "ece_debiased", "brier"), Estimate())


def test_without_replicates_there_are_figures_alone() -> None:
    sums = calibration_sums(np.zeros(2, dtype=np.int64), np.array([0.75, 0.25]), np.array([1.0, 1.0]), 1)
    found = calibration(sums[0], np.full((1, BINS + 2), np.nan))
    assert (found["ece"].value, found["brier"].value) == (0.5, (0.25**2 + 0.75**2) / 2)
    assert (found["ece_debiased"], found["brier"].interval) == (Estimate(), None)


def bins(*numbers: int) -> list[ReliabilityBin]:
    """Ten bins with so many questions, each with its confidence in the middle, and every other one all yes."""
    return [
        ReliabilityBin(
            low=place / 10,
            high=(place + 1) / 10,
            n=n,
            confidence=(place + 0.5) / 10 if n else None,
            yes_share=float(place % 2) if n else None,
        )
        for place, n in enumerate(numbers)
    ]


@pytest.mark.parametrize(
    ("numbers", "expected"),
    [
        ((30,) * 10, [30] * 10),
        ((500, 3, 0, 4, 0, 0, 25, 9, 0, 400), [500, 41, 400]),
        ((500, 20, 20, 20, 20, 20, 0, 0, 0, 400), [500, 40, 60, 400]),
        ((500, 3, 0, 4, 0, 0, 20, 0, 2, 400), [500, 400]),
        ((500, 0, 0, 0, 0, 0, 0, 0, 0, 29), [500]),
        ((0, 0, 0, 0, 29, 1, 0, 0, 0, 30), [30, 30]),
        ((1, 0, 0, 0, 0, 0, 0, 0, 0, 1), [2]),
        ((0,) * 10, []),
    ],
)
def test_bins_of_few_questions_are_joined_with_their_neighbours(
    numbers: tuple[int, ...], expected: list[int]
) -> None:
    found = drawn_bins(bins(*numbers))
    assert [part.n for part in found] == expected
    assert all(one.high <= other.low for one, other in pairwise(found))


def test_a_joined_bin_has_the_means_over_the_questions_of_its_parts() -> None:
    _, part, _ = drawn_bins(bins(500, 3, 0, 4, 0, 0, 25, 0, 0, 400))
    assert (part.low, part.high, part.n) == (0.1, 0.9, 32)  # empty ranges are a part of it
    assert part.confidence == pytest.approx((3 * 0.15 + 4 * 0.35 + 25 * 0.65) / 32)
    assert part.yes_share == pytest.approx(7 / 32)
