"""Replicates of the figures, by a bootstrap over images, and the 95 % intervals that they or rare events give.

An image's questions stand or fall together, so images are drawn with replacement, not questions, and the
same drawn images serve every variant and label set at once. The intervals are percentiles of the figures
over the replicates (Efron and Tibshirani, "An Introduction to the Bootstrap", 1993, chapter 13).

Images are drawn from those that have an answer: a model that was asked about a part of the benchmark is judged by
that part. Where each image has questions of one label only, as DASH-B's have, the images of either label are drawn
separately: how many there are of each was chosen, and is not left to chance.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from math import hypot
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from repope_eval.records import Answer, LabelSet, Question, Variant
from repope_eval.scoring.confusion import OUTCOME_OF, OUTCOMES, Confusion, Values, figure_values
from repope_eval.scoring.estimates import CONFIDENCE, Interval
from repope_eval.scoring.protocols import Protocol, remembering


def gamma_interval(
    total: float, variance: float, further: float, confidence: float = CONFIDENCE
) -> tuple[float, float]:
    """The interval of what is expected of a sum of weighted counts of rare events.

    Source: M. P. Fay and E. J. Feuer, "Confidence Intervals for Directly Standardized Rates: A Method Based on the
    Gamma Distribution", Statistics in Medicine 16 (1997), 791-801. Events that have not been met yet show in no
    variance, so the upper end is that of the sum with one further event. They give it the largest weight that there is.

    Args:
        total: the sum.
        variance: its estimated variance, which is the sum of squared weights where events are independent.
        further: the weight of the further event.
        confidence: the interval's.
    """
    tail = (1 - confidence) / 2
    return (
        _gamma_quantile(total, variance, tail),
        max(total, _gamma_quantile(total + further, variance + further**2, 1 - tail)),
    )


class RareEvents(NamedTuple):
    """A sum of weighted counts of rare events."""

    total: float
    variance: float
    further: float
    """The weight of a further event; all three as in `gamma_interval`."""


def distances_of_difference(
    raising: RareEvents, lowering: RareEvents, confidence: float = CONFIDENCE
) -> tuple[float, float]:
    """The distances from the difference of two independent sums down and up to the ends of its interval.

    Each sum has its gamma interval, and they are put together by the distances to their ends. Source: G. Y. Zou and A.
    Donner, "Construction of Confidence Limits about Effect Measures: A General Approach", Statistics in Medicine 27
    (2008), 1693-1702.

    Args:
        raising: the events that raise the difference.
        lowering: those that lower it, by positive weights.
        confidence: the interval's.
    """
    up, down = raising.total, lowering.total
    up_low, up_high = gamma_interval(*raising, confidence)
    down_low, down_high = gamma_interval(*lowering, confidence)
    return hypot(up - up_low, down_high - down), hypot(up_high - up, down - down_low)


def _gamma_quantile(mean: float, variance: float, probability: float) -> float:
    """The quantile of the gamma distribution of a mean and a variance; 0 where both are 0."""
    from scipy.special import gammaincinv  # its import takes longer than most scores, and few need it

    return float(variance / mean * gammaincinv(mean**2 / variance, probability)) if variance > 0 else 0.0


MEAN = "mean"
"""The name of the mean over variants, which stands beside them where there are several."""
DISTINCT = "distinct"
"""The name of a variant that has the questions of all variants, each counted once. No mean stands beside it."""
REPLICATES = 10_000
SEED = 20_250_422
PERCENTILES = (2.5, 97.5)
FEWEST_IMAGES = 100
"""With fewer images a percentile interval covers the truth too seldom, and a test made of it errs too often."""
_OUTCOMES_OF_YES, _OUTCOMES_OF_NO = (
    [OUTCOMES.index(OUTCOME_OF[label, reading]) for reading in (True, False, None)] for label in (True, False)
)

_WEIGHTS_AT_ONCE = 4_000_000
"""Replicates are drawn in parts of about this many weights, which bounds the memory."""
_MOST_WEIGHTS_KEPT = 8_000_000
"""Up to so many weights are kept for the next call: POPE's 500 images have 5,000,000, of two bytes each."""

_PRODUCTS_AT_ONCE = 250_000
"""A BLAS library does up to about this many multiplications in one thread."""
_FEWEST_IMAGES_AT_ONCE = 32

