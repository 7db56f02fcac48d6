"""What the confidence in yes is worth for telling labels apart, in the answers or in many replicates of them at once.

Questions are sorted by their confidence, the highest first; equal confidences are one level.
"""

import numpy as np
from numpy.typing import NDArray

from repope_eval.scoring.confusion import Values, ratio

Indexes = NDArray[np.int64]
Weights = NDArray[np.unsignedinteger]

_DRAWN_AT_ONCE = 100_000
"""Levels times replicates that are counted at a time; what fits a processor's cache is quickest."""


def level_starts(confidences: Values, most: int | None = None) -> Indexes:
    """Where each level begins among sorted confidences; where there are more than `most`, neighbours are merged."""
    starts = np.flatnonzero(np.diff(confidences, prepend=np.inf))
    if most is None or len(starts) <= most:
        return starts
    merged = starts * most // len(confidences)
    return starts[np.flatnonzero(np.diff(merged, prepend=-1))]


def by_level(values: Values, starts: Indexes) -> Values:
    """Sums over the questions of each level, along the last axis."""
    if not len(starts):
        return np.zeros((*values.shape[:-1], 0))
    if len(starts) == values.shape[-1]:
        return values
    sums: Values = np.add.reduceat(values, starts, axis=-1)
    return sums


def level_figures(yes: Values, no: Values) -> dict[str, Values]:
    """What the order of the questions is worth, NaN where it has no yes (for `auroc`, or no no).

    auroc: the share of pairs of a yes and a no in which the yes stands higher, ties counted half
    (Mann-Whitney). average_precision: the sum over levels of the recall gained there times the precision down
    to it.

    Args:
        yes: questions of label yes on each level, the highest first, [..., levels].
        no: the same of label no.
    """
    if not yes.shape[-1]:
        nothing = np.full(yes.shape[:-1], np.nan)
        return {"auroc": nothing, "average_precision": nothing}
    all_yes, no_down_to = yes.sum(axis=-1), np.cumsum(no, axis=-1)
    all_no = no_down_to[..., -1]
    yes_down_to = np.cumsum(yes, axis=-1)
    read_as_yes = yes_down_to + no_down_to
    higher = (yes * (all_no[..., None] - no_down_to + no / 2)).sum(axis=-1)
    precision = np.divide(yes_down_to, read_as_yes, out=np.zeros(yes.shape), where=read_as_yes > 0)
    return {
        "auroc": ratio(higher, all_yes * all_no),
        "average_precision": ratio((yes * precision).sum(axis=-1), all_yes),
    }


def f1_by_threshold(yes: Values, no: Values) -> Values:
    """F1 of reading all down to each level as yes: 2 TP / (TP + FP + questions of label yes)."""
    yes_down_to = np.cumsum(yes, axis=-1)
    whole = yes_down_to + np.cumsum(no, axis=-1) + yes_down_to[..., -1:]
    f1: Values = np.zeros(yes.shape)
    np.divide(2 * yes_down_to, whole, out=f1, where=whole > 0)
    return f1


class DrawnLevels:
    """The levels of questions, whose images are drawn more or less often."""

    def __init__(self, images: Indexes, confidences: Values, labels: Values, most: int) -> None:
        """Finds the levels of questions, sorted by confidence.

        Args:
            images: the index of each question's image.
            confidences: [questions].
            labels: [questions], 1 for yes and 0 for no.
            most: the greatest number of levels.
        """
        starts = level_starts(confidences, most)
        levels = np.repeat(np.arange(len(starts)), np.diff(starts, append=len(images)))
        self._n_levels = len(starts)
        self._labelled = [(images[labels == label], levels[labels == label]) for label in (1, 0)]

    def figures(self, weights: Weights) -> dict[str, Values]:
        """The figures of `level_figures`, [replicates], with images drawn as often as [replicates, images] say."""
        rows = max(1, _DRAWN_AT_ONCE // max(1, self._n_levels))
        parts = []
        for start in range(0, len(weights), rows):
            yes, no = (self._drawn(weights[start : start + rows], *of_label) for of_label in self._labelled)
            parts.append(level_figures(yes, no))
        return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}

    def _drawn(self, weights: Weights, images: Indexes, levels: Indexes) -> Values:
        """How many of some questions are drawn, [replicates, levels]."""
        starts = np.flatnonzero(np.diff(levels, prepend=-1))
        sums = np.zeros((len(weights), self._n_levels))
        of_questions = np.empty(len(images), dtype=weights.dtype)
        for row, of_images in zip(sums, weights, strict=True):
            of_images.take(images, out=of_questions, mode="clip")  # all are there; "raise" would copy
            row[levels[starts]] = np.add.reduceat(of_questions, starts, dtype=np.uint32)
        return sums
