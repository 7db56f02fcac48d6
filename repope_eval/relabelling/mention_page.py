"""The page of a queue of what captions mention and nobody has judged: the sentences, the pictures, and who wrote it."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path

from repope_eval.captions.truth import CaptionTruth
from repope_eval.records import Question
from repope_eval.relabelling.mention_doubt import Passage, UnjudgedMentions, UnjudgedObject
from repope_eval.relabelling.queue import Queued
from repope_eval.relabelling.queue_page import (
    MOST_RESPONSES,
    MOST_SHOWN,
    PAGE_BYTES,
    gallery_of_queue,
    names_text,
)
from repope_eval.relabelling.queue_view import LONGEST_NAME, MOST_OBJECTS, selection_sentence
from repope_eval.reporting.figure_texts import clipped, percent_text
from repope_eval.reporting.gallery import Gallery, Item, render_with_gallery
from repope_eval.reporting.tables import Table, number_field, table, text_field
from repope_eval.wording import counted, first_few

LONGEST_SIDE = 200
"""Characters of a sentence that are shown before and after a mention."""

_KINDS: Mapping[bool, tuple[str, str]] = {
    False: ("{annotation} does not have it", "added"),
    True: ("{annotation} has it", "lost"),
}
"""What the annotation says, and what gives it its colour: what would become of its label if it erred."""


@dataclass(frozen=True, kw_only=True)
class MentionQueueView:
    """What is known of a queue of mentions."""

    bench: str
    truth: CaptionTruth
    """Whose verdicts there are, and what annotates the images."""
    models: Sequence[str]
    """The names of the models."""
    mentions: UnjudgedMentions
    queue: Sequence[Queued]
    """All questions, the most doubtful first."""
    images: Mapping[str, Path] = field(default_factory=dict)
    """The image files that are there, by the names of the images."""

    @cached_property
    def objects(self) -> Mapping[Question, UnjudgedObject]:
        """What models mention, by question."""
        return {each.question: each for each in self.mentions.objects}


@dataclass(frozen=True, slots=True, kw_only=True)
class Sentence:
    """A sentence with a mention."""

    passage: Passage
    names: str
    """Whose captions have it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MentionedItem(Item):
    """A question of the queue, with the sentences that it is about."""

    rank: int
    is_sampled: bool
    """Whether it is among those that people are to look at."""
    mentioned: str
    sentences: tuple[Sentence, ...]
    n_further: int
    """How many further sentences there was no room for."""


def render_mention_page(view: MentionQueueView, next_command: str, command: str) -> str:
    """The page, which needs no file and no network; as many pictures as it has room for.

    Args:
        view: what it shows.
        next_command: the command by which people label the queue.
        command: how it was started; shown in the page.
    """
    return render_with_gallery(
        "mention_queue.html.j2",
        mention_gallery(view),
        view.images,
        PAGE_BYTES,
        bench=view.bench,
        verdict=mention_verdict(view),
        selection=selection_sentence(view.queue),
        annotation=view.truth.annotation,
        models=first_few([clipped(name, LONGEST_NAME) for name in view.models], MOST_SHOWN),
        objects=mention_table(view),
        next_command=next_command,
        command=command,
    )


def mention_verdict(view: MentionQueueView) -> str:
    """How many mentions nobody has judged, and how many questions these come to."""
    mentions = view.mentions
    n_missing = sum(not each.is_there for each in mentions.objects)
    annotated = f"does not have {n_missing:,} of these objects, and has {len(mentions.objects) - n_missing:,}"
    return (
        f"Of {counted(mentions.n_mentions, 'mention', ',')} in captions of {counted(len(view.models), 'model')}, "
        f"{mentions.n_unjudged:,} ({percent_text(mentions.n_unjudged / mentions.n_mentions)} %) have no verdict of "
        f"{view.truth.judge}. They are {counted(len(mentions.objects), 'question', ',')}, each about an object in an "
        f"image: {view.truth.annotation} {annotated}."
    )


def mention_table(view: MentionQueueView, most: int = MOST_OBJECTS) -> Table:
    """What is asked about each object, those first that are most often not annotated."""
    of_object: defaultdict[str, list[UnjudgedObject]] = defaultdict(list)
    for each in view.mentions.objects:
        of_object[each.question.object].append(each)
    missing = {name: sum(not each.is_there for each in found) for name, found in of_object.items()}
    annotation = view.truth.annotation
    return table(
        "Questions about each object that captions mention and nobody has judged",
        [
            text_field("object", lambda name: name, stays=True),
            number_field(f"{annotation} does not have it", lambda name: f"{missing[name]:,}"),
            number_field(f"{annotation} has it", lambda name: f"{len(of_object[name]) - missing[name]:,}"),
            number_field("mentions", lambda name: f"{sum(each.n_mentions for each in of_object[name]):,}"),
        ],
        sorted(of_object, key=lambda name: (-missing[name], -len(of_object[name]), name)),
        most=most,
    )


def mention_gallery(view: MentionQueueView) -> Gallery:
    """The first questions of the queue, a card each, without pictures."""
    return gallery_of_queue(
        view.queue, partial(_mentioned_item, view), [view.truth.told(kind) for kind, _ in _KINDS.values()]
    )


def _mentioned_item(view: MentionQueueView, queued: Queued, rank: int) -> MentionedItem:
    found = view.objects[queued.question]
    kind, colour = _KINDS[found.is_there]
    sentences = _sentences(found)
    return MentionedItem(
        question=queued.question.text,
        object=queued.question.object,
        variants=tuple(clipped(name, LONGEST_NAME) for name in found.passages),
        kind=view.truth.told(kind),
        verdict=colour,
        label_before="",
        label_after="",
        rank=rank,
        is_sampled=queued.sampled,
        mentioned=_mentioned_phrase(found),
        sentences=sentences[:MOST_RESPONSES],
        n_further=len(sentences[MOST_RESPONSES:]),
    )


def _mentioned_phrase(found: UnjudgedObject) -> str:
    """How many of the models that describe the image mention the object, and how often."""
    number = len(found.passages)
    times = f", {found.n_mentions} times" if found.n_mentions > number else ""
    if found.n_models == 1:
        return f"The only model that describes the image mentions it{times}"
    verb = "mentions" if number == 1 else "mention"
    return f"{number} of {found.n_models} models that describe the image {verb} it{times}"


def _sentences(found: UnjudgedObject) -> tuple[Sentence, ...]:
    """The first sentence of each model with the object; one that several models wrote stands once."""
    writers: defaultdict[Passage, list[str]] = defaultdict(list)
    for name, passages in found.passages.items():
        writers[passages[0]].append(clipped(name, LONGEST_NAME))
    return tuple(
        Sentence(passage=_cut(passage), names=names_text(names))
        for passage, names in sorted(writers.items(), key=lambda item: -len(item[1]))
    )


def _cut(passage: Passage) -> Passage:
    before, after = passage.before, passage.after
    return Passage(
        before if len(before) <= LONGEST_SIDE else f"…{before[-LONGEST_SIDE:]}",
        passage.word,
        after if len(after) <= LONGEST_SIDE else f"{after[:LONGEST_SIDE]}…",
    )
