"""From counts of captions to CHAIR's figures with their intervals, and to differences on the same images."""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np

from repope_eval.scoring.bootstrap import FEWEST_IMAGES, REPLICATES, drawn_totals, drawn_weights
from repope_eval.scoring.confusion import Values
from repope_eval.scoring.estimates import Estimate, minus
from repope_eval.scoring.intervals import (
    FEWEST_EVENTS,
    FEWEST_MOVED,
    clustered_interval,
    number_of_events,
    percentiles,
)

FIGURES: Mapping[str, tuple[str, str]] = {
    "chair_i": ("hallucinated", "mentions"),
    "chair_s": ("captions_with", "captions"),
    "recall": ("recalled", "truths"),
    "mentions_per_caption": ("mentions", "captions"),
    "words_per_caption": ("words", "captions"),
}
"""The figures, and the two counts that each is the quotient of."""

FIGURE_TITLES: Mapping[str, str] = {
    "chair_i": "CHAIRi",
    "chair_s": "CHAIRs",
    "recall": "recall",
    "mentions_per_caption": "mentions a caption",
    "words_per_caption": "words a caption",
}

SHARES = ("chair_i", "chair_s", "recall")
"""The figures that are shares of 1; the others are means."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CaptionCounts:
    """What is counted in some captions, one or all; each is a sum over captions."""

    captions: int = 1
    captions_with: int = 0
    """Captions with one or more hallucinated mentions."""
    mentions: int = 0
    hallucinated: int = 0
    """Mentions whose object is not there."""
    truths: int = 0
    """Objects that are there."""
    recalled: int = 0
    """Objects that are there and mentioned."""
    words: int = 0


COUNTS = tuple(CaptionCounts.__dataclass_fields__)


@dataclass(frozen=True, slots=True, kw_only=True)
class CaptionFigures:
    """Counts and figures of captions under one truth."""

    counts: CaptionCounts
    estimates: Mapping[str, Estimate]
    """By name of `FIGURES`."""


@dataclass(frozen=True, slots=True)
class CountTable:
    """The counts of each image's caption, and what they come to where images are drawn anew."""

    counts: Values
    """[images, counts], in the order of `COUNTS`."""
    drawn: Values | None
    """The counts of the drawn images in sum, [replicates, counts]; None where there are too few images to draw."""


Name = TypeVar("Name", bound=Hashable)


def drawn_tables(counts: Mapping[Name, Values], n_replicates: int = REPLICATES) -> dict[Name, CountTable]:
    """Tables of counts, [images, counts], of the same images in the same order, which are drawn for all at once."""
    n_images = len(next(iter(counts.values())))
    if n_images < FEWEST_IMAGES:
        return {name: CountTable(each, None) for name, each in counts.items()}
    drawn: dict[Name, list[Values]] = {name: [] for name in counts}
    for weights in drawn_weights(n_images, n_replicates):
        for name, each in counts.items():
            drawn[name].append(drawn_totals(weights, each))
    return {name: CountTable(each, np.concatenate(drawn[name])) for name, each in counts.items()}


def figures_of(table: CountTable) -> CaptionFigures:
    """The figures of a table."""
    totals = dict(zip(COUNTS, table.counts.sum(axis=0).astype(int).tolist(), strict=True))
    return CaptionFigures(
        counts=CaptionCounts(**totals),
        estimates={name: _estimate(table, name) for name in FIGURES},
    )


def _part_and_whole(counts: Values, name: str) -> tuple[Values, Values]:
    """The two counts that a figure is the quotient of, each [images] or [replicates]."""
    part, whole = (COUNTS.index(count) for count in FIGURES[name])
    return counts[:, part], counts[:, whole]


def _estimate(table: CountTable, name: str) -> Estimate:
    """One figure with its interval: the percentiles of replicates, or where these hold too seldom a gamma one."""
    counts, drawn = table.counts, table.drawn
    part, whole = _part_and_whole(counts, name)
    if not whole.sum():
        return Estimate(reason=_UNDEFINED[FIGURES[name][1]])
    if name == "chair_s" and not counts[:, COUNTS.index("mentions")].any():
        return Estimate(reason=_UNDEFINED["mentions"])  # it would look faultless, and nothing was measured
    value = float(part.sum() / whole.sum())
    is_large = drawn is not None and (name not in SHARES or number_of_events(part, whole) >= FEWEST_EVENTS)
    if is_large and drawn is not None:
        return replace(percentiles(_quotients(drawn, name)), value=value)
    if name not in SHARES:
        return Estimate(value=value, reason=f"fewer than {FEWEST_IMAGES} captions")
    interval = clustered_interval(part, whole)
    if interval is None:
        return Estimate(value=value, reason="fewer than two captions count in it")
    return Estimate(value=value, interval=interval, method="gamma")


_UNDEFINED = {
    "mentions": "no caption mentions an object",
    "captions": "there is no caption",
    "truths": "no object is there",
}


def _quotients(drawn: Values, name: str) -> Values:
    part, whole = _part_and_whole(drawn, name)
    with np.errstate(invalid="ignore"):
        quotients: Values = part / whole
    return quotients


def differences_of(before: CountTable, after: CountTable, few: str) -> dict[str, Estimate]:
    """The figures of the second table less those of the first, both of the same drawn images.

    Args:
        before: the first table.
        after: the second one.
        few: why there is no interval where the counts differ in few images, with `{}` for their least number.
    """
    changes = {}
    for name in SHARES:
        value = minus(quotient(after.counts, name), quotient(before.counts, name))
        first, second = (np.array(_part_and_whole(table.counts, name)) for table in (before, after))
        moved = (first != second).any(axis=0)
        if before.drawn is None or after.drawn is None:
            estimate = Estimate(reason=f"fewer than {FEWEST_IMAGES} captions")
        elif moved.sum() < FEWEST_MOVED:
            estimate = Estimate(reason=few.format(FEWEST_MOVED))
        else:
            estimate = percentiles(_quotients(after.drawn, name) - _quotients(before.drawn, name))
        changes[name] = replace(estimate, value=value)
    return changes


def quotient(counts: Values, name: str) -> float | None:
    """A figure of counts, [images, counts]; None where it is undefined."""
    part, whole = (float(each.sum()) for each in _part_and_whole(counts, name))
    return part / whole if whole else None