Strata = tuple[NDArray[np.int64], ...]
"""Groups of images, by their indexes; each image is in one, and each group is drawn from separately."""
_Groups = tuple[tuple[int, ...], ...] | None
"""Strata as a key of the cache; None for a single stratum."""
Cells = tuple[int, ...]
"""The indexes of the cells that a figure is of: a single one, or all of those that a mean is over.

A cell is one draw of one variant of one label set; cells go through the label sets one after the other, through the
variants of each, and through the draws of these."""


def confusions_of(
    label_sets: Sequence[LabelSet], totals: Values, draw: int = 0, n_draws: int = 1
) -> dict[str, dict[Variant, Confusion]]:
    """The counts of one draw's cells over all images, given as [cells, outcomes], by label set and variant."""
    rows = iter(totals[draw::n_draws].astype(np.int64).tolist())
    return {
        label_set.name: {
            variant: Confusion(**dict(zip(OUTCOMES, next(rows), strict=True)))
            for variant in label_set.variants
        }
        for label_set in label_sets
    }


def variant_cells(label_sets: Sequence[LabelSet], n_draws: int = 1) -> list[tuple[str, Variant, Cells]]:
    """The cells of each label set and variant, and under `MEAN` those of all of a label set's variants.

    Where answers were drawn several times, a variant has a cell for each draw, and its figures are means over them.
    """
    named_cells: list[tuple[str, Variant, Cells]] = []
    start = 0
    for label_set in label_sets:
        end = start + len(label_set.variants) * n_draws
        named_cells += [
            (label_set.name, variant, tuple(range(first, first + n_draws)))
            for variant, first in zip(label_set.variants, range(start, end, n_draws), strict=True)
        ]
        if has_mean(label_set.variants):
            named_cells.append((label_set.name, MEAN, tuple(range(start, end))))
        start = end
    return named_cells


def has_mean(variants: Collection[Variant]) -> bool:
    """Whether a mean over these variants stands beside them."""
    return len(variants) > 1 and DISTINCT not in variants


def labelled_images(label_sets: Sequence[LabelSet]) -> list[str]:
    """The images of all labelled questions, in the order of the labels."""
    every = (labels for label_set in label_sets for labels in label_set.variants.values())
    return list(dict.fromkeys(question.image for labels in every for question in labels))


def counts_by_image(
    label_sets: Sequence[LabelSet],
    images: Iterable[str],
    answers: Mapping[Question, Answer],
    protocol: Protocol,
    n_draws: int = 1,
) -> Values:
    """How often each outcome occurs, [images, cells, outcomes]; questions about other images are left out."""
    read = remembering(protocol).read
    starts = {image: index * len(OUTCOMES) for index, image in enumerate(images)}
    outcomes = {key: OUTCOMES.index(name) for key, name in OUTCOME_OF.items()}
    unanswered = OUTCOMES.index("unanswered")
    cells = [
        (labels, draw)
        for label_set in label_sets
        for labels in label_set.variants.values()
        for draw in range(n_draws)
    ]
    counts = np.zeros((len(starts), len(cells), len(OUTCOMES)))
    for cell, (labels, draw) in enumerate(cells):
        flat = []
        for question, label in labels.items():
            start = starts.get(question.image)
            if start is not None:
                answer = answers.get(question if draw == 0 else replace(question, draw=draw))
                flat.append(
                    start + (unanswered if answer is None else outcomes[label, read(answer.response)])
                )
        n_each = np.bincount(np.array(flat, dtype=np.int64), minlength=len(starts) * len(OUTCOMES))
        counts[:, cell] = n_each.reshape(-1, len(OUTCOMES))
    return counts


def answered_counts(counts: Values) -> Values:
    """The counts, [images, cells, outcomes], of the images that have an answer: those that are drawn from."""
    has_answer = counts[:, :, : OUTCOMES.index("unanswered")].any(axis=(1, 2))
    answered: Values = counts[has_answer]
    return answered


def replicated(counts: Values, protocol: Protocol, names: Sequence[str]) -> dict[str, Values]:
    """The figures in each replicate, [replicates, ...], NaN where undefined; a single NaN with fewer than two images.

    Args:
        counts: [images, ..., outcomes], of the images that are drawn from.
        protocol: the protocol, which says what becomes of unparsed answers.
        names: fields of `Figures`.
    """
    n_images, *between, _ = counts.shape
    if n_images < 2:
        return {name: np.full((1, *between), np.nan) for name in names}
    parts = []
    for totals in replicated_totals(counts):
        values = figure_values(totals, protocol)
        parts.append([values[name] for name in names])
    return {name: np.concatenate([part[index] for part in parts]) for index, name in enumerate(names)}


