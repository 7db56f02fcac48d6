"""Which of many differences between models hold at once: a step-down over joint replicates, and the ranks it gives.

A replicate draws the same images for every model, so its differences depend on one another as those of the models
do. The largest of them is what a single false finding has to beat, and unlike a bound for any dependence whatever
(Holm's) it is not limited by the smallest p that so many replicates can show.
"""

from collections.abc import Callable, Sequence
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]

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
        centred: of a hypothesis by its place, the same in each replicate, less the difference itself: [replicates].
    """
    order = sorted(range(len(statistics)), key=lambda place: -statistics[place])
    adjusted = [1.0] * len(statistics)
    largest: Values | None = None
    for place in reversed(order):
        of_place = centred(place)
        largest = of_place if largest is None else np.maximum(largest, of_place)
        adjusted[place] = (1 + int((largest >= statistics[place]).sum())) / (1 + len(largest))
    highest = 0.0
    for place in order:
        highest = adjusted[place] = max(highest, adjusted[place])
    return adjusted


def joint_ranks(values: Values, replicates: Values) -> list[tuple[int, int]]:
    """Rank intervals that hold for all models at once with a chance of 95 %, by the highest value first.

    A model's rank lies between 1 and as many models as are surely better, and the number of models less as many as
    are surely worse. Surely is what the step-down finds among the one-sided comparisons of all pairs, both ways.
    Source: M. Mogstad, J. P. Romano, A. M. Shaikh and D. Wilhelm, "Inference for Ranks with Applications to Mobility
    across Neighbourhoods and Academic Achievement across Countries", Review of Economic Studies 91 (2024), 476-518.

    Args:
        values: [models]; NaN where undefined: such a model is no one's better or worse, and its interval means nothing.
        replicates: the same in each replicate, [replicates, models].
    """
    pairs, errors = [], {}
    for first, second in combinations(range(len(values)), 2):
        error = standard_error(replicates[:, first] - replicates[:, second])
        if error > 0:  # neither undefined nor without any spread
            pairs += [(first, second), (second, first)]
            errors[first, second] = errors[second, first] = error

    def centred(place: int) -> Values:
        first, second = pairs[place]
        distances: Values = replicates[:, first] - replicates[:, second] - (values[first] - values[second])
        return distances / errors[first, second]

    statistics = [float(values[first] - values[second]) / errors[first, second] for first, second in pairs]
    n_better, n_worse = np.zeros((2, len(values)), dtype=np.int64)
    for (better, worse), p in zip(pairs, step_down(statistics, centred), strict=True):
        if p <= LEVEL:
            n_worse[better] += 1
            n_better[worse] += 1
    n_defined = int((~np.isnan(values)).sum())
    return [
        (1 + int(better), n_defined - int(worse)) for better, worse in zip(n_better, n_worse, strict=True)
    ]


def standard_error(replicates: Values) -> float:
    """The standard deviation over the replicates; NaN where one of them is undefined."""
    return float(replicates.std()) if len(replicates) else float("nan")
