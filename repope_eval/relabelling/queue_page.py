"""The page of a queue: the most doubtful labels with their pictures, and why each is doubtful."""

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from repope_eval.records import Answer
from repope_eval.relabelling.queue import Queued
from repope_eval.relabelling.queue_view import (
    QueueView,
    object_sentence,
    object_table,
    selection_sentence,
    trust_table,
    verdict,
    votes_phrase,
    word_of,
)
from repope_eval.reporting.figure_texts import clipped, percent_text, reading_text
from repope_eval.reporting.gallery import Card, Gallery, Item, render_with_gallery
from repope_eval.scoring.protocols import PROTOCOLS, Reading
from repope_eval.wording import counted

MOST_SHOWN = 100
"""How many questions the page shows; the file has all."""
PAGE_BYTES = 2_000_000
"""The largest size of the page."""
MOST_RESPONSES, MOST_NAMES = 6, 8
"""How many different answers to a question are shown, and how many models that gave the same one."""
_VERDICTS = {True: "lost", False: "added"}
"""What would become of a label if models were right, which gives it its colour."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """An answer that one or more models gave."""

    text: str
    reading: str
    """What is read of it: yes, no or neither."""
    names: str
    """The names of the models that gave it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DoubtedItem(Item):
    """A question of the queue, with what models say against its label."""

    rank: int
    is_sampled: bool
    """Whether it is among those that people are to look at."""
    votes: str
    responses: tuple[Response, ...]
    n_further: int
    """How many further answers there was no room for."""
    of_object: str


def queue_gallery(view: QueueView) -> Gallery:
    """The first questions of the queue, a card each, without pictures."""
    return gallery_of_queue(view.queue, partial(_doubted_item, view), [_kind(True), _kind(False)])


def gallery_of_queue(
    queue: Sequence[Queued], item: Callable[[Queued, int], Item], kinds: Sequence[str]
) -> Gallery:
    """The first questions of a queue of any kind, a card each, without pictures.

    Args:
        queue: all questions, the most doubtful first.
        item: makes what is shown of a question from it and its rank, which begins at 1.
        kinds: all kinds of items, in the order in which they are shown.
    """
    shown = queue[:MOST_SHOWN]
    items = [item(each, rank) for rank, each in enumerate(shown, 1)]
    counts = Counter(each.kind for each in items)
    return Gallery(
        cards=tuple(
            Card(image=each.question.image, items=(of_question,))
            for each, of_question in zip(shown, items, strict=True)
        ),
        kinds={kind: counts[kind] for kind in kinds if counts[kind]},
        variants=tuple(dict.fromkeys(variant for each in items for variant in each.variants)),
        n_questions=len(queue),
        n_left_out=len(queue) - len(items),
        n_thumbnails_left_out=0,
    )


def render_queue_page(view: QueueView, next_command: str, command: str) -> str:
    """The page, which needs no file and no network; as many pictures as it has room for.

    Args:
        view: what it shows.
        next_command: the command by which people label the queue.
        command: how it was started; shown in the page.
    """
    return render_with_gallery(
        "queue.html.j2",
        queue_gallery(view),
        view.images,
        PAGE_BYTES,
        bench=view.bench,
        protocol=view.protocol,
        verdict=verdict(view),
        selection=selection_sentence(view.queue),
        objects=object_table(view),
        trust=trust_table(view.trust, view.bench),
        next_command=next_command,
        command=command,
    )


def _kind(label: bool) -> str:
    return f"label {word_of(label)}"


def _doubted_item(view: QueueView, each: Queued, rank: int) -> DoubtedItem:
    question, votes = each.question, view.votes[each.question]
    responses = _responses(view, each)
    return DoubtedItem(
        question=clipped(question.text),
        object=clipped(question.object, 80),
        variants=tuple(clipped(variant, 80) for variant in view.variants[question]),
        kind=_kind(each.label),
        verdict=_VERDICTS[each.label],
        label_before=word_of(each.label),
        label_after=word_of(each.label),
        rank=rank,
        is_sampled=each.sampled,
        votes=votes_phrase(votes, len(view.answers), label=each.label),
        responses=responses[:MOST_RESPONSES],
        n_further=len(responses[MOST_RESPONSES:]),
        of_object=object_sentence(view.objects[question.object, each.label], votes),
    )


def _responses(view: QueueView, each: Queued) -> tuple[Response, ...]:
    """The different answers to a question, those against its label first, and who gave each."""
    read = PROTOCOLS[view.protocol].read
    givers: defaultdict[str, list[str]] = defaultdict(list)
    for name, of_model in zip(view.names, view.answers.values(), strict=True):
        if (answer := of_model.get(each.question)) is not None:
            givers[answer.response.strip()].append(_giver_text(name, answer))
    readings: dict[str, Reading] = {response: read(response) for response in givers}
    places: dict[Reading, int] = {not each.label: 0, each.label: 1, None: 2}
    ordered = sorted(givers, key=lambda response: (places[readings[response]], -len(givers[response])))
    return tuple(
        Response(
            text=clipped(response),
            reading=reading_text(readings[response]),
            names=names_text(givers[response]),
        )
        for response in ordered
    )


def _giver_text(name: str, answer: Answer) -> str:
    """The model's name, with its confidence in yes where that is known."""
    return name if answer.confidence is None else f"{name} ({percent_text(answer.confidence)} % sure of yes)"


def names_text(names: Sequence[str]) -> str:
    """Names of models, as many as there is room for."""
    further = len(names) - MOST_NAMES
    return ", ".join(names[:MOST_NAMES]) + (
        f" and {counted(further, 'further model')}" if further > 0 else ""
    )
