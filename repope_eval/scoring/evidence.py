"""Scores that need no threshold: what the probability of yes, against that of no, tells about the labels.

Questions are sorted by their confidence, the highest first; equal confidences are one level.

The confidence in yes is p_yes / (p_yes + p_no), of the first generated token (`Answer.confidence`). The intervals are
by the same bootstrap over images as those of the other figures, but over the first `EVIDENCE_REPLICATES` replicates
alone, since each of them sorts all questions. Their standard deviation has a standard error of 1 / sqrt(2 * 2000) =
1.6 %.

`best_f1` is at the threshold that is best for the very answers that it is measured on. It is too high on average, for
any threshold that was chosen before, and that of a replicate is higher still: it has no interval.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from repope_eval.records import Answer, LabelSet, Question, Variant
from repope_eval.scoring.bootstrap import (
    FEWEST_IMAGES,
    drawn_totals,
    drawn_weights,
    labelled_images,
    strata_by_label,
)
from repope_eval.scoring.calibration import BINS, ReliabilityBin, calibration, calibration_sums, reliability
from repope_eval.scoring.confusion import Values, ratio
from repope_eval.scoring.estimates import Estimate
from repope_eval.scoring.intervals import logit_estimate

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


def level_sums(values: Values, starts: Indexes) -> Values:
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
            yes, no = (
                self._drawn_counts(weights[start : start + rows], *of_label) for of_label in self._labelled
            )
            parts.append(level_figures(yes, no))
        return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}

    def _drawn_counts(self, weights: Weights, images: Indexes, levels: Indexes) -> Values:
        """How many of some questions are drawn, [replicates, levels]."""
        starts = np.flatnonzero(np.diff(levels, prepend=-1))
        sums = np.zeros((len(weights), self._n_levels))
        of_questions = np.empty(len(images), dtype=weights.dtype)
        for row, of_images in zip(sums, weights, strict=True):
            of_images.take(
                images, out=of_questions, mode="clip"
            )  # all indexes exist; mode "raise" would copy
            row[levels[starts]] = np.add.reduceat(of_questions, starts, dtype=np.uint32)
        return sums


EVIDENCE_REPLICATES = 2_000
FEWEST_OF_LABEL = 20
"""With fewer images that have a question of either label, AUROC and average precision have no interval."""
FEWEST_MISORDERED = 5
"""Their intervals need so many independent misordered questions, as `logit_estimate` counts them. Of simulated models
with fewer, those without a bad image have an interval that knows of none (`perf/confidence.py`)."""
BEST_F1_REASON = "the best of many thresholds is too high on average, and replicates of it are higher still"
MOST_LEVELS = 4_000
"""Where a cell has more different confidences, neighbours share a level in its replicates, as many on each level.

