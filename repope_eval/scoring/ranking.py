"""Rankings of models and how alike two are, for one set of values or many replicates of it at once."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from repope_eval.scoring.bootstrap import PERCENTILES


def ranks(values: NDArray[np.float64]) -> NDArray[np.int64]:
    """Places among the last axis, the highest value first: 1 and how many values are higher.

    Equal values share the better rank. NaN is higher than nothing, and nothing is higher than NaN: its own
    rank of 1 means nothing.
    """
    n_things = values.shape[-1]
    places: NDArray[np.int64] = np.ones(values.shape, dtype=np.int64)
    for thing in range(n_things):  # a loop, since all pairs of all replicates at once would fill the memory
        places[..., thing] += (values > values[..., thing : thing + 1]).sum(axis=-1)
    return places


def ranks_by_name(values: Mapping[str, float | None]) -> dict[str, int | None]:
    """The place of each thing; None where its value is undefined."""
    places = ranks(
        np.array([np.nan if value is None else value for value in values.values()], dtype=np.float64)
    )
    return {
        name: None if value is None else int(place)
        for (name, value), place in zip(values.items(), places, strict=True)
    }


def rank_interval(drawn_ranks: NDArray[np.int64]) -> tuple[int, int]:
    """The 95 % interval of one thing's rank over the replicates, its ends among the ranks that occurred."""
    low = np.percentile(drawn_ranks, PERCENTILES[0], method="lower")
    high = np.percentile(drawn_ranks, PERCENTILES[1], method="higher")
    return int(low), int(high)


def kendall_tau(first: NDArray[np.float64], second: NDArray[np.float64]) -> NDArray[np.float64]:
    """Kendall's tau-b of two rankings of the same things, along the last axis; NaN where undefined.

    tau-b = (C - D) / sqrt((n - t) (n - u)), with C and D the numbers of pairs in the same and in opposite
    order, n that of all pairs, and t and u those of pairs tied in the first and in the second ranking.
    Undefined where all are tied in one of them, with fewer than two things, and where a value is NaN.
    Source: M. Kendall, "The Treatment of Ties in Ranking Problems", Biometrika 33 (1945), 239-251.

    Args:
        first: values that one ranking goes by, [..., things].
        second: the other's, of the same shape.
    """
    in_order, untied_first, untied_second = np.zeros((3, *first.shape[:-1]))
    for thing in range(first.shape[-1] - 1):
        order_first = np.sign(first[..., thing : thing + 1] - first[..., thing + 1 :])
        order_second = np.sign(second[..., thing : thing + 1] - second[..., thing + 1 :])
        in_order += (order_first * order_second).sum(axis=-1)
        untied_first += np.abs(order_first).sum(axis=-1)
        untied_second += np.abs(order_second).sum(axis=-1)
    untied = np.sqrt(untied_first * untied_second)
    tau: NDArray[np.float64] = np.full(untied.shape, np.nan)
    np.divide(in_order, untied, out=tau, where=untied > 0)
    return tau
