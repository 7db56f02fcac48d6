"""Intervals of a share of questions: of independent ones, and of questions that come together by image."""

from functools import cache
from math import exp, lgamma, log, log1p, sqrt
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

CONFIDENCE = 0.95

_MOST_STEPS = 200
"""Of the search for a quantile; a few are enough, and halving the range so often leaves nothing of it."""


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


@cache
def _student_quantile(freedom: float, confidence: float) -> float:
    """Of Student's t, which lies between it and its negative with that confidence."""
    tail = _beta_quantile(1 - confidence, freedom / 2, 0.5)
    return sqrt(freedom * (1 - tail) / tail)


def _beta_quantile(probability: float, first: float, second: float) -> float:
    """Of the beta distribution with these two parameters: Newton's steps, or halves of its range."""
    low, high, value = 0.0, 1.0, first / (first + second)
    for _ in range(_MOST_STEPS):
        excess = _beta_probability(value, first, second) - probability
        low, high = (value, high) if excess < 0 else (low, value)
        density = exp(_log_beta_density(value, first, second))
        following = value - excess / density if density > 0 else low
        if not low < following < high:
            following = (low + high) / 2
        if abs(following - value) <= 1e-12 * value:
            break
        value = following
    return value


def _beta_probability(value: float, first: float, second: float) -> float:
    """Of a beta variable being at most the value: the regularized incomplete beta function.

    By its continued fraction (NIST Digital Library of Mathematical Functions, 8.17.22), which converges fast
    below the mean; above it, the two parameters change places.
    """
    if value > (first + 1) / (first + second + 2):
        return 1 - _beta_probability(1 - value, second, first)
    if value <= 0:
        return 0.0
    density = exp(_log_beta_density(value, first, second))
    return density * value * (1 - value) / (first * _beta_fraction(value, first, second))


def _log_beta_density(value: float, first: float, second: float) -> float:
    of_parameters = lgamma(first + second) - lgamma(first) - lgamma(second)
    return of_parameters + (first - 1) * log(value) + (second - 1) * log1p(-value)


def _beta_fraction(value: float, first: float, second: float) -> float:
    """The denominator of the continued fraction, by Lentz's method."""
    fraction = numerators = 1.0
    denominators = 0.0
    step, change = 0, 0.0
    while abs(change - 1) > 1e-15 and step < 10_000:
        step += 1
        half = step // 2
        if step % 2:
            term = -(first + half) * (first + second + half) * value
            term /= (first + 2 * half) * (first + 2 * half + 1)
        else:
            term = half * (second - half) * value / ((first + 2 * half - 1) * (first + 2 * half))
        denominators = 1 / (1 + term * denominators)
        numerators = 1 + term / numerators
        change = numerators * denominators
        fraction *= change
    return fraction