def replicated_totals(counts: Values) -> Iterator[Values]:
    """The counts of the drawn images in sum, [replicates, ..., outcomes], a part of the replicates at a time.

    The counts are as in `replicated`. All that is counted at once is of the same drawn images.
    """
    n_images, *between, n_outcomes = counts.shape
    flat = counts.reshape(n_images, -1)
    of_label = counts.reshape(n_images, -1, n_outcomes).sum(axis=1)
    strata = strata_by_label(
        of_label[:, _OUTCOMES_OF_YES].any(axis=1), of_label[:, _OUTCOMES_OF_NO].any(axis=1)
    )
    for weights in drawn_weights(n_images, REPLICATES, strata):
        yield drawn_totals(weights, flat).reshape(len(weights), *between, n_outcomes)


def strata_by_label(has_yes: NDArray[np.bool_], has_no: NDArray[np.bool_]) -> Strata:
    """The images of either label where none has questions of both, else all images together.

    Both arguments are [images]: whether an image has a question with that label.
    """
    if (has_yes & has_no).any():
        return (np.arange(len(has_yes)),)
    return tuple(images for images in (np.flatnonzero(has_yes), np.flatnonzero(~has_yes)) if len(images))


def drawn_weights(n_images: int, n_replicates: int, strata: Strata | None = None) -> Iterator[Values]:
    """How often each image is drawn, [replicates, images], a part of the replicates at a time.

    Each call with the same number of images draws the same ones, and fewer replicates are the first of more. As many
    images are drawn of each stratum as it has; without strata, all images are one stratum.
    """
    groups = None
    if strata is not None and len(strata) > 1:
        groups = tuple(tuple(images.tolist()) for images in strata)
    if n_images * n_replicates > _MOST_WEIGHTS_KEPT:
        yield from _draw_weights(n_images, n_replicates, groups)
        return
    for part in _kept_weights(n_images, n_replicates, groups):
        yield part.astype(np.float64)


@lru_cache(maxsize=4)
def _kept_weights(
    n_images: int, n_replicates: int, groups: _Groups
) -> tuple[NDArray[np.unsignedinteger], ...]:
    """The parts of `_draw_weights`: the figures of all labels, models and objects of a report are of the same draws."""
    smallest = np.min_scalar_type(n_images)
    return tuple(part.astype(smallest) for part in _draw_weights(n_images, n_replicates, groups))


def _draw_weights(n_images: int, n_replicates: int, groups: _Groups) -> Iterator[Values]:
    """The weights, drawn; without groups, all images are one stratum."""
    generator = np.random.default_rng(SEED)
    # All images at once are a slice, which is quicker than their indexes.
    of_each = (slice(None),) if groups is None else tuple(map(np.array, groups))
    part = max(1, min(n_replicates, _WEIGHTS_AT_ONCE // n_images))
    for start in range(0, n_replicates, part):
        weights = np.empty((min(part, n_replicates - start), n_images))
        # One at a time fits a processor's cache, where all at once would wait for the memory.
        for row in weights:
            for images in of_each:
                n_there = len(row[images])
                row[images] = np.bincount(generator.integers(n_there, size=n_there), minlength=n_there)
        yield weights


def drawn_totals(weights: Values, values: Values) -> Values:
    """`weights @ values`, [replicates, columns] of [replicates, images] and [images, columns], some images at a time.

    A BLAS library has several threads share a large product, and wait for one another after every few hundred
    images: where other programs have the processors, that takes ten to a hundred times as long.
    """
    step = max(_FEWEST_IMAGES_AT_ONCE, _PRODUCTS_AT_ONCE // (len(weights) * values.shape[1]))
    totals = np.zeros((len(weights), values.shape[1]))
    for start in range(0, len(values), step):
        totals += weights[:, start : start + step] @ values[start : start + step]
    return totals


def mean_over(values: Values, cells: Cells) -> Values:
    """The mean over some cells, which are the last axis: [...] of [..., cells]."""
    mean: Values = values[..., list(cells)].mean(axis=-1)
    return mean


def interval_of(values: Values) -> Interval:
    """The 95 % interval of one figure's replicates; None where the figure is undefined in one of them."""
    if np.isnan(values).any():
        return None
    low, high = np.percentile(values, PERCENTILES)
    return float(low), float(high)
