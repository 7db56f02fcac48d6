"""Which of many differences between models hold at once, by a step-down over joint replicates.

A replicate draws the same images for every model, so its differences depend on one another as those of the models
do. A single false finding has to beat the largest of them. Unlike a bound for any dependence whatever (Holm's), this is
not limited by the smallest p that so many replicates can show.
"""

from collections.abc import Callable, Sequence

import numpy as np

from repope_eval.scoring.confusion import Values

LEVEL = 0.05
"""The chance of one false finding or more among all of a family."""


def step_down(statistics: Sequence[float], centred: Callable[[int], Values]) -> list[float]:
    """P values adjusted for all hypotheses of a family together.

    Those up to 5 % hold together: the chance that one or more of them are false findings is at most 5 %. With the
    hypotheses in the order of their statistics, the largest first, p of the k-th is

        (1 + replicates in which the largest centred statistic from the k-th on reaches the k-th's) / (1 + replicates)

    and at least that of the one before. Source: J. P. Romano and M. Wolf, "Stepwise Multiple Testing as Formalized
    Data Snooping", Econometrica 73 (2005), 1237-1282; as p values in their "Efficient Computation of Adjusted
    p-Values for Resampling-Based Stepdown Multiple Testing", Statistics and Probability Letters 113 (2016), 38-40.

    Args:
        statistics: each hypothesis' difference over its standard error; large ones speak against the hypothesis.
        centred: a function of a hypothesis' index: its statistic in each replicate less that in the answers.
    """
    order = sorted(range(len(statistics)), key=lambda index: -statistics[index])
    adjusted = [1.0] * len(statistics)
    largest: Values | None = None
    for index in reversed(order):
        drawn = centred(index)
        largest = drawn if largest is None else np.maximum(largest, drawn)
        adjusted[index] = (1 + int((largest >= statistics[index]).sum())) / (1 + len(largest))
    highest = 0.0
    for index in order:
        highest = adjusted[index] = max(highest, adjusted[index])
    return adjusted


def standard_error(replicates: Values) -> float:
    """The standard deviation over the replicates; NaN where one of them is undefined."""
    return float(replicates.std()) if len(replicates) else float("nan")
