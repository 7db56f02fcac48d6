"""The gallery of a comparison: the questions that two results answer differently, or that only one answers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from repope_eval.records import Answer
from repope_eval.reporting.figure_texts import clipped, reading_text
from repope_eval.reporting.gallery import Gallery, Item, gallery_of
from repope_eval.scoring.paired_answers import DIFFERING, PairedAnswer, PairKind
from repope_eval.scoring.protocols import Reading

_LOOKS: Mapping[PairKind, str] = {
    "only a is right": "lost",
    "only b is right": "added",
    "read differently": "open",
    "neither is right": "removed",
    "no label": "removed",
    "only a answered": "removed",
    "only b answered": "removed",
}
"""The look of each kind in a gallery."""

_OF_ONE: tuple[PairKind, ...] = ("only a answered", "only b answered")


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownAnswer:
    """What one result answered, as the page says it."""

    letter: str
    response: str
    reading: str
    """By its own protocol."""
    alike: str
    """By the common protocol, where that reads it otherwise; else empty."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparedItem(Item):
    """A question with the answers of both results."""

    answers: tuple[ShownAnswer, ...]

    @property
    def remarked(self) -> tuple[str, ...]:
        """The answers of the results."""
        return tuple(answer.response for answer in self.answers)


def comparison_gallery(pairs: Sequence[PairedAnswer]) -> Gallery:
    """The questions whose answers differ, image by image, without pictures.

    Where there is no room for all, those that only one result answers make room for the others.
    """
    items = [(pair.question.image, _item(pair)) for pair in pairs if pair.kind in DIFFERING]
    gallery = gallery_of(items, DIFFERING)
    if not gallery.n_left_out:
        return gallery
    answered_by_both = [(image, item) for image, item in items if item.kind not in _OF_ONE]
    smaller = gallery_of(answered_by_both, DIFFERING)
    n_of_one = len(items) - len(answered_by_both)
    return replace(smaller, n_questions=len(items), n_left_out=smaller.n_left_out + n_of_one)


def _item(pair: PairedAnswer) -> ComparedItem:
    label = "ambiguous" if pair.label is None else reading_text(pair.label)
    shown = (
        _shown(letter, answer, pair.own[index], pair.common[index])
        for index, (letter, answer) in enumerate((("a", pair.a), ("b", pair.b)))
        if answer is not None
    )
    return ComparedItem(
        question=clipped(pair.question.text),
        object=clipped(pair.question.object, 80),
        variants=tuple(clipped(variant, 80) for variant in pair.variants),
        kind=pair.kind,
        verdict=_LOOKS[pair.kind],
        label_before=label,
        label_after=label,
        answers=tuple(shown),
    )


def _shown(letter: str, answer: Answer, own: Reading, common: Reading) -> ShownAnswer:
    return ShownAnswer(
        letter=letter,
        response=clipped(answer.response),
        reading=reading_text(own),
        alike="" if own is common else reading_text(common),
    )
