"""Replicates of the figures, by a bootstrap over images, and the 95 % intervals that are their percentiles.

An image's questions stand or fall together, so images are drawn with replacement, not questions, and the
same drawn images serve every variant and label set at once. The intervals are percentiles of the figures
over the replicates (Efron and Tibshirani, "An Introduction to the Bootstrap", 1993, chapter 13).

Images are drawn from those about which there is an answer: a model that was asked about a part of the
benchmark is judged by that part. Where every image is asked about with one label only, as DASH-B's are, images of
either label are drawn apart: how many there are of each was chosen and is no chance.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from repope_eval.records import Answer, LabelSet, Question, Variant
from repope_eval.scoring.confusion import OUTCOME_OF, OUTCOMES, Confusion, figure_values
from repope_eval.scoring.protocols import Protocol, remembering

MEAN = "mean"
"""Stands beside the variants where there is more than one."""
REPLICATES = 10_000
SEED = 20_250_422
PERCENTILES = (2.5, 97.5)
FEWEST_IMAGES = 100
"""With fewer images a percentile interval covers too seldom, and a test made of it errs too often."""
_OF_LABEL_YES, _OF_LABEL_NO = (
    [OUTCOMES.index(OUTCOME_OF[label, reading]) for reading in (True, False, None)] for label in (True, False)
)

_WEIGHTS_AT_ONCE = 4_000_000
"""Replicates are drawn in parts of about so many weights, which bounds the memory."""

_PRODUCTS_AT_ONCE = 250_000
"""Up to about so many, a BLAS library multiplies in one thread."""
_FEWEST_IMAGES_AT_ONCE = 32

Interval = tuple[float, float] | None
"""Low and high; None where the figure is undefined, in the answers themselves or in a replicate of them."""
Intervals = Mapping[str, Interval]
"""By figure."""
Strata = tuple[NDArray[np.int64], ...]
"""The places of images that are drawn from one another's midst; each image stands in one."""
Places = tuple[int, ...]
"""Where one thing stands among the cells: a single cell, or all of those that a mean is over."""


def confusions_of(
    label_sets: Sequence[LabelSet], totals: NDArray[np.float64]
) -> dict[str, dict[Variant, Confusion]]:
    """The counts over all images, [cells, outcomes], by label set and variant."""
    rows = iter(totals.astype(np.int64).tolist())
    return {
        label_set.name: {
            variant: Confusion(**dict(zip(OUTCOMES, next(rows), strict=True)))
            for variant in label_set.variants
        }
        for label_set in label_sets
    }


def variant_places(label_sets: Sequence[LabelSet]) -> list[tuple[str, Variant, Places]]:
    """Label set, variant and its places among the cells: each variant's own, then under `MEAN` all of them.

    A cell is one label set's variant; cells go through the label sets one after the other.
    """
    found: list[tuple[str, Variant, Places]] = []
    start = 0
    for label_set in label_sets:
        variants = list(label_set.variants)
        places = tuple(range(start, start + len(variants)))
        found += [
            (label_set.name, variant, (place,)) for variant, place in zip(variants, places, strict=True)
        ]
        if len(variants) > 1:
            found.append((label_set.name, MEAN, places))
        start += len(variants)
    return found


def labelled_images(label_sets: Sequence[LabelSet]) -> list[str]:
    """Images of all labelled questions, in the order of the labels."""
    return list(
        dict.fromkeys(
            question.image
            for label_set in label_sets
            for labels in label_set.variants.values()
            for question in labels
        )
    )


def answered_images(label_sets: Sequence[LabelSet], answered: Collection[Question]) -> list[str]:
    """Those with an answer to at least one labelled question, in the same order."""
    found = {
        question.image
        for label_set in label_sets
        for labels in label_set.variants.values()
        for question in labels
        if question in answered
    }
    return [image for image in labelled_images(label_sets) if image in found]


def counts_by_image(
    label_sets: Sequence[LabelSet],
    images: Iterable[str],
    answers: Mapping[Question, Answer],
    protocol: Protocol,
) -> NDArray[np.float64]:
    """How often each outcome occurs, [images, cells, outcomes]; questions about other images are left out."""
    read = remembering(protocol).read
    image_places = {image: place * len(OUTCOMES) for place, image in enumerate(images)}
    outcome_places = {key: OUTCOMES.index(name) for key, name in OUTCOME_OF.items()}
    unanswered = OUTCOMES.index("unanswered")
    cells = [labels for label_set in label_sets for labels in label_set.variants.values()]
    counts = np.zeros((len(image_places), len(cells), len(OUTCOMES)))
    for cell, labels in enumerate(cells):
        places = [
            image_place
            + (
                unanswered
                if (answer := answers.get(question)) is None
                else outcome_places[label, read(answer.response)]
            )
            for question, label in labels.items()
            if (image_place := image_places.get(question.image)) is not None
        ]
        n_each = np.bincount(np.array(places, dtype=np.int64), minlength=len(image_places) * len(OUTCOMES))
        counts[:, cell] = n_each.reshape(-1, len(OUTCOMES))
    return counts


