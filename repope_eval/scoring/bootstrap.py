"""95 % intervals of the figures, by a bootstrap over images.

An image's questions stand or fall together, so images are drawn with replacement, not questions, and the
same drawn images serve every variant and label set at once. The intervals are percentiles of the figures
over the replicates (Efron and Tibshirani, "An Introduction to the Bootstrap", 1993, chapter 13).
"""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from repope_eval.records import Answer, LabelSet, Question, Variant
from repope_eval.scoring.confusion import OUTCOMES, figure_values, outcome
from repope_eval.scoring.protocols import Protocol

MEAN = "mean"
"""Stands beside the variants where there is more than one."""
REPLICATES = 10_000
SEED = 20_250_422
PERCENTILES = (2.5, 97.5)
INTERVAL_FIGURES = (
    "tp",
    "fp",
    "tn",
    "fn",
    "precision",
    "recall",
    "f1",
    "accuracy",
    "balanced_accuracy",
    "tnr",
    "yes_ratio",
)
"""Fields of `Figures` that intervals are given for."""

_WEIGHTS_AT_ONCE = 4_000_000
"""Replicates are drawn in parts of about so many weights, which bounds the memory."""

Interval = tuple[float, float] | None
"""Low and high; None where the figure is undefined, in the answers themselves or in a replicate of them."""
Intervals = Mapping[str, Interval]
"""By figure."""


def intervals(
    label_sets: Sequence[LabelSet], answers: Mapping[Question, Answer], protocol: Protocol
) -> dict[str, dict[Variant, dict[str, Interval]]]:
    """The intervals by label set, variant and figure; under `MEAN`, of the mean over several variants.

    With fewer than two images there is nothing to draw from, and every interval is None.
    """
    cells = [
        (label_set.name, variant, labels)
        for label_set in label_sets
        for variant, labels in label_set.variants.items()
    ]
    counts = _counts_by_image([labels for _, _, labels in cells], answers, protocol)
    values = _replicated(counts, protocol)
    found: dict[str, dict[Variant, dict[str, Interval]]] = {label_set.name: {} for label_set in label_sets}
    for place, (name, variant, _) in enumerate(cells):
        found[name][variant] = {figure: _interval(values[figure][:, place]) for figure in INTERVAL_FIGURES}
    for label_set in label_sets:
        places = [place for place, (name, _, _) in enumerate(cells) if name == label_set.name]
        if len(places) > 1:
            found[label_set.name][MEAN] = {
                figure: _interval(values[figure][:, places].mean(axis=1)) for figure in INTERVAL_FIGURES
            }
    return found


def _counts_by_image(
    labels_of_cells: Sequence[Mapping[Question, bool]], answers: Mapping[Question, Answer], protocol: Protocol
) -> NDArray[np.float64]:
    """How often each outcome occurs, [images, cells, outcomes]."""
    images = {
        image: place
        for place, image in enumerate(
            dict.fromkeys(question.image for labels in labels_of_cells for question in labels)
        )
    }
    places = {name: place for place, name in enumerate(OUTCOMES)}
    counts = np.zeros((len(images), len(labels_of_cells), len(OUTCOMES)))
    for cell, labels in enumerate(labels_of_cells):
        for question, label in labels.items():
            name = outcome(label, answers.get(question), protocol)
            counts[images[question.image], cell, places[name]] += 1
    return counts


def _replicated(counts: NDArray[np.float64], protocol: Protocol) -> dict[str, NDArray[np.float64]]:
    """Each figure in each replicate, [replicates, cells]."""
    n_images, n_cells, _ = counts.shape
    if n_images < 2:
        return {figure: np.full((1, n_cells), np.nan) for figure in INTERVAL_FIGURES}
    flat = counts.reshape(n_images, -1)
    totals = np.concatenate([weights @ flat for weights in _weights(n_images)])
    values = figure_values(totals.reshape(REPLICATES, n_cells, len(OUTCOMES)), protocol)
    return {figure: values[figure] for figure in INTERVAL_FIGURES}


def _weights(n_images: int) -> Iterator[NDArray[np.float64]]:
    """How often each image is drawn, [replicates, images], a part of the replicates at a time."""
    generator = np.random.default_rng(SEED)
    part = max(1, min(REPLICATES, _WEIGHTS_AT_ONCE // n_images))
    for start in range(0, REPLICATES, part):
        rows = min(part, REPLICATES - start)
        drawn = generator.integers(n_images, size=(rows, n_images)) + n_images * np.arange(rows)[:, None]
        yield np.bincount(drawn.ravel(), minlength=rows * n_images).reshape(rows, n_images).astype(np.float64)


def _interval(values: NDArray[np.float64]) -> Interval:
    if np.isnan(values).any():
        return None
    low, high = np.percentile(values, PERCENTILES)
    return float(low), float(high)
