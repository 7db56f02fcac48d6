"""Two models' captions: the difference of their figures on the images of both, and what other images contribute.

Published figures of CHAIR are of 500 images that each author drew anew. So the gap between two of them is taken apart:
what is left on the images that both describe, where the same images are drawn for both, and what the others add.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from repope_eval.captions.truth import CaptionTruth
from repope_eval.records import Answer
from repope_eval.scoring.caption_counts import SHARES, CaptionFigures, differences_of, figures_of
from repope_eval.scoring.chair import Truth, caption_counts
from repope_eval.scoring.estimates import Estimate, minus

_FEW_DIFFERENT = "the captions differ in what it counts in fewer than {} images"


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
    both = [image for image in captions[0] if image in captions[1]]
    truths: tuple[Truth, ...] = ("coco", "corrected") if truth.verdicts else ("coco",)
    return {name: _compared(captions, both, truth, name) for name in truths}


def _compared(
    captions: Sequence[Mapping[str, str]], both: Sequence[str], truth: CaptionTruth, name: Truth
) -> ComparedCaptions:
    own_a, own_b = (figures_of(caption_counts(each, truth, name)) for each in captions)
    counts_a, counts_b = (
        caption_counts({image: each[image] for image in both}, truth, name) for each in captions
    )
    differences = differences_of(counts_b, counts_a, _FEW_DIFFERENT)
    gaps = {}
    for figure in SHARES:
        gap = minus(own_a.estimates[figure].value, own_b.estimates[figure].value)
        gaps[figure] = CaptionGap(
            gap=gap, difference=differences[figure], images=minus(gap, differences[figure].value)
        )
    return ComparedCaptions(
        own=(own_a, own_b), shared=(figures_of(counts_a), figures_of(counts_b)), gaps=gaps
    )
