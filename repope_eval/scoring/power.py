"""How often a test finds a difference: how many images that takes, and which differences so many images show.

The statistic is taken to be normally distributed, with a standard error that falls with the square root of the number
of images. Source: E. Miller, "Adding Error Bars to Evals: A Statistical Approach to Language Model Evaluations",
arXiv:2411.00640 (2024), on power and sample size; `perf/planning.py` measures how near that comes to the tests here.
"""

from dataclasses import dataclass
from math import ceil
from statistics import NormalDist

LEVEL = 0.05
"""The chance of one false finding or more among all of a family."""

USUAL_POWER = 0.8
"""In how many of all samples of images a difference is to be found, where nothing else is said."""

ONE_POINT = 0.01
"""A difference of F1 of 0.01, which papers call a point."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Aim:
    """What a comparison is to show, and how often."""

    power: float = USUAL_POWER
    """In which share of all samples of images the difference is to be found."""
    comparisons: int = 1
    """How many pairs are tested together.

    Each is given its share of the 5 % (Bonferroni). The step-down of `differences` finds no fewer, and more where
    models err alike or several of the pairs differ, so that what is planned for many pairs is rather too much.
    """

    @property
    def errors(self) -> float:
        """How many standard errors a difference must have: 1.96 + 0.84 = 2.80 for 80 % and a single pair.

        The sum of the normal quantiles of 1 - 0.05 / (2 comparisons), for a two-sided test, and of the power.
        """
        normal = NormalDist()
        return normal.inv_cdf(1 - LEVEL / (2 * self.comparisons)) + normal.inv_cdf(self.power)

    def detectable(self, error: float) -> float:
        """The smallest difference that is found so often where this is its standard error."""
        return self.errors * error

    def images(self, n_images: int, error: float, difference: float = ONE_POINT) -> int:
        """How many images show a difference so often.

        Args:
            n_images: the images that the standard error is over.
            error: the standard error of the difference.
            difference: what is to be shown.
        """
        return ceil(n_images * (self.detectable(error) / difference) ** 2)