The figures themselves know all levels. A pair of a yes and a no that share a level counts half in a replicate's
`auroc`, which is thereby off by at most 1 / (2 * MOST_LEVELS) where yes and no are equally many."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """The evidence of one label set and variant."""

    n: int
    """Labelled questions whose answers have a confidence."""
    estimates: Mapping[str, Estimate]
    """The figures of `level_figures`, then those of `calibration`, with intervals over images."""
    best_threshold: float | None
    """The lowest confidence that is read as yes at the best F1."""
    reliability: tuple[ReliabilityBin, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Cell:
    """The questions of one label set and variant that have a confidence, the most confident in yes first."""

    images: Indexes
    """The indexes of their images among those that are drawn from."""
    confidences: Values
    labels: Values
    """1 for yes, 0 for no."""


def evidence(
    label_sets: Sequence[LabelSet], answers: Mapping[Question, Answer]
) -> dict[str, dict[Variant, Evidence]]:
    """The evidence by label set and variant; empty where no answer has a confidence."""
    confidences = {
        question: confidence
        for question, answer in answers.items()
        if (confidence := answer.confidence) is not None
    }
    indexes = {image: index for index, image in enumerate(labelled_images(label_sets))}
    names = [(label_set.name, variant) for label_set in label_sets for variant in label_set.variants]
    cells = [
        _cell(labels, confidences, indexes)
        for label_set in label_sets
        for labels in label_set.variants.values()
    ]
    drawn_from = np.unique(np.concatenate([cell.images for cell in cells]))
    if not len(drawn_from):
        return {}
    cells = [replace(cell, images=np.searchsorted(drawn_from, cell.images)) for cell in cells]
    drawn = _replicated_figures(cells, len(drawn_from))
    by_label_set: dict[str, dict[Variant, Evidence]] = {}
    for (name, variant), cell, of_replicates in zip(names, cells, drawn, strict=True):
        by_label_set.setdefault(name, {})[variant] = _evidence(cell, of_replicates, len(drawn_from))
    return by_label_set


def _cell(
    labels: Mapping[Question, bool], confidences: Mapping[Question, float], indexes: Mapping[str, int]
) -> _Cell:
    asked = [
        (confidence, indexes[question.image], label)
        for question, label in labels.items()
        if (confidence := confidences.get(question)) is not None
    ]
    of_asked, images, of_labels = np.array(asked, dtype=np.float64).reshape(-1, 3).T
    order = np.argsort(-of_asked, kind="stable")
    return _Cell(images=images[order].astype(np.int64), confidences=of_asked[order], labels=of_labels[order])


def _evidence(cell: _Cell, drawn: Mapping[str, Values], n_images: int) -> Evidence:
    starts = level_starts(cell.confidences)
    yes, no = level_sums(cell.labels, starts), level_sums(1 - cell.labels, starts)
    by_figure = {
        name: _order_estimate(logit_estimate(float(value), drawn[name], FEWEST_MISORDERED), cell)
        for name, value in level_figures(yes, no).items()
    }
    best_f1 = best = None
    if yes.any():
        of_levels = f1_by_threshold(yes, no)
        best_f1, best = float(of_levels.max()), float(cell.confidences[starts[np.argmax(of_levels)]])
    by_figure["best_f1"] = Estimate(value=best_f1, reason=BEST_F1_REASON)
    of_one_image = calibration_sums(np.zeros_like(cell.images), cell.confidences, cell.labels, 1)
    by_figure |= calibration(of_one_image[0], drawn["calibration"])
    return Evidence(
        n=len(cell.labels),
        estimates={
            name: _estimate_with_reason(one, len(cell.labels), n_images) for name, one in by_figure.items()
        },
        best_threshold=best,
        reliability=tuple(reliability(cell.confidences, cell.labels)),
    )


def _order_estimate(estimate: Estimate, cell: _Cell) -> Estimate:
    """The estimate without an interval where few images have a question of one of the labels."""
    for label, name in ((1, "yes"), (0, "no")):
        if estimate.interval and len(np.unique(cell.images[cell.labels == label])) < FEWEST_OF_LABEL:
            return Estimate(
                value=estimate.value,
                reason=f"fewer than {FEWEST_OF_LABEL} images have a question of label {name}",
            )
    return estimate


def _estimate_with_reason(estimate: Estimate, n_questions: int, n_images: int) -> Estimate:
    """The estimate without an interval that would hold too seldom, and with the reason for what is missing."""
    if not n_questions:
        reason = "no question has a confidence"
    elif estimate.value is None and n_images > 1:
        reason = "only questions of one label have a confidence"
    elif n_images < FEWEST_IMAGES:
        reason = f"fewer than {FEWEST_IMAGES} images have a confidence"
    elif estimate.reason:
        return estimate
    elif estimate.interval is None:
        reason = "undefined in a replicate"
    elif estimate.interval[0] == estimate.interval[1]:
        reason = "the same in every replicate, of which no interval can be made"
    else:
        return estimate
    return Estimate(value=estimate.value, reason=reason)


def _replicated_figures(cells: Sequence[_Cell], n_images: int) -> list[dict[str, Values]]:
    """Each figure in each replicate, for each cell; a single NaN with fewer than two images."""
    if n_images < 2:
        nothing = np.full(1, np.nan)
        figures = dict.fromkeys(("auroc", "average_precision"), nothing)
        return [{**figures, "calibration": np.full((1, BINS + 2), np.nan)} for _ in cells]
    has_yes, has_no = (
        np.isin(np.arange(n_images), np.concatenate([cell.images[cell.labels == label] for cell in cells]))
        for label in (1, 0)
    )
    levels = [DrawnLevels(cell.images, cell.confidences, cell.labels, MOST_LEVELS) for cell in cells]
    sums = [calibration_sums(cell.images, cell.confidences, cell.labels, n_images) for cell in cells]
    parts: list[list[dict[str, Values]]] = [[] for _ in cells]
    for weights in drawn_weights(n_images, EVIDENCE_REPLICATES, strata_by_label(has_yes, has_no)):
        # Mostly a byte each, so that those of a replicate fit a processor's cache.
        small = weights.astype(np.min_scalar_type(int(weights.max())))
        for of_levels, of_sums, of_cell in zip(levels, sums, parts, strict=True):
            of_cell.append({**of_levels.figures(small), "calibration": drawn_totals(weights, of_sums)})
    return [
        {name: np.concatenate([part[name] for part in of_cell]) for name in of_cell[0]} for of_cell in parts
    ]
