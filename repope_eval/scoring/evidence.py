"""Scores that need no threshold: what the probability of yes, against that of no, tells about the labels.

The confidence in yes is p_yes / (p_yes + p_no), of the first generated token. The intervals are by the same
bootstrap over images as those of the other figures, with fewer replicates, since here every replicate ranks
all questions: the first `EVIDENCE_REPLICATES` of them. An end of an interval is then off by the chance of the
draw by about 1.5 % of the interval's width (standard error of a 2.5 % quantile of a normal distribution,
sqrt(0.025 * 0.975 / 2000) / 0.058 standard deviations, of which the width has 3.9).

`best_f1` is that of the best threshold for the very answers that it is measured on, and for each replicate anew: no
threshold that was chosen before reaches as much, so it is an upper bound.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from repope_eval.records import Answer, LabelSet, Question, Variant
from repope_eval.scoring.bootstrap import (
    FEWEST_IMAGES,
    Interval,
    drawn_totals,
    drawn_weights,
    interval_of,
    labelled_images,
    strata_by_label,
)
from repope_eval.scoring.calibration import (
    BINS,
    Calibration,
    ReliabilityBin,
    calibration,
    calibration_sums,
    reliability,
)
from repope_eval.scoring.ranked_figures import (
    Values,
    by_rank,
    f1_by_threshold,
    rank_starts,
    ranked_figures,
)

EVIDENCE_REPLICATES = 2_000
EVIDENCE_FIGURES = ("auroc", "average_precision", "best_f1", "ece", "ece_debiased", "brier")
"""Fields of `Evidence` that intervals are given for."""
MOST_RANKS = 4_000
"""Where more different confidences occur in a cell, neighbours share a rank in its replicates, as many on each.

The figures themselves know all ranks. A pair of a yes and a no that share a rank counts half in a replicate's
`auroc`, which is thereby off by at most 1 / (2 * MOST_RANKS) where yes and no are equally many."""

_DRAWN_AT_ONCE = 100_000
"""Ranks times replicates that are looked at at a time; what fits a processor's cache is quickest."""

Weights = NDArray[np.unsignedinteger]


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence(Calibration):
    """Of one label set and variant; each figure with its 95 % interval over images, None where undefined."""

    n: int
    """Labelled questions that have both probabilities."""
    auroc: float | None
    auroc_interval: Interval
    average_precision: float | None
    average_precision_interval: Interval
    best_f1: float | None
    """The highest F1 that any threshold on the confidence reaches: an upper bound."""
    best_f1_interval: Interval
    best_threshold: float | None
    """The lowest confidence read as yes there."""
    reliability: tuple[ReliabilityBin, ...]
    reasons: Mapping[str, str] = field(default_factory=dict)
    """Why a figure or its interval is None; only of those that are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Cell:
    """The questions of one label set and variant that have a confidence, the most confident in yes first."""

    images: NDArray[np.int64]
    """Their images' places among those that are drawn from."""
    confidences: Values
    labels: Values
    """1 for yes, 0 for no."""


def evidence(
    label_sets: Sequence[LabelSet], answers: Mapping[Question, Answer]
) -> dict[str, dict[Variant, Evidence]]:
    """The evidence by label set and variant; empty where no answer has both probabilities.

    Answers whose two probabilities are 0, which is no confidence at all, are left out as those without are.
    """
    confidences = {
        question: answer.p_yes / (answer.p_yes + answer.p_no)
        for question, answer in answers.items()
        if answer.p_yes is not None and answer.p_no is not None and answer.p_yes + answer.p_no > 0
    }
    places = {image: place for place, image in enumerate(labelled_images(label_sets))}
    names = [(label_set.name, variant) for label_set in label_sets for variant in label_set.variants]
    cells = [
        _cell(labels, confidences, places)
        for label_set in label_sets
        for labels in label_set.variants.values()
    ]
    drawn_from = np.unique(np.concatenate([cell.images for cell in cells]))
    if not len(drawn_from):
        return {}
    cells = [replace(cell, images=np.searchsorted(drawn_from, cell.images)) for cell in cells]
    drawn = _replicated(cells, len(drawn_from))
    found: dict[str, dict[Variant, Evidence]] = {}
    for (name, variant), cell, of_replicates in zip(names, cells, drawn, strict=True):
        cell_evidence = _evidence(cell, of_replicates)
        found.setdefault(name, {})[variant] = _with_reasons(cell_evidence, len(drawn_from))
    return found


def _cell(
    labels: Mapping[Question, bool], confidences: Mapping[Question, float], places: Mapping[str, int]
) -> _Cell:
    asked = [
        (confidence, places[question.image], label)
        for question, label in labels.items()
        if (confidence := confidences.get(question)) is not None
    ]
    of_asked, images, of_labels = np.array(asked, dtype=np.float64).reshape(-1, 3).T
    order = np.argsort(-of_asked, kind="stable")
    return _Cell(images=images[order].astype(np.int64), confidences=of_asked[order], labels=of_labels[order])


