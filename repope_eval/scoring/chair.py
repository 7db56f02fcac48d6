"""How much of what a caption mentions is not there: CHAIR, under the annotated truth and under the corrected one.

CHAIRi is the share of mentions that are not in the truth, CHAIRs the share of captions with one or more of these
(A. Rohrbach et al., "Object Hallucination in Image Captioning", EMNLP 2018), recall the share of the objects of the
truth that the caption of their image mentions. A longer caption mentions more, and hallucinates more, so the lengths
are figures beside them.

A relabelling has looked at some pairs of image and object. Where it said yes or no, that counts; a pair that it found
ambiguous counts nowhere, as in its benchmark; any other is as it is annotated. As that is known of a part of the
mentions alone, `CaptionBounds` has what the figures are if all that is ambiguous or was not looked at is there, and if
none is.

Intervals are over images, as those of F1 are.
"""

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice
from operator import attrgetter
from typing import Literal

import numpy as np

from repope_eval.captions.mentions import Mention
from repope_eval.captions.truth import CaptionTruth
from repope_eval.records import Answer, Label
from repope_eval.scoring.caption_counts import (
    COUNTS,
    CaptionCounts,
    CaptionFigures,
    differences_of,
    drawn_tables,
    figures_of,
)
from repope_eval.scoring.confusion import Values
from repope_eval.scoring.estimates import Estimate
from repope_eval.scoring.intervals import (
    clustered_interval,
)

FIRST_WORDS = (16, 32, 64, 128)
"""The lengths in words that captions are cut to, so that short ones and long ones can be compared."""

Truth = Literal["coco", "corrected"]
"""Under which truth figures are: as annotated, by COCO or as the benchmark has it, or so where nobody looked and the
verdict where somebody did."""


class Found(StrEnum):
    """What is known of a mention when somebody has looked, or not."""

    HALLUCINATED = "confirmed hallucination"
    TRUE = "confirmed true"
    AMBIGUOUS = "ambiguous"
    NOT_JUDGED = "not judged"


@dataclass(frozen=True, slots=True)
class JudgedMention:
    """A mention of a caption, with what is known of it."""

    mention: Mention
    is_there: bool
    """Whether the object is annotated in the image."""
    found: Found

    @property
    def is_there_corrected(self) -> bool | None:
        """The same under the corrected truth; None where the pair is ambiguous, and the mention does not count."""
        if self.found is Found.NOT_JUDGED:
            return self.is_there
        return None if self.found is Found.AMBIGUOUS else self.found is Found.TRUE


@dataclass(frozen=True, slots=True, kw_only=True)
class CaptionBounds:
    """A figure over every resolution of what is ambiguous or was not looked at."""

    lowest: Estimate
    """If all of it is there."""
    highest: Estimate
    """If none of it is there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectFigures:
    """How often an object is mentioned, and how often without being there."""

    object: str
    mentions: Mapping[Truth, int]
    hallucinated: Mapping[Truth, int]
    rates: Mapping[Truth, Estimate]
    """The share of the mentions that are hallucinated."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VariantCaptions:
    """All that the captions of one variant, which is one prompt, come to."""

    figures: Mapping[Truth, CaptionFigures]
    """Those under the corrected truth only where there are verdicts."""
    changes: Mapping[str, Estimate]
    """The changes of the figures from the annotated truth to the corrected one; empty without verdicts."""
    bounds: Mapping[str, CaptionBounds]
    """Of `chair_i` and `chair_s`; empty without verdicts."""
    found: Mapping[bool, Mapping[Found, int]]
    """Mentions by what is known of them, separately for those that are annotated (True) and not."""
    cut: Mapping[int, Mapping[Truth, CaptionFigures]]
    """Figures of the first so many words of each caption."""
    n_longer: Mapping[int, int]
    """How many captions have more words than that."""
    n_silent: int
    """How many captions mention no object."""
    objects: Sequence[ObjectFigures]
    """By object, those with the most hallucinated mentions under the annotated truth first."""