def of_answered_images(counts: NDArray[np.float64]) -> NDArray[np.float64]:
    """The images about which there is an answer, of [images, cells, outcomes]: those that are drawn from."""
    answered: NDArray[np.float64] = counts[
        counts[:, :, :-1].any(axis=(1, 2))
    ]  # the last outcome is no answer
    return answered


def replicated(
    counts: NDArray[np.float64], protocol: Protocol, names: Sequence[str]
) -> dict[str, NDArray[np.float64]]:
    """Figures in each replicate, [replicates, ...], NaN where undefined; one replicate of NaN where none is drawn.

    Args:
        counts: [images, ..., outcomes], of the images that are drawn from.
        protocol: says what becomes of unparsed answers.
        names: fields of `Figures`.
    """
    n_images, *between, n_outcomes = counts.shape
    if n_images < 2:
        return {name: np.full((1, *between), np.nan) for name in names}
    flat = counts.reshape(n_images, -1)
    of_label = counts.reshape(n_images, -1, n_outcomes).sum(axis=1)
    strata = strata_by_label(of_label[:, _OF_LABEL_YES].any(axis=1), of_label[:, _OF_LABEL_NO].any(axis=1))
    parts = []
    for weights in drawn_weights(n_images, REPLICATES, strata):
        totals = drawn_totals(weights, flat).reshape(len(weights), *between, n_outcomes)
        values = figure_values(totals, protocol)
        parts.append([values[name] for name in names])
    return {name: np.concatenate([part[place] for part in parts]) for place, name in enumerate(names)}


def strata_by_label(has_yes: NDArray[np.bool_], has_no: NDArray[np.bool_]) -> Strata:
    """The images of either label, where none has questions of both; else all images together. Both are [images]."""
    if (has_yes & has_no).any():
        return (np.arange(len(has_yes)),)
    return tuple(places for places in (np.flatnonzero(has_yes), np.flatnonzero(~has_yes)) if len(places))


def drawn_weights(
    n_images: int, n_replicates: int, strata: Strata | None = None
) -> Iterator[NDArray[np.float64]]:
    """How often each image is drawn, [replicates, images], a part of the replicates at a time.

    The same number of images is drawn from in the same way each time, and fewer replicates are the first
    of more. Of each stratum as many images are drawn as it has; without strata, all images are one.
    """
    generator = np.random.default_rng(SEED)
    # All images at once are a slice, which is quicker than their places.
    of_each: Strata | tuple[slice] = (slice(None),) if strata is None or len(strata) == 1 else strata
    part = max(1, min(n_replicates, _WEIGHTS_AT_ONCE // n_images))
    for start in range(0, n_replicates, part):
        weights = np.empty((min(part, n_replicates - start), n_images))
        # One at a time fits a processor's cache, where all at once would wait for the memory.
        for row in weights:
            for places in of_each:
                n_there = len(row[places])
                row[places] = np.bincount(generator.integers(n_there, size=n_there), minlength=n_there)
        yield weights


def drawn_totals(weights: NDArray[np.float64], values: NDArray[np.float64]) -> NDArray[np.float64]:
    """`weights @ values`, [replicates, columns] of [replicates, images] and [images, columns], some images at a time.

    A BLAS library has several threads share a large product, and wait for one another after every few hundred
    images: where other programs have the processors, that takes ten to a hundred times as long.
    """
    step = max(_FEWEST_IMAGES_AT_ONCE, _PRODUCTS_AT_ONCE // (len(weights) * values.shape[1]))
    totals = np.zeros((len(weights), values.shape[1]))
    for start in range(0, len(values), step):
        totals += weights[:, start : start + step] @ values[start : start + step]
    return totals


def mean_over(values: NDArray[np.float64], places: Places) -> NDArray[np.float64]:
    """The mean over some cells, which are the last axis: [...] of [..., cells]."""
    mean: NDArray[np.float64] = values[..., list(places)].mean(axis=-1)
    return mean


def interval_of(values: NDArray[np.float64]) -> Interval:
    """The 95 % interval of one figure's replicates; None where it is undefined in one of them."""
    if np.isnan(values).any():
        return None
    low, high = np.percentile(values, PERCENTILES)
    return float(low), float(high)
