"""The gallery: questions image by image; of a run those whose verdict the relabelling turned, and remaining errors.

Everything here comes from people, models and files of others, so it is text. The page holds a bounded part of it, and
counts the rest.
"""

import base64
import io
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from markupsafe import escape

from repope_eval.errors import RepopeError
from repope_eval.reporting.figure_texts import clipped
from repope_eval.scoring.relabelling_effect import TurnedVerdict

PAGE_BYTES = 3_000_000
"""The largest size of a page: pictures get the room that the rest leaves."""
TEXT_BYTES = 1_000_000
"""Room for all questions together."""

LONGEST_SIDE = 112
"""Pixels of the longer side of a small picture."""
_QUALITY = 55

_MARKUP_BYTES = 420
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
        """What a page holds of it besides markup."""
        return (self.question, self.object, *self.variants, *self.variants)


@dataclass(frozen=True, slots=True, kw_only=True)
class AnsweredItem(Item):
    """A question with a model's answer."""

    response: str

    @property
    def texts(self) -> tuple[str, ...]:
        """What a page holds of it besides markup."""
        return (self.question, self.object, self.response, *self.variants, *self.variants)


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """One image with its questions."""

    image: str
    items: tuple[Item, ...]
    thumbnail: str | None = None
    """A data URI; None where there is no file, none that can be shown, or no room."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gallery:
    """The cards that a page shows, and how many questions and pictures it leaves out."""

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
    cards, n_left_out = _bounded(_cards(items, kinds), text_bytes)
    shown = [item for card in cards for item in card.items]
    counts = Counter(item.kind for item in shown)
    return Gallery(
        cards=tuple(cards),
        kinds={kind: counts[kind] for kind in kinds if counts[kind]},
        variants=tuple(dict.fromkeys(variant for item in shown for variant in item.variants)),
        n_questions=len(items),
        n_left_out=n_left_out,
        n_thumbnails_left_out=0,
    )


def illustrated(gallery: Gallery, images: Mapping[str, Path], room: int) -> Gallery:
    """The gallery with pictures of its first images, as far as there is room.

    Args:
        gallery: without pictures.
        images: the files that are there, by image name.
        room: bytes that all pictures may take together.
    """
    cards: list[Card] = []
    n_left_out = 0
    for card in gallery.cards:
        path = images.get(card.image)
        picture = thumbnail(path) if path is not None and room > 0 else None
        if picture is not None:
            room -= len(picture) + _PICTURE_MARKUP_BYTES
        n_left_out += path is not None and room <= 0
        cards.append(card if room <= 0 else replace(card, thumbnail=picture))
    return replace(gallery, cards=tuple(cards), n_thumbnails_left_out=n_left_out)


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
    kind, what = _kind(verdict.before, verdict.after)
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


def _kind(before: str, after: str | None) -> tuple[str, str]:
    """The kind of a question, and what it means for the model."""
    if after is None:
        return f"{_NAMES[before]} removed", "removed"
    if after == before:
        return f"{_NAMES[before]} stays", "stays"
    if before.startswith("unparsed"):
        return "unparsed, label turned", "stays"
    return f"{_NAMES[before]} → {_NAMES[after]}", "excused" if after in ("tp", "tn") else "blamed"


def _bounded(cards: Sequence[Card], room: int) -> tuple[list[Card], int]:
    """The first cards that there is room for, and the number of questions of the other cards."""
    for number, card in enumerate(cards):
        room -= _size(card)
        if room < 0:
            return list(cards[:number]), sum(len(left.items) for left in cards[number:])
    return list(cards), 0


def _size(card: Card) -> int:
    """The size in bytes of a card in the page, without its picture."""
    texts = [card.image, *(text for item in card.items for text in item.texts)]
    markup = _MARKUP_BYTES * (1 + len(card.items))
    return markup + sum(len(str(escape(text)).encode("utf-8", "replace")) for text in texts)


def thumbnail(path: Path) -> str | None:
    """A small JPEG of an image as a data URI; None where the file cannot be shown.

    Nothing is raised, since a report must not fail because of a picture.
    """
    from PIL import Image

    from repope_eval.benchmarks.images import opened_image

    try:
        with opened_image(path) as image:
            # A JPEG is decoded at a fraction of its size.
            image.draft("RGB", (2 * LONGEST_SIDE, 2 * LONGEST_SIDE))
            small: Image.Image = image.convert("RGBA" if image.has_transparency_data else "RGB")
            small.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
            if small.mode == "RGBA":
                opaque = Image.new("RGB", small.size, "white")
                opaque.paste(small, mask=small.getchannel("A"))
                small = opaque
            file = io.BytesIO()
            small.save(file, format="JPEG", quality=_QUALITY, optimize=True)
    except (RepopeError, OSError):  # the file is damaged, or the small picture cannot be made
        return None
    return "data:image/jpeg;base64," + base64.b64encode(file.getvalue()).decode()
