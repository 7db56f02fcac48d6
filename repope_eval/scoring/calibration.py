"""Whether the confidence in yes is as high as yes is frequent: reliability, calibration error and Brier score."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from repope_eval.scoring.bootstrap import PERCENTILES, Interval, interval_of
from repope_eval.scoring.ranked_figures import Values

BINS = 10
"""Of equal width, in the reliability and the calibration error."""

_LARGEST_FACTOR, _HALVINGS = 10.0, 20
"""The range of factors that gaps are multiplied by, and how often it is halved in search of one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReliabilityBin:
    """Questions whose confidence in yes, p_yes / (p_yes + p_no), lies in one range."""

    low: float
    high: float
    n: int
    confidence: float | None
    """Mean confidence in yes; None where the bin is empty."""
    yes_share: float | None
    """Share of them whose label is yes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """Of one label set and variant; each figure with its 95 % interval, None where undefined.

    ece: the expected calibration error over ten bins of equal width, sum over bins of |sum of confidences - number
    of yes| / number of questions. Chance alone opens gaps: of a perfectly calibrated model it is above 0, the more so
    the fewer the questions. Its interval is where it falls in repetitions, if the debiased one is true.

    ece_debiased: what it is without that. All gaps are multiplied by one factor, such that gaps of that size and the
    chance that replicates show come to the figure on average; it is 0 where chance alone comes to it. What is left of
    the bias is the largest for a perfectly calibrated model, about a third of it, since no error is below 0. Its
    interval has the factors with which the figure is neither among the lowest nor among the highest 2.5 %.

    brier: the mean of (confidence - label)^2 (G. W. Brier, "Verification of Forecasts Expressed in Terms of
    Probability", Monthly Weather Review 78 (1950), 1-3).
    """

    ece: float | None
    ece_interval: Interval
    ece_debiased: float | None
    """None, too, with fewer than two images, of which nothing can be drawn."""
    ece_debiased_interval: Interval
    brier: float | None
    brier_interval: Interval


def reliability(confidences: Values, labels: Values) -> Iterator[ReliabilityBin]:
    """Bin by bin; both [questions], a label being 1 for yes and 0 for no."""
    bins = bins_of(confidences)
    for place in range(BINS):
        inside = bins == place
        n = int(inside.sum())
        yield ReliabilityBin(
            low=place / BINS,
            high=(place + 1) / BINS,
            n=n,
            confidence=float(confidences[inside].mean()) if n else None,
            yes_share=float(labels[inside].mean()) if n else None,
        )


def bins_of(confidences: Values) -> NDArray[np.int64]:
    """The bin of each; it holds its lower end, and the last one its upper end, too."""
    return np.minimum((confidences * BINS).astype(np.int64), BINS - 1)


def calibration_sums(images: NDArray[np.int64], confidences: Values, labels: Values, n_images: int) -> Values:
    """What the figures are made of, by image: the gap in each bin, the squared error, and the number of questions.

    Args:
        images: the place of each question's image.
        confidences: [questions].
        labels: [questions].
        n_images: of which the result, [images, BINS + 2], has a row each.
    """
    flat = images * BINS + bins_of(confidences)
    gaps = np.bincount(flat, confidences - labels, minlength=n_images * BINS).reshape(n_images, BINS)
    squares = np.bincount(images, (confidences - labels) ** 2, minlength=n_images)
    return np.column_stack([gaps, squares, np.bincount(images, minlength=n_images)])


def calibration(totals: Values, drawn: Values) -> Calibration:
    """The figures and their intervals.

    Args:
        totals: the sums over all images, [BINS + 2].
        drawn: the same in each replicate, [replicates, BINS + 2]; one of NaN where nothing is drawn.
    """
    gaps, squares = _means(totals)
    if np.isnan(squares):
        return Calibration(
            ece=None,
            ece_interval=None,
            ece_debiased=None,
            ece_debiased_interval=None,
            brier=None,
            brier_interval=None,
        )
    drawn_gaps, drawn_squares = _means(drawn)
    ece, brier_interval = float(np.abs(gaps).sum()), interval_of(drawn_squares)
    debiased = repeated = debiased_interval = None
    if brier_interval is not None:
        # How replicates depart from the answers is what chance adds to gaps.
        chance = drawn_gaps - gaps
        high, low = (
            _factor(gaps, chance, partial(np.percentile, q=percentile)) for percentile in PERCENTILES
        )
        factor = _factor(gaps, chance, np.mean)
        debiased, debiased_interval = factor * ece, (low * ece, high * ece)
        repeated = interval_of(np.abs(factor * gaps + chance).sum(axis=1))
    return Calibration(
        ece=ece,
        ece_interval=repeated,
        ece_debiased=debiased,
        ece_debiased_interval=debiased_interval,
        brier=float(squares),
        brier_interval=brier_interval,
    )


def _means(totals: Values) -> tuple[Values, Values]:
    """Gaps and squared error a question, [..., BINS] and [...], NaN without questions."""
    with np.errstate(invalid="ignore"):  # 0 / 0 is NaN
        means = totals[..., :-1] / totals[..., -1:]
    return means[..., :BINS], means[..., BINS]


def _factor(gaps: Values, chance: Values, statistic: Callable[[Values], float]) -> float:
    """By which gaps, [BINS], are multiplied so that with chance, [replicates, BINS], a statistic is their own error."""
    low, high = 0.0, _LARGEST_FACTOR
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        is_less = statistic(np.abs(middle * gaps + chance).sum(axis=1)) < np.abs(gaps).sum()
        low, high = (middle, high) if is_less else (low, middle)
    return low
