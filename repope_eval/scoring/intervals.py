"""The 95 % interval of each figure: percentiles of the replicates, or a gamma one where these would hold too seldom.

Replicates only know the errors that the answers have. With few images, or errors in few of them, their percentiles lie
too close together, and with no error at all they are one point. There, a share of questions gets the gamma interval of
`clustering.clustered_interval`, and the other figures get what follows from it. F1 rises with Jaccard's index. Balanced
accuracy, F1 at 50 % yes and the correlation rise with recall and with the true negative rate (the yes ratio falls with
the latter), so they lie between their values at the ends of these two, which hold at once with 95 % where each
holds with 97.5 %. A mean over variants lies between the means of their ends.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from repope_eval.records import Answer, LabelSet, Question
from repope_eval.scoring.bootstrap import (
    FEWEST_IMAGES,
    Cells,
    counts_by_image,
    interval_of,
    labelled_images,
    mean_over,
    of_answered_images,
    replicated,
)
from repope_eval.scoring.clustering import clustered_interval, number_of_events
from repope_eval.scoring.confusion import OUTCOMES, Share, Values, figure_values, shares
from repope_eval.scoring.estimates import CONFIDENCE, Estimate, Interval
from repope_eval.scoring.protocols import Protocol

COUNTS = ("tp", "fp", "tn", "fn")
INTERVAL_FIGURES = (
    *COUNTS,
    "precision",
    "recall",
    "f1",
    "accuracy",
    "balanced_accuracy",
    "tnr",
    "yes_ratio",
    "f1_balanced",
    "mcc",
)
"""Fields of `Figures` that intervals are given for."""
FEWEST_EVENTS = 30
"""With errors, or right answers, in fewer images (`number_of_events`), percentiles of a figure hold it too seldom."""
FEWEST_MOVED = 20
"""With fewer images whose counts change, the percentiles of a change hold it too seldom."""
COMPOSITES = ("yes_ratio", "balanced_accuracy", "f1_balanced", "mcc", "harmonic_mean")
"""Figures that are made of recall and the true negative rate."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """The outcomes of the images that have an answer, and the figures in replicates of them."""

    counts: Values
    """[images, cells, outcomes]."""
    totals: Values
    """[cells, outcomes], over all images, those without an answer included."""
    drawn: Mapping[str, Values]
    """Figures in replicates, [replicates, cells], by name; empty with fewer than `FEWEST_IMAGES` images."""
    protocol: Protocol


def sampled(
    label_sets: Sequence[LabelSet],
    answers: Mapping[Question, Answer],
    protocol: Protocol,
    names: Sequence[str] = INTERVAL_FIGURES,
) -> Sample:
    """The sample of images that a set of answers is about."""
    counts = counts_by_image(label_sets, labelled_images(label_sets), answers, protocol)
    answered = of_answered_images(counts)
    return Sample(
        counts=answered,
        totals=counts.sum(axis=0),
        drawn=replicated(answered, protocol, names) if len(answered) >= FEWEST_IMAGES else {},
        protocol=protocol,
    )


def estimates(
    sample: Sample, cells: Cells, values: Mapping[str, float | None], undefined: Mapping[str, str]
) -> dict[str, Estimate]:
    """The estimates of some values, by figure; `undefined` says why a value is None."""
    return {
        figure: Estimate(reason=undefined[figure])
        if value is None
        else replace(estimate(sample, figure, cells), value=value)
        for figure, value in values.items()
    }


def estimate(sample: Sample, figure: str, cells: Cells) -> Estimate:
    """How sure a figure is in one cell, or its mean over several; without the value itself."""
    if len(sample.counts) < 2:
        return _nothing_drawn(sample)
    if is_large(sample, figure, cells):
        return percentiles(mean_over(sample.drawn[figure], cells))
    return gamma_estimate(sample, figure, cells)


def gamma_estimate(sample: Sample, figure: str, cells: Cells) -> Estimate:
    """The same by the gamma interval, whatever the number of images and errors."""
    ends = [_gamma_interval(sample.counts[:, cell], figure, sample.protocol) for cell in cells]
    found = [interval for interval in ends if interval is not None]
    if len(found) < len(ends):
        return Estimate(reason="fewer than two images have questions that count in it")
    low, high = np.mean(found, axis=0)
    return Estimate(interval=(float(low), float(high)), method="gamma")


def estimate_change(sample: Sample, figure: str, before: Cells, after: Cells) -> Estimate:
    """How sure the change of a figure from some cells to others is, on the same drawn images; without the value.

    There is no gamma interval of a difference, so there is none at all where few images have answers, or the figure's
    counts differ in few of them.
    """
    first, second = (_part_and_whole(sample, figure, cells) for cells in (before, after))
    found = change_without_interval(sample, (first != second).any(axis=0))
    if found is not None:
        return found
    drawn = sample.drawn[figure]
    return percentiles(mean_over(drawn, after) - mean_over(drawn, before))


def change_without_interval(sample: Sample, moved: NDArray[np.bool_]) -> Estimate | None:
    """Why a change has no interval; None where there are replicates enough to make one of.

    Args:
        sample: the images that are drawn from.
        moved: whether what is changed counts an image otherwise, [images].
    """
    n_images = len(sample.counts)
    if n_images < 2:
        return _nothing_drawn(sample)
    if n_images < FEWEST_IMAGES:
        return Estimate(reason=f"fewer than {FEWEST_IMAGES} images have answers")
    if moved.sum() < FEWEST_MOVED:
        return Estimate(reason=f"relabelling changes its counts in fewer than {FEWEST_MOVED} images")
    return None


def _nothing_drawn(sample: Sample) -> Estimate:
    images = "a single image has" if len(sample.counts) else "no image has"
    return Estimate(reason=f"{images} answers: nothing to draw from")


def is_large(
    sample: Sample, figure: str, cells: Cells, images: int = FEWEST_IMAGES, events: int = FEWEST_EVENTS
) -> bool:
    """Whether there are so many images, and errors in so many; a harmonic mean needs as many for both its halves.

    Variants may share questions: what is wrong about an image in several of them is one event.
    """
    if figure == "harmonic_mean":
        return all(is_large(sample, half, cells, images, events) for half in ("recall", "tnr"))
    part, whole = _part_and_whole(sample, figure, cells)
    return int((whole > 0).sum()) >= images and number_of_events(part, whole) >= events


def _part_and_whole(sample: Sample, figure: str, cells: Cells) -> Values:
    """The part and the whole that a figure is a share of, [2, images], over some cells; a composite's two added up."""
    of_whole = shares(sample.counts[:, list(cells)], sample.protocol)
    names = ("recall", "tnr") if _is_composite(figure, sample.protocol) else (figure,)
    found: Values = np.array([of_whole[name] for name in names]).sum(axis=(0, -1))
    return found


