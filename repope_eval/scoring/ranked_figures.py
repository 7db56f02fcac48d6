"""What a ranking of questions by the confidence in yes is worth, for one ranking or many replicates of it at once."""

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]


def rank_starts(confidences: Values, most: int | None = None) -> NDArray[np.int64]:
    """Where each rank begins among confidences sorted downwards; equal ones share a rank."""
    starts = np.flatnonzero(np.diff(confidences, prepend=np.inf))
    if most is None or len(starts) <= most:
        return starts
    merged = starts * most // len(confidences)
    return starts[np.flatnonzero(np.diff(merged, prepend=-1))]


def by_rank(values: Values, starts: NDArray[np.int64]) -> Values:
    """Sums over the questions of each rank, along the last axis."""
    if not len(starts):
        return np.zeros((*values.shape[:-1], 0))
    if len(starts) == values.shape[-1]:
        return values
    sums: Values = np.add.reduceat(values, starts, axis=-1)
    return sums


def ranked_figures(yes: Values, no: Values) -> dict[str, Values]:
    """What a ranking is worth, NaN where it has no yes (for `auroc`: or no no).

    auroc: the share of pairs of a yes and a no in which the yes stands higher, ties counted half
    (Mann-Whitney). average_precision: the sum over ranks of the recall gained there times the precision down
    to it. best_f1: the highest F1 of reading all down to some rank as yes.

    Args:
        yes: questions of label yes on each rank, the highest first, [..., ranks].
        no: the same of label no.
    """
    if not yes.shape[-1]:
        nothing = np.full(yes.shape[:-1], np.nan)
        return {"auroc": nothing, "average_precision": nothing, "best_f1": nothing}
    all_yes, no_down_to = yes.sum(axis=-1), np.cumsum(no, axis=-1)
    all_no = no_down_to[..., -1]
    yes_down_to = np.cumsum(yes, axis=-1)
    read_as_yes = yes_down_to + no_down_to
    higher = (yes * (all_no[..., None] - no_down_to + no / 2)).sum(axis=-1)
    precision = np.divide(yes_down_to, read_as_yes, out=np.zeros(yes.shape), where=read_as_yes > 0)
    return {
        "auroc": ratio(higher, all_yes * all_no),
        "average_precision": ratio((yes * precision).sum(axis=-1), all_yes),
        "best_f1": np.where(all_yes > 0, f1_by_threshold(yes, no).max(axis=-1), np.nan),
    }


def f1_by_threshold(yes: Values, no: Values) -> Values:
    """F1 of reading all down to each rank as yes: 2 TP / (TP + FP + questions of label yes)."""
    yes_down_to = np.cumsum(yes, axis=-1)
    whole = yes_down_to + np.cumsum(no, axis=-1) + yes_down_to[..., -1:]
    f1: Values = np.zeros(yes.shape)
    np.divide(2 * yes_down_to, whole, out=f1, where=whole > 0)
    return f1


def ratio(part: Values, whole: Values) -> Values:
    """One divided by the other, NaN where there is nothing to divide by."""
    found: Values = np.full(np.shape(whole), np.nan)
    np.divide(part, whole, out=found, where=np.asarray(whole) > 0)
    return found
