"""Two models' captions: the difference of their figures on the images of both, and what other images contribute.

Published figures of CHAIR are of 500 images that each author drew anew. So the gap between two of them is taken apart:
what is left on the images that both describe, where the same images are drawn for both, and what the others add.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from repope_eval.captions.truth import CaptionTruth
from repope_eval.records import Answer
from repope_eval.scoring.caption_counts import (
    SHARES,
    CaptionFigures,
    CountTable,
    differences_of,
    drawn_tables,
    figures_of,
)
from repope_eval.scoring.chair import Truth, caption_counts, truths_of
from repope_eval.scoring.estimates import Estimate, minus

FEW_DIFFERENT = "the captions differ in what it counts in fewer than {} images"
"""Why a difference of two models has no interval."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CaptionGap:
    """One figure of two models under one truth."""

    gap: float | None
    """The figure of the first on all of its images, less that of the second on all of its own."""
    difference: Estimate
    """The same on the images that both describe, with its interval over these."""
    images: float | None
    """What is left: how much of the gap comes of images that only one of the two describes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparedCaptions:
    """Two models' captions under one truth."""

    own: tuple[CaptionFigures, CaptionFigures]
    """The figures of either on all of its images."""
    shared: tuple[CaptionFigures, CaptionFigures]
    """The figures of either on the images that both describe."""
    gaps: Mapping[str, CaptionGap]
    """By the figures that are shares."""


def compare_captions(
    first: Sequence[Answer], second: Sequence[Answer], truth: CaptionTruth
) -> dict[Truth, ComparedCaptions]:
    """Compares two models' captions under each truth that there is.

    Args:
        first: one caption an image.
        second: of the other model.
        truth: has the objects of all images of both.
    """
    captions = [{answer.question.image: answer.response for answer in each} for each in (first, second)]
    counts = [caption_counts(each, truth) for each in captions]
    own = [drawn_tables(each) for each in counts]
    both = [image for image in captions[0] if image in captions[1]]
    places = [{image: place for place, image in enumerate(each)} for each in captions]
    shared = drawn_tables(
        {
            (side, name): of_truth[[places[side][image] for image in both]]
            for side in (0, 1)
            for name, of_truth in counts[side].items()
        }
    )
    return {
        name: _compared((own[0][name], own[1][name]), (shared[0, name], shared[1, name]))
        for name in truths_of(truth)
    }


def _compared(own: tuple[CountTable, CountTable], shared: tuple[CountTable, CountTable]) -> ComparedCaptions:
    own_a, own_b = map(figures_of, own)
    shared_a, shared_b = map(figures_of, shared)
    differences = differences_of(shared[1], shared[0], FEW_DIFFERENT)
    gaps = {}
    for figure in SHARES:
        gap = minus(own_a.estimates[figure].value, own_b.estimates[figure].value)
        gaps[figure] = CaptionGap(
            gap=gap, difference=differences[figure], images=minus(gap, differences[figure].value)
        )
    return ComparedCaptions(own=(own_a, own_b), shared=(shared_a, shared_b), gaps=gaps)
