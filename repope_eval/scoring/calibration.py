"""Whether the confidence in yes is as high as yes is frequent: reliability, calibration error and Brier score."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial, reduce
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from repope_eval.scoring.bootstrap import PERCENTILES
from repope_eval.scoring.confusion import Values, ratio
from repope_eval.scoring.estimates import Estimate, Interval
from repope_eval.scoring.intervals import logit_estimate

BINS = 10
"""The number of bins, of equal width, in the reliability and the calibration error."""
CALIBRATION_FIGURES = ("ece", "ece_debiased", "brier")

FEWEST_EVENTS = 10
"""The Brier score's interval needs so many independent errors, as `logit_estimate` counts them."""
ECE_REASON = "chance alone raises it; the interval is that of ece_debiased"

FEWEST_DRAWN = 30
"""A share of fewer questions says too little to be drawn: its standard error may be above 0.09."""

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
    """Share of these questions whose label is yes."""


def reliability(confidences: Values, labels: Values) -> Iterator[ReliabilityBin]:
    """The bins, from confidences and labels, both [questions], a label being 1 for yes and 0 for no."""
    bins = bins_of(confidences)
    for index in range(BINS):
        inside = bins == index
        n = int(inside.sum())
        yield ReliabilityBin(
            low=index / BINS,
            high=(index + 1) / BINS,
            n=n,
            confidence=float(confidences[inside].mean()) if n else None,
            yes_share=float(labels[inside].mean()) if n else None,
        )


def drawn_bins(bins: Sequence[ReliabilityBin], fewest: int = FEWEST_DRAWN) -> tuple[ReliabilityBin, ...]:
    """The bins that have enough questions to be drawn.

    Neighbours with fewer are joined from below until they have enough; what is left of them joins the bin below, if
    that was joined, too, and is left out otherwise, so that it does not blur a bin that has enough alone. Where none
    has enough, all are one bin; without questions there is none.
    """
    drawn: list[ReliabilityBin] = []
    for has_enough, run in groupby(bins, key=lambda part: part.n >= fewest):
        neighbours = list(run)
        drawn += neighbours if has_enough else _joined_bins(neighbours, fewest)
    if not drawn and any(part.n for part in bins):
        drawn = [reduce(_merged_bins, bins)]
    return tuple(drawn)


def _joined_bins(bins: Sequence[ReliabilityBin], fewest: int) -> list[ReliabilityBin]:
    """Neighbouring bins with few questions, joined to such as have enough; none if all together have too few."""
    joined: list[ReliabilityBin] = []
    for part in bins:
        if joined and joined[-1].n < fewest:
            part = _merged_bins(joined.pop(), part)
        joined.append(part)
    if len(joined) > 1 and joined[-1].n < fewest:
        last = joined.pop()
        joined.append(_merged_bins(joined.pop(), last))
    return [part for part in joined if part.n >= fewest]


def _merged_bins(one: ReliabilityBin, other: ReliabilityBin) -> ReliabilityBin:
    """Two neighbouring bins as one, with the means over the questions of both."""
    n = one.n + other.n

    def mean(name: str) -> float | None:
        return sum((getattr(part, name) or 0.0) * part.n for part in (one, other)) / n if n else None

    return ReliabilityBin(
        low=one.low, high=other.high, n=n, confidence=mean("confidence"), yes_share=mean("yes_share")
    )


def bins_of(confidences: Values) -> NDArray[np.int64]:
    """The index of each confidence's bin; a bin has its lower end in it, and the last one its upper end, too."""
    return np.minimum((confidences * BINS).astype(np.int64), BINS - 1)


def calibration_sums(images: NDArray[np.int64], confidences: Values, labels: Values, n_images: int) -> Values:
    """The sums that the figures are made of, [images, BINS + 2]: the gap in each bin, squared error, and questions.

    Args:
        images: the index of each question's image.
        confidences: [questions].
        labels: [questions].
    """
    flat = images * BINS + bins_of(confidences)
    gaps = np.bincount(flat, confidences - labels, minlength=n_images * BINS).reshape(n_images, BINS)
    squares = np.bincount(images, (confidences - labels) ** 2, minlength=n_images)
    return np.column_stack([gaps, squares, np.bincount(images, minlength=n_images)])


def calibration(totals: Values, drawn: Values) -> dict[str, Estimate]:
    """How well confidences are calibrated: three figures with their intervals, undefined without questions.

    ece: the expected calibration error over ten bins of equal width, sum over bins of |sum of confidences - number
    of yes| / number of questions. Chance alone opens gaps: even a perfectly calibrated model has an error above 0, the
    more so the fewer the questions. Replicates have still larger ones, so it has no interval.

    ece_debiased: the error without the gaps of chance. All gaps are multiplied by one factor, such that gaps of that
    size and the chance that replicates show come to `ece` on average; it is 0 where chance alone comes to `ece`. A bias
    is left, which is largest for a perfectly calibrated model (about a third of it), since no error is below 0. Its
    interval has the factors with which `ece` is neither among the lowest nor among the highest 2.5 %. It is undefined
    also with fewer than two images, from which nothing can be drawn.

    brier: the mean of (confidence - label)^2 (G. W. Brier, "Verification of Forecasts Expressed in Terms of
    Probability", Monthly Weather Review 78 (1950), 1-3).

    Args:
        totals: the sums over all images, [BINS + 2].
        drawn: the same in each replicate, [replicates, BINS + 2]; a single one of NaN where nothing is drawn.
    """
    gaps, squares = _means_by_question(totals)
    if np.isnan(squares):
        return dict.fromkeys(CALIBRATION_FIGURES, Estimate())
    drawn_gaps, drawn_squares = _means_by_question(drawn)
    ece = float(np.abs(gaps).sum())
    debiased = None
    of_debiased: Interval = None
    if not np.isnan(drawn).any():
        # What replicates differ by from the answers is what chance adds to the gaps.
        chance = drawn_gaps - gaps
        # Gaps that have their own error as a low percentile are large ones, so this gives the high end.
        high, low = (
            _gap_factor(gaps, chance, partial(np.percentile, q=percentile)) for percentile in PERCENTILES
        )
        factor = _gap_factor(gaps, chance, np.mean)
        debiased, of_debiased = factor * ece, (low * ece, high * ece)
    return {
        "ece": Estimate(value=ece, reason=ECE_REASON),
        "ece_debiased": Estimate(value=debiased, interval=of_debiased),
        "brier": logit_estimate(float(squares), drawn_squares, FEWEST_EVENTS),
    }


def _means_by_question(totals: Values) -> tuple[Values, Values]:
    """Gaps and squared error by question, [..., BINS] and [...], NaN without questions."""
    means = ratio(totals[..., :-1], totals[..., -1:])
    return means[..., :BINS], means[..., BINS]


def _gap_factor(gaps: Values, chance: Values, statistic: Callable[[Values], float]) -> float:
    """The factor by which gaps, [BINS], with chance added, [replicates, BINS], have their own error as a statistic."""
    low, high = 0.0, _LARGEST_FACTOR
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        is_less = statistic(np.abs(middle * gaps + chance).sum(axis=1)) < np.abs(gaps).sum()
        low, high = (middle, high) if is_less else (low, middle)
    return low
