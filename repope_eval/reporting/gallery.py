"""The gallery: questions image by image; of a run those whose verdict the relabelling turned, and remaining errors.

Everything here comes from people, models and files of others, so it is text. The page holds a bounded part of it, and
counts the rest.
"""

import base64
import io
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from pathlib import Path
from typing import Any, ClassVar

from markupsafe import escape

from repope_eval.errors import RepopeError
from repope_eval.reporting.figure_texts import LONGEST_TEXT, clipped
from repope_eval.reporting.templates import render
from repope_eval.scoring.relabelling_effect import TurnedVerdict

PAGE_BYTES = 3_000_000
"""The largest size of a page: pictures get the room that the rest leaves."""
TEXT_BYTES = 1_000_000
"""Room for all questions together."""

LARGE, SMALL = 448, 224
"""Pixels of the longer side of a picture that a label can be judged by, and of one that there is less room for."""
_QUALITY = 40
_LARGE_BYTES, _SMALL_BYTES = 25_000, 6_000
"""About the most that a large picture of a photograph takes, and what is kept free for each small one."""

LINE = 30
"""About the characters of a printed line beside a picture."""

_MARKUP_BYTES = 440
"""The approximate size of the markup around the text of a question, or the name of an image."""
_PICTURE_MARKUP_BYTES = 80
_NAMES = {
    "tp": "TP",
    "fp": "FP",
    "tn": "TN",
    "fn": "FN",
    "unparsed_yes": "unparsed",
    "unparsed_no": "unparsed",
}
_LABELS = {"tp": "yes", "fn": "yes", "unparsed_yes": "yes", "fp": "no", "tn": "no", "unparsed_no": "no"}
_KINDS = ("FP → TP", "FN → TN", "TP → FP", "TN → FN", "unparsed, label turned", "FP stays", "FN stays",
          "unparsed stays", "FP removed", "FN removed", "TP removed", "TN removed", "unparsed removed")  # fmt: skip