_FOUND: Mapping[Label | None, Found] = {
    "yes": Found.TRUE,
    "no": Found.HALLUCINATED,
    "ambiguous": Found.AMBIGUOUS,
    None: Found.NOT_JUDGED,
}


_FEW_CORRECTED = "relabelling changes its counts in fewer than {} images"


def judged_mentions(image: str, caption: str, truth: CaptionTruth) -> tuple[JudgedMention, ...]:
    """The mentions of an image's caption with what is known of each."""
    objects, verdicts = truth.objects[image], truth.verdicts.get(image, {})
    return tuple(
        JudgedMention(each, each.object in objects, _FOUND[verdicts.get(each.object)])
        for each in truth.vocabulary.mentions(caption)
    )


def score_captions(answers: Sequence[Answer], truth: CaptionTruth) -> VariantCaptions:
    """What the captions of one variant come to.

    Args:
        answers: one for each image that was described; the response is the caption.
        truth: has the objects of each of these images.
    """
    captions = {answer.question.image: answer.response for answer in answers}
    judged = {image: judged_mentions(image, caption, truth) for image, caption in captions.items()}
    truths = truths_of(truth)
    resolutions = tuple(_RESOLUTIONS) if truth.verdicts else truths
    counts: dict[tuple[int | None, str], Values] = {
        (None, name): _counts_by_image(captions, judged, truth, name) for name in resolutions
    }
    for n_words in FIRST_WORDS:
        cut, judged_cut = _cut(captions, judged, truth, n_words)
        counts |= {(n_words, name): _counts_by_image(cut, judged_cut, truth, name) for name in truths}
    tables = drawn_tables(counts)
    whole = {name: tables[None, name] for name in resolutions}
    lengths = [len(caption.split()) for caption in captions.values()]
    return VariantCaptions(
        figures={name: figures_of(whole[name]) for name in truths},
        changes=differences_of(whole["coco"], whole["corrected"], _FEW_CORRECTED) if truth.verdicts else {},
        bounds=_bounds(figures_of(whole["lowest"]), figures_of(whole["highest"])) if truth.verdicts else {},
        found=_found(judged),
        cut={n: {name: figures_of(tables[n, name]) for name in truths} for n in FIRST_WORDS},
        n_longer={n: sum(length > n for length in lengths) for n in FIRST_WORDS},
        n_silent=sum(not of_image for of_image in judged.values()),
        objects=_object_figures(judged, truths),
    )


_Resolution = Callable[[JudgedMention], bool | None]
"""Whether a mention's object is taken to be there; None where the mention does not count."""

_RESOLUTIONS: Mapping[str, _Resolution] = {
    "coco": lambda judged: judged.is_there,
    "corrected": lambda judged: judged.is_there_corrected,
    "lowest": lambda judged: judged.found is not Found.HALLUCINATED,
    "highest": lambda judged: judged.found is Found.TRUE,
}

_Judged = Mapping[str, Sequence[JudgedMention]]
"""The mentions of each image's caption."""

_COUNTS_OF = attrgetter(*COUNTS)


def truths_of(truth: CaptionTruth) -> tuple[Truth, ...]:
    """The truths that figures are under."""
    return ("coco", "corrected") if truth.verdicts else ("coco",)


def caption_counts(captions: Mapping[str, str], truth: CaptionTruth) -> dict[Truth, Values]:
    """The counts of each image's caption, [images, counts] in the order of `COUNTS`, under each truth."""
    judged = {image: judged_mentions(image, caption, truth) for image, caption in captions.items()}
    return {name: _counts_by_image(captions, judged, truth, name) for name in truths_of(truth)}