def percentiles(drawn: Values) -> Estimate:
    """The interval that replicates give, [replicates], or the reason why they give none; without the value."""
    interval = interval_of(drawn)
    if interval is None:
        return Estimate(reason=f"undefined in {int(np.isnan(drawn).sum())} of {len(drawn)} replicates")
    return Estimate(interval=interval, method="bootstrap")


def _gamma_interval(counts: Values, figure: str, protocol: Protocol) -> Interval:
    """The gamma interval of a figure in one cell, whose counts are [images, outcomes]."""
    of_whole = shares(counts, protocol)
    if _is_composite(figure, protocol):
        return _composite(figure, of_whole["recall"], of_whole["tnr"], protocol)
    # False alarms join the whole of Jaccard's index only once they are made; half of all questions may be wrong.
    questions = of_whole["accuracy" if figure == "f1" else figure][1]
    interval = clustered_interval(*of_whole[figure], questions)
    if interval is None:
        return None
    low, high = interval
    if figure == "f1":
        return 2 * low / (1 + low), 2 * high / (1 + high)
    unit = float(of_whole[figure][1].sum()) if figure in COUNTS else 1.0
    return low * unit, high * unit


def _is_composite(figure: str, protocol: Protocol) -> bool:
    return figure in COMPOSITES and (figure != "yes_ratio" or protocol.yes_ratio_of == "answers")


def _composite(figure: str, of_recall: Share, of_tnr: Share, protocol: Protocol) -> Interval:
    """The interval of a figure between its values at the ends of recall's and the true negative rate's intervals."""
    recall, tnr = (
        clustered_interval(*share, confidence=(1 + CONFIDENCE) / 2) for share in (of_recall, of_tnr)
    )
    if recall is None or tnr is None:
        return None
    positives, negatives = of_recall[1].sum(), of_tnr[1].sum()
    rejected = tnr[::-1] if figure == "yes_ratio" else tnr
    counts = np.zeros((2, len(OUTCOMES)))
    for name, values in (
        ("tp", np.array(recall) * positives),
        ("fn", (1 - np.array(recall)) * positives),
        ("tn", np.array(rejected) * negatives),
        ("fp", (1 - np.array(rejected)) * negatives),
    ):
        counts[:, OUTCOMES.index(name)] = values
    low, high = figure_values(counts, protocol)[figure]
    return None if np.isnan(low + high) else (float(low), float(high))