def _evidence(cell: _Cell, drawn: Mapping[str, Values]) -> Evidence:
    starts = rank_starts(cell.confidences)
    yes, no = by_rank(cell.labels, starts), by_rank(1 - cell.labels, starts)
    values = {name: _defined(value) for name, value in ranked_figures(yes, no).items()}
    best = None
    if values["best_f1"] is not None:
        best = float(cell.confidences[starts[np.argmax(f1_by_threshold(yes, no))]])
    of_one_image = calibration_sums(np.zeros_like(cell.images), cell.confidences, cell.labels, 1)
    return Evidence(
        **asdict(calibration(of_one_image[0], drawn["calibration"])),
        n=len(cell.labels),
        auroc=values["auroc"],
        auroc_interval=interval_of(drawn["auroc"]),
        average_precision=values["average_precision"],
        average_precision_interval=interval_of(drawn["average_precision"]),
        best_f1=values["best_f1"],
        best_f1_interval=interval_of(drawn["best_f1"]),
        best_threshold=best,
        reliability=tuple(reliability(cell.confidences, cell.labels)),
    )


def _with_reasons(found: Evidence, n_images: int) -> Evidence:
    """Without the intervals that would hold too seldom, and with the reasons of whatever is missing."""
    reasons = {}
    kept: dict[str, Interval] = {}
    for name in EVIDENCE_FIGURES:
        interval: Interval = getattr(found, f"{name}_interval")
        if not found.n:
            reasons[name] = "no question has a confidence"
        elif getattr(found, name) is None and n_images > 1:
            reasons[name] = "only questions of one label have a confidence"
        elif n_images < FEWEST_IMAGES:
            reasons[name] = f"fewer than {FEWEST_IMAGES} images have a confidence"
        elif interval is None:
            reasons[name] = "undefined in a replicate"
        elif interval[0] == interval[1]:
            reasons[name] = "the same in every replicate, of which no interval can be made"
        kept[f"{name}_interval"] = None if name in reasons else interval
    return replace(found, reasons=reasons, **kept)  # type: ignore[arg-type]


def _replicated(cells: Sequence[_Cell], n_images: int) -> list[dict[str, Values]]:
    """Each figure in each replicate, for each cell; one replicate of NaN with fewer than two images."""
    names = ("auroc", "average_precision", "best_f1")
    if n_images < 2:
        nothing = {name: np.full(1, np.nan) for name in names}
        return [{**nothing, "calibration": np.full((1, BINS + 2), np.nan)} for _ in cells]
    parts: list[list[dict[str, Values]]] = [[] for _ in cells]
    drawn_cells = [_DrawnCell(cell, n_images) for cell in cells]
    has_yes, has_no = (
        np.isin(np.arange(n_images), np.concatenate([cell.images[cell.labels == label] for cell in cells]))
        for label in (1, 0)
    )
    for weights in drawn_weights(n_images, EVIDENCE_REPLICATES, strata_by_label(has_yes, has_no)):
        # Mostly a byte each, so that a replicate's fit a processor's cache.
        small = weights.astype(np.min_scalar_type(int(weights.max())))
        for cell, of_cell in zip(drawn_cells, parts, strict=True):
            of_cell.append({**cell.ranked(small), "calibration": drawn_totals(weights, cell.calibration)})
    return [
        {name: np.concatenate([part[name] for part in of_cell]) for name in (*names, "calibration")}
        for of_cell in parts
    ]


class _DrawnCell:
    """The figures of a cell in replicates, [replicates], of weights that are [replicates, images]."""

    def __init__(self, cell: _Cell, n_images: int) -> None:
        starts = rank_starts(cell.confidences, MOST_RANKS)
        ranks = np.repeat(np.arange(len(starts)), np.diff(starts, append=len(cell.images)))
        self._n_ranks = len(starts)
        self._yes, self._no = (
            _RankedImages(cell.images[of_label], ranks[of_label])
            for of_label in (cell.labels == 1, cell.labels == 0)
        )
        self.calibration = calibration_sums(cell.images, cell.confidences, cell.labels, n_images)

    def ranked(self, weights: Weights) -> dict[str, Values]:
        """The figures of the ranking."""
        rows = max(1, _DRAWN_AT_ONCE // max(1, self._n_ranks))
        parts = []
        for start in range(0, len(weights), rows):
            part = weights[start : start + rows]
            parts.append(
                ranked_figures(self._yes.drawn(part, self._n_ranks), self._no.drawn(part, self._n_ranks))
            )
        return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


class _RankedImages:
    """The images of some questions, which are sorted by rank."""

    def __init__(self, images: NDArray[np.int64], ranks: NDArray[np.int64]) -> None:
        self._images = images
        self._starts = np.flatnonzero(np.diff(ranks, prepend=-1))
        self._ranks = ranks[self._starts]

    def drawn(self, weights: Weights, n_ranks: int) -> Values:
        """How many of the questions are drawn, [replicates, ranks]."""
        sums = np.zeros((len(weights), n_ranks))
        of_questions = np.empty(len(self._images), dtype=weights.dtype)
        for row, of_images in zip(sums, weights, strict=True):
            of_images.take(self._images, out=of_questions, mode="clip")  # all are there; "raise" would copy
            row[self._ranks] = np.add.reduceat(of_questions, self._starts, dtype=np.uint32)
        return sums


def _defined(value: Values) -> float | None:
    return None if np.isnan(value) else float(value)