"""The kinds in the order in which they are shown: turned verdicts, remaining errors, removed questions."""
VERDICTS: Mapping[str, str] = {
    "excused": "The model disagrees with the old label and agrees with the new one: it was a label error.",
    "blamed": "The model agrees with the old label and disagrees with the new one: it was right by luck.",
    "stays": "The model is wrong under both label sets, or its answer reads as neither yes nor no.",
    "removed": "The relabelling found the question ambiguous, and left it out.",
}
"""What a verdict says of the model and the label, in the order in which they are explained."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One question about an image, each field a text."""

    question: str
    object: str
    variants: tuple[str, ...]
    kind: str
    """One of the gallery's kinds, such as `FP → TP`."""
    verdict: str
    """What the kind means, which gives it its colour: of a model `excused`, `blamed`, `removed` or `stays`."""
    label_before: str
    label_after: str

    @property
    def texts(self) -> tuple[str, ...]:
        """What a page holds of the question besides markup; the variants stand there twice, for readers and filters."""
        return (self.question, self.object, *self.variants, *self.variants, *self.remarked)

    @property
    def remarked(self) -> tuple[str, ...]:
        """What models or annotators said to the question, as far as the page shows it."""
        return ()

    @property
    def lines(self) -> int:
        """About the lines that the question takes on paper: itself, its kind and variants, and each remark."""
        parts = (
            self.question,
            f"{self.kind} {self.label_before} {self.label_after} {', '.join(self.variants)}",
        )
        return sum(1 + len(part) // LINE for part in (*parts, *self.remarked))


@dataclass(frozen=True, slots=True, kw_only=True)
class AnsweredItem(Item):
    """A question with a model's answer."""

    response: str

    @property
    def remarked(self) -> tuple[str, ...]:
        """The model's answer."""
        return (self.response,)


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """One image with its questions."""

    image: str
    items: tuple[Item, ...]
    thumbnail: str | None = None
    """A data URI; None where there is no file, none that can be shown, or no room."""

    @property
    def texts(self) -> tuple[str, ...]:
        """What a page holds of the card besides markup, its image's name and its questions."""
        return ()

    @property
    def lines(self) -> int:
        """The lines that it takes on paper beside its questions: the image's name, the frame, and further texts."""
        return 2 + sum(1 + len(text) // LINE for text in self.texts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Gallery:
    """The cards that a page shows, and how many questions and pictures it leaves out."""

    PRINTED_LINES: ClassVar[int] = 2_000
    """The most lines of text of the cards that are printed: those of about ten A4 pages in three columns."""

    cards: tuple[Card, ...]
    kinds: Mapping[str, int]
    """The number of shown questions of each kind."""
    variants: tuple[str, ...]
    n_questions: int
    """The number of all questions, shown or not."""
    n_left_out: int
    """The number of questions that there was no room for."""
    n_thumbnails_left_out: int
    """The number of images whose files are there, but that there was no room for."""
    n_small: int = 0
    """The number of pictures that are small, since there was no room for all to be large."""

    @property
    def n_printed(self) -> int:
        """The number of the first cards that paper has room for; at least one, if there is any."""
        lines = accumulate(card.lines + sum(item.lines for item in card.items) for card in self.cards)
        return max(sum(number <= self.PRINTED_LINES for number in lines), min(1, len(self.cards)))

    @property
    def has_pictures(self) -> bool:
        """Whether any card has a picture, which a click enlarges."""
        return any(card.thumbnail for card in self.cards)

    @property
    def n_without_picture(self) -> int:
        """The number of cards whose image is not there, or cannot be shown."""
        return sum(card.thumbnail is None for card in self.cards) - self.n_thumbnails_left_out

    @property
    def verdicts(self) -> list[tuple[str, str, str]]:
        """The verdicts that occur: each with its kinds, and with what it says of the model and the label."""
        rows = [
            (verdict, [kind for kind in self.kinds if (kind, verdict) in self._kinds_and_verdicts], told)
            for verdict, told in VERDICTS.items()
        ]
        return [(verdict, ", ".join(kinds), told) for verdict, kinds, told in rows if kinds]

    @property
    def _kinds_and_verdicts(self) -> set[tuple[str, str]]:
        return {(item.kind, item.verdict) for card in self.cards for item in card.items}


def make_gallery(verdicts: Sequence[TurnedVerdict], text_bytes: int = TEXT_BYTES) -> Gallery:
    """The gallery of a run's verdicts, without pictures; images with turned verdicts first.

    Args:
        verdicts: turned or removed ones, and remaining errors, in any order.
        text_bytes: room for the questions.
    """
    items = [(verdict.answer.question.image, _item(verdict)) for verdict in verdicts]
    return gallery_of(items, _KINDS, text_bytes)


def gallery_of(
    items: Sequence[tuple[str, Item]], kinds: Sequence[str], text_bytes: int = TEXT_BYTES
) -> Gallery:
    """The gallery of some questions, image by image, without pictures.

    Args:
        items: each question with the name of its image.
        kinds: all kinds, in the order in which they are shown.
        text_bytes: room for the questions.
    """
    return gallery_of_cards(_cards(items, kinds), kinds, text_bytes)


def gallery_of_cards(ordered: Sequence[Card], kinds: Sequence[str], text_bytes: int = TEXT_BYTES) -> Gallery:
    """The gallery of cards without pictures, as many of the first as there is room for."""
    cards, n_left_out = _cards_with_room(ordered, text_bytes)
    shown = [item for card in cards for item in card.items]
    counts = Counter(item.kind for item in shown)
    return Gallery(
        cards=tuple(cards),
        kinds={kind: counts[kind] for kind in kinds if counts[kind]},
        variants=tuple(dict.fromkeys(variant for item in shown for variant in item.variants)),
        n_questions=sum(len(card.items) for card in ordered),
        n_left_out=n_left_out,
        n_thumbnails_left_out=0,
    )


def illustrated(gallery: Gallery, images: Mapping[str, Path], room: int) -> Gallery:
    """The gallery with pictures of its first images, as far as there is room.

    The first pictures are large, as far as room for small ones of the further images stays.

    Args:
        images: the files that are there, by image name.
        room: bytes that all pictures may take together.
    """
    cards: list[Card] = []
    n_left_out = n_small = 0
    n_to_come = sum(card.image in images for card in gallery.cards)
    for card in gallery.cards:
        path = images.get(card.image)
        n_to_come -= path is not None
        side = LARGE if room > _LARGE_BYTES + n_to_come * _SMALL_BYTES else SMALL
        picture = thumbnail(path, side) if path is not None and room > 0 else None
        if picture is not None:
            room -= len(picture) + _PICTURE_MARKUP_BYTES
        n_left_out += path is not None and room <= 0
        n_small += picture is not None and side == SMALL and room > 0
        cards.append(card if room <= 0 else replace(card, thumbnail=picture))
    return replace(gallery, cards=tuple(cards), n_thumbnails_left_out=n_left_out, n_small=n_small)


def render_with_gallery(
    template: str,
    gallery: Gallery | None,
    images: Mapping[str, Path] | None,
    page_bytes: int = PAGE_BYTES,
    /,
    **context: Any,
) -> str:
    """A page with a gallery, which needs no file and no network; as many pictures as it has room for.

    Args:
        template: the page's, in which `gallery` is used.
        gallery: without pictures; None where nothing is shown.
        images: the files that are there, by image name; None where nobody looked for any.
        page_bytes: the largest size of the page.
        **context: what else the template uses.
    """
    context |= {"longest_text": LONGEST_TEXT}
    html = render(template, gallery=gallery, **context)
    if gallery is None or not images:
        return html
    shown = illustrated(gallery, images, page_bytes - len(html.encode()))
    return render(template, gallery=shown, **context)


def _cards(items: Sequence[tuple[str, Item]], kinds: Sequence[str]) -> list[Card]:
    by_image: dict[str, list[Item]] = {}
    for image, item in items:
        by_image.setdefault(image, []).append(item)
    cards = [
        Card(image=image, items=tuple(sorted(of_image, key=lambda item: kinds.index(item.kind))))
        for image, of_image in by_image.items()
    ]
    return sorted(cards, key=lambda card: kinds.index(card.items[0].kind))


def _item(verdict: TurnedVerdict) -> AnsweredItem:
    kind, what = _kind_of_outcomes(verdict.before, verdict.after)
    return AnsweredItem(
        question=clipped(verdict.answer.question.text),
        object=clipped(verdict.answer.question.object, 80),
        response=clipped(verdict.answer.response),
        variants=tuple(clipped(variant, 80) for variant in verdict.variants),
        kind=kind,
        verdict=what,
        label_before=_LABELS[verdict.before],
        label_after="ambiguous" if verdict.after is None else _LABELS[verdict.after],
    )


def _kind_of_outcomes(before: str, after: str | None) -> tuple[str, str]:
    """The kind of a question, and what it means for the model."""
    if after is None:
        return f"{_NAMES[before]} removed", "removed"
    if after == before:
        return f"{_NAMES[before]} stays", "stays"
    if before.startswith("unparsed"):
        return "unparsed, label turned", "stays"
    return f"{_NAMES[before]} → {_NAMES[after]}", "excused" if after in ("tp", "tn") else "blamed"


def _cards_with_room(cards: Sequence[Card], room: int) -> tuple[list[Card], int]:
    """The first cards that there is room for, and the number of questions of the other cards."""
    for number, card in enumerate(cards):
        room -= _card_size(card)
        if room < 0:
            return list(cards[:number]), sum(len(left.items) for left in cards[number:])
    return list(cards), 0


def _card_size(card: Card) -> int:
    """The size in bytes of a card in the page, without its picture."""
    texts = [card.image, *card.texts, *(text for item in card.items for text in item.texts)]
    markup = _MARKUP_BYTES * (1 + len(card.items))
    return markup + sum(len(str(escape(text)).encode("utf-8", "replace")) for text in texts)


def thumbnail(path: Path, longest_side: int) -> str | None:
    """A WebP of an image, no larger than that many pixels, as a data URI; None where the file cannot be shown.

    Nothing is raised, since a report must not fail because of a picture.
    """
    from repope_eval.benchmarks.images import opened_image, to_rgb

    try:
        with opened_image(path) as image:
            # A JPEG is decoded at a fraction of its size.
            image.draft("RGB", (2 * longest_side, 2 * longest_side))
            small = to_rgb(image)
            small.thumbnail((longest_side, longest_side))
            file = io.BytesIO()
            small.save(file, format="WEBP", quality=_QUALITY)
    except (RepopeError, OSError, KeyError):  # the file is damaged, or this Pillow writes no WebP
        return None
    return "data:image/webp;base64," + base64.b64encode(file.getvalue()).decode()
