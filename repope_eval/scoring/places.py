"""The places of models in a ranking, and the intervals of these places over replicates."""

from collections.abc import Mapping
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from repope_eval.scoring.bootstrap import PERCENTILES
from repope_eval.scoring.confusion import Values
from repope_eval.scoring.step_down import LEVEL, standard_error, step_down


def places(values: Values) -> NDArray[np.int64]:
    """Places along the last axis, the highest value first: one more than the number of values that are higher.

    Equal values share the better place. No value is higher or lower than NaN, whose own place of 1 means nothing.
    """
    n_things = values.shape[-1]
    found: NDArray[np.int64] = np.ones(values.shape, dtype=np.int64)
    for thing in range(n_things):  # a loop, since all pairs of all replicates at once would fill the memory
        found[..., thing] += (values > values[..., thing : thing + 1]).sum(axis=-1)
    return found


def places_by_name(values: Mapping[str, float | None]) -> dict[str, int | None]:
    """The place of each thing; None where its value is undefined."""
    known = np.array([np.nan if value is None else value for value in values.values()], dtype=np.float64)
    return {
        name: None if value is None else int(place)
        for (name, value), place in zip(values.items(), places(known), strict=True)
    }


def place_interval(drawn_places: NDArray[np.int64]) -> tuple[int, int]:
    """The 95 % interval of one thing's place over the replicates, its ends among the places that occurred."""
    low = np.percentile(drawn_places, PERCENTILES[0], method="lower")
    high = np.percentile(drawn_places, PERCENTILES[1], method="higher")
    return int(low), int(high)


def joint_intervals(values: Values, replicates: Values) -> list[tuple[int, int]]:
    """Intervals of the places that hold for all models at once with a chance of 95 %, by the highest value first.

    A model's place lies between 1 plus the number of models that are surely better, and the number of models less those
    that are surely worse. Surely is what the step-down finds among the one-sided comparisons of all pairs, both ways.
    Source: M. Mogstad, J. P. Romano, A. M. Shaikh and D. Wilhelm, "Inference for Ranks with Applications to Mobility
    across Neighbourhoods and Academic Achievement across Countries", Review of Economic Studies 91 (2024), 476-518.

    Args:
        values: [models]; a model with NaN is neither better nor worse than others, and its interval means nothing.
        replicates: the same in each replicate, [replicates, models].
    """
    pairs, errors = [], {}
    for first, second in combinations(range(len(values)), 2):
        error = standard_error(replicates[:, first] - replicates[:, second])
        if error > 0:  # neither undefined nor without any spread
            pairs += [(first, second), (second, first)]
            errors[first, second] = errors[second, first] = error

    def centred(index: int) -> Values:
        first, second = pairs[index]
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
