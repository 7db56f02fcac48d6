"""Rankings of models and how alike two are, for one set of values or many replicates of it at once."""

import numpy as np
from numpy.typing import NDArray


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


def holm(p_values: list[float | None]) -> list[float | None]:
    """P values adjusted for being many, so that all of them hold at once; what is undefined counts as no test.

    Sorted upwards, the k-th of m is multiplied by m - k + 1, is at least the one before it, and at most 1.
    Source: S. Holm, "A Simple Sequentially Rejective Multiple Test Procedure", Scandinavian Journal of
    Statistics 6 (1979), 65-70.
    """
    defined = sorted((p, place) for place, p in enumerate(p_values) if p is not None)
    adjusted: list[float | None] = [None] * len(p_values)
    highest = 0.0
    for tests_before, (p, place) in enumerate(defined):
        highest = max(highest, min(1.0, p * (len(defined) - tests_before)))
        adjusted[place] = highest
    return adjusted