def _counts_by_image(captions: Mapping[str, str], judged: _Judged, truth: CaptionTruth, name: str) -> Values:
    """The counts of each caption under a resolution, [images, counts] in the order of `COUNTS`."""
    resolution, rows = _RESOLUTIONS[name], []
    for image, caption in captions.items():
        there = [(each.mention.object, resolution(each)) for each in judged[image]]
        hallucinated = sum(is_there is False for _, is_there in there)
        objects = truth.objects[image]
        if name == "corrected":
            objects = _corrected_objects(objects, truth.verdicts.get(image, {}))
        row = CaptionCounts(
            captions_with=int(hallucinated > 0),
            mentions=sum(is_there is not None for _, is_there in there),
            hallucinated=hallucinated,
            truths=len(objects),
            recalled=len({named for named, is_there in there if is_there} & objects),
            words=len(caption.split()),
        )
        rows.append(_COUNTS_OF(row))
    return np.array(rows, dtype=np.float64).reshape(-1, len(COUNTS))


def _corrected_objects(names: frozenset[str], verdicts: Mapping[str, Label]) -> frozenset[str]:
    """The objects of an image by the verdicts, and as annotated where there is none; ambiguous ones are left out."""
    return frozenset(name for name in names | verdicts.keys() if verdicts.get(name, "yes") == "yes")


def _bounds(lowest: CaptionFigures, highest: CaptionFigures) -> dict[str, CaptionBounds]:
    return {
        name: CaptionBounds(lowest=lowest.estimates[name], highest=highest.estimates[name])
        for name in ("chair_i", "chair_s")
    }


def _found(judged: _Judged) -> dict[bool, dict[Found, int]]:
    every = Counter((each.is_there, each.found) for of_image in judged.values() for each in of_image)
    return {is_there: {found: every[is_there, found] for found in Found} for is_there in (True, False)}


def _cut(
    captions: Mapping[str, str], judged: _Judged, truth: CaptionTruth, n_words: int
) -> tuple[Mapping[str, str], _Judged]:
    """The first words of each caption, and their mentions; what is left of a double word is read by itself."""
    cut = {image: first_words(caption, n_words) for image, caption in captions.items()}
    return cut, {
        image: judged[image]
        if text == captions[image].rstrip()  # none of its words is cut off
        else judged_mentions(image, text, truth)
        for image, text in cut.items()
    }


def first_words(caption: str, number: int) -> str:
    """A caption up to the end of so many words, which white space separates; all of it where it has no more."""
    ends = [word.end() for word in islice(re.finditer(r"\S+", caption), number)]
    return caption[: ends[-1]] if ends else ""


def _object_figures(judged: _Judged, truths: Sequence[Truth]) -> list[ObjectFigures]:
    by_object: dict[str, dict[str, list[JudgedMention]]] = {}
    for image, of_image in judged.items():
        for each in of_image:
            by_object.setdefault(each.mention.object, {}).setdefault(image, []).append(each)
    found = [_object_figure(name, list(of_object.values()), truths) for name, of_object in by_object.items()]
    return sorted(found, key=lambda each: (-each.hallucinated["coco"], -each.mentions["coco"], each.object))


def _object_figure(
    name: str, mentioned: Sequence[Sequence[JudgedMention]], truths: Sequence[Truth]
) -> ObjectFigures:
    """The figures of one object, from its mentions in each image that has some."""
    wholes, parts, rates = {}, {}, {}
    for truth in truths:
        there = [[_RESOLUTIONS[truth](each) for each in of_image] for of_image in mentioned]
        part = np.array([float(of_image.count(False)) for of_image in there])
        whole = np.array([float(len(of_image) - of_image.count(None)) for of_image in there])
        wholes[truth], parts[truth] = int(whole.sum()), int(part.sum())
        rates[truth] = _rate(part, whole)
    return ObjectFigures(object=name, mentions=wholes, hallucinated=parts, rates=rates)


def _rate(part: Values, whole: Values) -> Estimate:
    """The share of an object's mentions, [images], that are hallucinated; few images have one, so it is a gamma one."""
    if not whole.sum():
        return Estimate(reason="all of its mentions are ambiguous")
    value = float(part.sum() / whole.sum())
    interval = clustered_interval(part, whole)
    if interval is None:
        return Estimate(value=value, reason="a single image mentions it")
    return Estimate(value=value, interval=interval, method="gamma")
