"""The interval of each figure: percentiles of replicates, or a gamma or logit one where these hold too seldom.

Near an end replicates are skewed, and where a few questions make all of the difference, their percentiles hold the
truth too seldom. So the standard error of the replicates is taken to the logit scale, and Student's t stands for the
normal distribution, since few questions tell the standard error badly, too. Its degrees of freedom are the number of
independent events of which a count would vary by as large a share: the square of the distance to the nearer end over
the variance of the replicates. Where these are very few, the next images may hold errors that none of these shows, and
there is no interval. `perf/confidence.py` measures how often the intervals hold.

Replicates only know the errors that the answers have. With few images, or errors in few of them, their percentiles lie
too close together, and with no error at all they are one point. There, a share of questions gets the gamma interval of
`clustered_interval`, and the other figures get what follows from it. F1 rises with Jaccard's index. Balanced
accuracy, F1 at 50 % yes and the correlation rise with recall and with the true negative rate (the yes ratio falls with
the latter), so they lie between their values at the ends of these two, which hold at once with 95 % where each
holds with 97.5 %. A mean over variants lies between the means of their ends.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import log, sqrt
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from repope_eval.records import Answer, LabelSet, Question
from repope_eval.scoring.bootstrap import (
    FEWEST_IMAGES,
    REPLICATES,
    Cells,
    answered_counts,
    counts_by_image,
    drawn_totals,
    drawn_weights,
    gamma_interval,
    interval_of,
    labelled_images,
    mean_over,
    replicated,
)
from repope_eval.scoring.confusion import OUTCOMES, Share, Values, figure_values, ratio, shares
from repope_eval.scoring.estimates import CONFIDENCE, Estimate, Interval
from repope_eval.scoring.protocols import Protocol


def wilson(part: int, whole: int, unit: float = 1.0) -> tuple[float, float] | None:
    """The 95 % score interval of a binomial share, times a unit; None where there is nothing to share.

    With z = 1.96, p = part / whole and n = whole: (p + z^2 / 2n -+ z sqrt(p (1 - p) / n + z^2 / 4n^2)) / (1 + z^2 / n).
    Source: E. B. Wilson, "Probable Inference, the Law of Succession, and Statistical Inference", Journal of the
    American Statistical Association 22 (1927), 209-212.
    """
    if whole == 0:
        return None
    quantile = NormalDist().inv_cdf((1 + CONFIDENCE) / 2)
    share, squared = part / whole, quantile**2
    middle = share + squared / (2 * whole)
    half = quantile * sqrt(share * (1 - share) / whole + squared / (4 * whole**2))
    scale = unit / (1 + squared / whole)
    return max(0.0, (middle - half) * scale), min(unit, (middle + half) * scale)


def clustered_interval(
    part: Values, whole: Values, questions: Values | None = None, confidence: float = CONFIDENCE
) -> tuple[float, float] | None:
    """The interval of sum(part) / sum(whole), both [images]; None where fewer than two images have a whole.

    What is rarer, the part or the rest, is a sum over images of rare events: images with few or many errors, for
    instance. It has the gamma interval of such sums, by its variance between images, or by that of independent
    questions where this is greater. Images seen may all be better than others, so its upper end allows for one further
    image that is as bad as the worst seen, or bad in half of its questions if that is worse.

    Args:
        part: e.g. how many questions about each image are answered right.
        whole: e.g. how many there are.
        questions: about each image, of which half may be wrong in the further one, where they are not the whole.
        confidence: the interval's.
    """
    n_images, n = int((whole > 0).sum()), float(whole.sum())
    if n_images < 2:
        return None
    share = float(part.sum()) / n
    is_part_rare = share <= 0.5
    rare = part if is_part_rare else whole - part
    residuals = part - share * whole
    between_images = n_images / (n_images - 1) * float(residuals @ residuals) / n**2
    variance = max(between_images, share * (1 - share) / n)
    questions = whole if questions is None else questions
    # The mean over questions of how many questions the same image has.
    n_questions = float(questions @ questions) / float(questions.sum())
    further = max(float(rare.max()), n_questions / 2, 1.0)
    low, high = gamma_interval(float(rare.sum()) / n, variance, further / n, confidence)
    high = min(1.0, high)
    return (low, high) if is_part_rare else (1 - high, 1 - low)


def estimate_share(part: Values, whole: Values, undefined: str) -> Estimate:
    """sum(part) / sum(whole), both [images], with its interval: percentiles, or the gamma one where events are few.

    Args:
        part: in each image, e.g. how many mentions are of what is not there, or the sum of numbers from 0 to 1.
        whole: e.g. how many mentions there are.
        undefined: why there is no share, where the whole is 0.
    """
    if not whole.sum():
        return Estimate(reason=undefined)
    value = float(part.sum() / whole.sum())
    if (whole > 0).sum() >= FEWEST_IMAGES and number_of_events(part, whole) >= FEWEST_EVENTS:
        counts = np.stack([part, whole], axis=1)
        drawn = [drawn_totals(weights, counts) for weights in drawn_weights(len(counts), REPLICATES)]
        totals = np.concatenate(drawn)
        return replace(percentiles(ratio(totals[:, 0], totals[:, 1])), value=value)
    interval = clustered_interval(part, whole)
    if interval is None:
        return Estimate(value=value, reason="a single image counts in it")
    return Estimate(value=value, interval=interval, method="gamma")


def number_of_events(part: Values, whole: Values) -> float:
    """The number of images that the errors are in, or the right answers if these are in fewer; both are [images].

    An image with many of them outweighs others. So it is the number of images with equally many that would show as
    much: sum(w)^2 / sum(w^2) of the numbers w in each image (L. Kish, "Survey Sampling", 1965, section 11.7).
    """
    sides = ((float(side.sum()), float(side @ side)) for side in (part, whole - part))
    return min(total**2 / squares if squares else 0.0 for total, squares in sides)


def f1_width_ratios(counts: Values, protocol: Protocol) -> tuple[float, ...]:
    """Widths of F1's intervals over images, as multiples of those over questions, for each cell that has one.

    Above 1, an image's questions stand or fall together, and an interval over questions would be too narrow.

    Args:
        counts: [images, cells, outcomes].
        protocol: the protocol, which says what becomes of unparsed answers.
    """
    ratios = (_f1_width_ratio(counts[:, cell], protocol) for cell in range(counts.shape[1]))
    return tuple(each for each in ratios if each is not None)


def _f1_width_ratio(counts: Values, protocol: Protocol) -> float | None:
    """The square root of F1's design effect in one cell, [images, outcomes].

    None where no answer is an error, no image has two questions, or too few images show how errors come.

    The variances over images and over questions are both taken within labels, with the number of questions of either
    label given: what an image's questions have in common by the benchmark's making (POPE asks about each image as
    often with either label) says nothing about errors. F1 = 2 tp / (tp + fp + positives) moves with a hit by
    fp + positives and with a false alarm by -tp, times the same factor. Over images, its variance is that of the sums
    of these in an image, less what the label's rate lets expect; over questions, hits and false alarms are binomial.
    """
    of_whole = shares(counts, protocol)
    (tp, positives), (tn, negatives) = of_whole["recall"], of_whole["tnr"]
    fp = negatives - tn
    n_questions = positives + negatives
    n_images = int((n_questions > 0).sum())
    if n_images < FEWEST_IMAGES or n_questions.max() < 2 or not positives.sum() or not negatives.sum():
        return None
    recall, false_alarms = tp.sum() / positives.sum(), fp.sum() / negatives.sum()
    of_hit, of_false_alarm = fp.sum() + positives.sum(), -tp.sum()
    in_images = of_hit * (tp - recall * positives) + of_false_alarm * (fp - false_alarms * negatives)
    over_images = n_images / (n_images - 1) * float(in_images @ in_images)
    over_questions = float(
        of_hit**2 * positives.sum() * recall * (1 - recall)
        + of_false_alarm**2 * negatives.sum() * false_alarms * (1 - false_alarms)
    )
    return sqrt(over_images / over_questions) if over_questions else None


def logit_estimate(value: float, drawn: Values, fewest_events: int) -> Estimate:
    """A figure with its 95 % interval, or with the reason why there is none; without either where it is NaN.

    Args:
        drawn: the figure in each replicate, [replicates].
        fewest_events: with fewer independent events than these there is no interval.
    """
    if np.isnan(value):
        return Estimate()
    if np.isnan(drawn).any():
        return Estimate(value=value, reason="undefined in a replicate")
    variance = float(drawn.var())
    if variance == 0 or not 0 < value < 1:
        return Estimate(value=value, reason="the same in every replicate, of which no interval can be made")
    events = min(value, 1 - value) ** 2 / variance
    if events < fewest_events:
        return Estimate(
            value=value,
            reason=f"a few questions decide it: it is as unsure as a count of fewer than {fewest_events} errors",
        )
    error = sqrt(variance) / (value * (1 - value))
    return Estimate(value=value, interval=student_interval(value, error, events))


def student_interval(value: float, error: float, freedom: float) -> tuple[float, float]:
    """The interval of a value between 0 and 1 by Student's t on the scale of the logit.

    Args:
        value: not 0 or 1.
        error: its standard error on that scale.
        freedom: the degrees of freedom of that error.
    """
    from scipy.special import expit, stdtrit  # slow to import

    middle, half = log(value / (1 - value)), float(stdtrit(freedom, (1 + CONFIDENCE) / 2)) * error
    return float(expit(middle - half)), float(expit(middle + half))


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
    n_draws: int = 1,
) -> Sample:
    """The sample of images that a set of answers is about, which may hold several draws of each answer."""
    counts = counts_by_image(label_sets, labelled_images(label_sets), answers, protocol, n_draws)
    answered = answered_counts(counts)
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
        return _estimate_without_draws(sample)
    if is_large(sample, figure, cells):
        return percentiles(mean_over(sample.drawn[figure], cells))
    return gamma_estimate(sample, figure, cells)


def gamma_estimate(sample: Sample, figure: str, cells: Cells) -> Estimate:
    """The same by the gamma interval, whatever the number of images and errors."""
    ends = [_gamma_interval(sample.counts[:, cell], figure, sample.protocol) for cell in cells]
    intervals = [interval for interval in ends if interval is not None]
    if len(intervals) < len(ends):
        return Estimate(reason="fewer than two images have questions that count in it")
    low, high = np.mean(intervals, axis=0)
    return Estimate(interval=(float(low), float(high)), method="gamma")


def estimate_change(sample: Sample, figure: str, before: Cells, after: Cells) -> Estimate:
    """How sure the change of a figure from some cells to others is, on the same drawn images; without the value.

    There is no gamma interval of a difference, so there is none at all where few images have answers, or the figure's
    counts differ in few of them.
    """
    first, second = (_part_and_whole(sample, figure, cells) for cells in (before, after))
    refusal = change_without_interval(sample, (first != second).any(axis=0))
    if refusal is not None:
        return refusal
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
        return _estimate_without_draws(sample)
    if n_images < FEWEST_IMAGES:
        return Estimate(reason=f"fewer than {FEWEST_IMAGES} images have answers")
    if moved.sum() < FEWEST_MOVED:
        return Estimate(reason=f"relabelling changes its counts in fewer than {FEWEST_MOVED} images")
    return None


def _estimate_without_draws(sample: Sample) -> Estimate:
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
    part_and_whole: Values = np.array([of_whole[name] for name in names]).sum(axis=(0, -1))
    return part_and_whole


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
        return _composite_interval(figure, of_whole["recall"], of_whole["tnr"], protocol)
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


def _composite_interval(figure: str, of_recall: Share, of_tnr: Share, protocol: Protocol) -> Interval:
    """The interval of a figure between its values at the ends of recall's and the true negative rate's intervals."""
    # Both intervals hold at once with 95 % where each of them holds with 97.5 %.
    recall, tnr = (
        clustered_interval(*share, confidence=(1 + CONFIDENCE) / 2) for share in (of_recall, of_tnr)
    )
    if recall is None or tnr is None:
        return None
    positives, negatives = of_recall[1].sum(), of_tnr[1].sum()
    # The yes ratio falls as the true negative rate rises, so it is lowest at the high end of that.
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
