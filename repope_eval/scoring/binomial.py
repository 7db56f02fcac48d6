"""Intervals of a share of questions: of independent ones, and of questions that come together by image."""

from math import sqrt
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

CONFIDENCE = 0.95


def wilson(part: int, whole: int, unit: float = 1.0) -> tuple[float, float] | None:
    """The 95 % score interval of a binomial share, times a unit; None where there is nothing to share.

    With z = 1.96, p = part / whole and n = whole: (p + z^2 / 2n -+ z sqrt(p (1 - p) / n + z^2 / 4n^2)) / (1 + z^2 / n).
    Source: E. B. Wilson, "Probable Inference, the Law of Succession, and Statistical Inference", Journal of the
    American Statistical Association 22 (1927), 209-212.
    """
    if whole == 0:
        return None
    quantile = NormalDist().inv_cdf((1 + CONFIDENCE) / 2)
    share, squared = part / whole, quantile**2
    middle = share + squared / (2 * whole)
    half = quantile * sqrt(share * (1 - share) / whole + squared / (4 * whole**2))
    scale = unit / (1 + squared / whole)
    return max(0.0, (middle - half) * scale), min(unit, (middle + half) * scale)


def clopper_pearson(share: float, size: float, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """The exact interval of a share of so many independent questions, which need not be a whole number.

    Its ends are quantiles of beta distributions. Source: C. J. Clopper and E. S. Pearson, "The Use of Confidence
    or Fiducial Limits Illustrated in the Case of the Binomial", Biometrika 26 (1934), 404-413.
    """
    part, rest, tail = share * size, (1 - share) * size, (1 - confidence) / 2
    low = 0.0 if part <= 0 else _beta_quantile(tail, part, rest + 1)
    high = 1.0 if rest <= 0 else _beta_quantile(1 - tail, part + 1, rest)
    return low, high


def clustered_interval(
    part: NDArray[np.float64], whole: NDArray[np.float64], confidence: float = CONFIDENCE
) -> tuple[float, float] | None:
    """The interval of sum(part) / sum(whole), both [images]; None where fewer than two images have a whole.

    It is Clopper and Pearson's for the number of independent questions that tell as much as these do: their number
    over the design effect, which is the share's variance between images over that of independent questions and is
    taken for 1 where it is less, times (t of as many questions / t of as many images)^2 for a variance that few
    images show. Source: E. L. Korn and B. I. Graubard, "Confidence Intervals for Proportions with Small Expected
    Number of Positive Counts Estimated from Survey Data", Survey Methodology 24 (1998), 193-201.
    """
    n_images, n = int((whole > 0).sum()), float(whole.sum())
    if n_images < 2:
        return None
    share = float(part.sum()) / n
    residuals = part - share * whole
    variance = n_images / (n_images - 1) * float(residuals @ residuals) / n**2
    independent = share * (1 - share) / n
    design_effect = max(1.0, variance / independent) if independent > 0 else 1.0
    correction = _student_quantile(n - 1, confidence) / _student_quantile(n_images - 1, confidence)
    return clopper_pearson(share, n / design_effect * min(1.0, correction) ** 2, confidence)


def _student_quantile(freedom: float, confidence: float) -> float:
    """Of Student's t, which lies between it and its negative with that confidence."""
    from scipy.special import stdtrit

    return float(stdtrit(freedom, (1 + confidence) / 2))


def _beta_quantile(probability: float, first: float, second: float) -> float:
    """Of the beta distribution with these two parameters."""
    from scipy.special import (
        betaincinv,
    )  # takes longer to import than most scores to be made, and few need it

    return float(betaincinv(first, second, probability))
