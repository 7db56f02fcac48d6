"""The queue of doubtful labels as its page and the console show it: what models said of each label."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from repope_eval.records import Answer, Question, Variant
from repope_eval.relabelling.doubt import ModelTrust
from repope_eval.relabelling.queue import Queued
from repope_eval.reporting.figure_texts import clipped, percent_text
from repope_eval.reporting.tables import Table, number_field, table, text_field
from repope_eval.scoring.protocols import PROTOCOLS, remembering
from repope_eval.settings.config import Protocol
from repope_eval.wording import counted

MOST_OBJECTS = 50
"""Rows of the table of objects."""
LONGEST_NAME = 80
"""Characters of a model's name, or an object's, on the page."""


@dataclass(frozen=True, slots=True)
class Votes:
    """How many models say yes or no to a question, or to several, and how many of these contradict the label."""

    n_read: int
    n_against: int

    @property
    def is_contradicted(self) -> bool:
        """Whether there are answers that read as yes or no, and all of them contradict the label."""
        return 0 < self.n_read == self.n_against

    def __add__(self, other: "Votes") -> "Votes":
        return Votes(self.n_read + other.n_read, self.n_against + other.n_against)

    def __sub__(self, other: "Votes") -> "Votes":
        return Votes(self.n_read - other.n_read, self.n_against - other.n_against)


@dataclass(frozen=True, slots=True)
class ObjectDoubt:
    """What models said of all questions that have the same object and the same label."""

    name: str
    label: bool
    n_questions: int
    n_contradicted: int
    """How many of the labels every model contradicts that answered."""
    votes: Votes


@dataclass(frozen=True, kw_only=True)
class QueueView:
    """What is known of a queue."""

    bench: str
    labels: str
    """The labels in doubt, as a sentence has them: `POPE`, `the original labels`."""
    protocol: Protocol
    queue: Sequence[Queued]
    """All questions, the most doubtful first."""
    variants: Mapping[Question, Sequence[Variant]]
    """The variants that each question stands in."""
    answers: Mapping[str, Mapping[Question, Answer]]
    """What each model answered, by its name."""
    trust: Sequence[ModelTrust]
    images: Mapping[str, Path] = field(default_factory=dict)
    """The image files that are there, by the names of the images."""

    @cached_property
    def votes(self) -> Mapping[Question, Votes]:
        """What the models said of each question, as the protocol reads them."""
        read = remembering(PROTOCOLS[self.protocol]).read
        votes = {}
        for each in self.queue:
            answers = [of_model.get(each.question) for of_model in self.answers.values()]
            readings = [read(answer.response) for answer in answers if answer is not None]
            said = [reading for reading in readings if reading is not None]
            votes[each.question] = Votes(len(said), sum(reading != each.label for reading in said))
        return votes

    @cached_property
    def objects(self) -> Mapping[tuple[str, bool], ObjectDoubt]:
        """What the models said of each object, by its name and label."""
        groups: defaultdict[tuple[str, bool], list[Votes]] = defaultdict(list)
        for each in self.queue:
            groups[each.question.object, each.label].append(self.votes[each.question])
        return {
            (name, label): ObjectDoubt(
                name=name,
                label=label,
                n_questions=len(votes),
                n_contradicted=sum(each.is_contradicted for each in votes),
                votes=sum(votes, Votes(0, 0)),
            )
            for (name, label), votes in groups.items()
        }

    @property
    def names(self) -> Sequence[str]:
        """The names of the models, cut to what there is room for."""
        return [clipped(name, LONGEST_NAME) for name in self.answers]


def word_of(label: bool) -> str:
    """The label as a word."""
    return "yes" if label else "no"


def verdict(view: QueueView) -> str:
    """How many labels the models contradict, and how many questions people are to look at."""
    n_contradicted = {
        label: sum(each.n_contradicted for each in view.objects.values() if each.label == label)
        for label in (True, False)
    }
    n_questions = {label: sum(each.label == label for each in view.queue) for label in (True, False)}
    total = sum(n_contradicted.values())
    names = view.names
    by = f"by {names[0]}" if len(names) == 1 else f"by every answer of the {len(names)} models"
    parts = " and ".join(
        f"{n_contradicted[label]:,} of the {n_questions[label]:,} with {word_of(label)}"
        for label in (True, False)
    )
    share = f" ({percent_text(total / len(view.queue))} %)" if view.queue else ""
    return (
        f"Of {counted(len(view.queue), 'label', ',')} ({view.labels}), {total:,}{share} "
        f"{'is' if total == 1 else 'are'} contradicted {by}: {parts}."
    )


def selection_sentence(queue: Sequence[Queued]) -> str:
    """How many questions people are to look at, and how these were chosen."""
    n_certain = sum(each.p_sampled == 1 for each in queue)
    n_sampled = sum(each.sampled for each in queue)
    n_drawn, n_others = n_sampled - n_certain, len(queue) - n_certain
    drawn = ", the more often the more doubtful a label is and the more it would change" if n_drawn else ""
    if not n_certain:
        return f"People are to look at {n_sampled:,}, drawn from {n_others:,}{drawn}."
    return (
        f"People are to look at {n_sampled:,}: {n_certain:,} for certain, the most doubtful or those that would change "
        f"most, and {n_drawn:,} drawn from the other {n_others:,}{drawn}."
    )


def votes_phrase(votes: Votes, n_models: int, label: bool) -> str:
    """How many models contradict a label, in words."""
    if not votes.n_read:
        return "No model answered it with yes or no"
    against = word_of(not label)
    if votes.n_read == 1:
        only = "The model" if n_models == 1 else "The only model that answered it"
        return f"{only} says {against if votes.n_against else word_of(label)}"
    verb = "says" if votes.n_against == 1 else "say"
    return f"{votes.n_against} of {votes.n_read} models {verb} {against}"


def object_sentence(doubt: ObjectDoubt, own: Votes) -> str:
    """What models said of the other questions with the same object and label.

    Args:
        doubt: all of these questions.
        own: what they said of the question that is left out.
    """
    n_others, votes = doubt.n_questions - 1, doubt.votes - own
    name = clipped(doubt.name, LONGEST_NAME)
    which = f"about “{name}” with label {word_of(doubt.label)}"
    if not n_others:
        return f"No other question about “{name}” has label {word_of(doubt.label)}."
    others = counted(n_others, "other question", ",")
    if not votes.n_read:
        return f"No model answered the {others} {which}."
    against = word_of(not doubt.label)
    return (
        f"Of {counted(votes.n_read, 'answer', ',')} to the {others} {which}, {votes.n_against:,} "
        f"({percent_text(votes.n_against / votes.n_read)} %) {'says' if votes.n_against == 1 else 'say'} {against}."
    )


def object_table(view: QueueView) -> Table:
    """The objects whose labels models contradict, those with the most such labels first."""
    doubted = [each for each in view.objects.values() if each.n_contradicted]
    return table(
        "Labels that every answer contradicts, by object",
        [
            text_field("object", lambda each: clipped(each.name, LONGEST_NAME), stays=True),
            text_field("label", lambda each: word_of(each.label)),
            number_field("questions", lambda each: f"{each.n_questions:,}"),
            number_field("contradicted", lambda each: f"{each.n_contradicted:,}"),
            number_field(
                "% of answers against", lambda each: percent_text(each.votes.n_against / each.votes.n_read)
            ),
        ],
        sorted(doubted, key=lambda each: (-each.n_contradicted, each.name, each.label)),
        n_naming=2,
        most=MOST_OBJECTS,
    )


def trust_table(trust: Sequence[ModelTrust], bench: str) -> Table:
    """How far each model's answers tell whether a label is wrong."""
    return table(
        f"Models that audit the labels of {bench}: error rates by their agreement alone",
        [
            text_field("model", lambda each: each.model, stays=True),
            number_field("says yes to a yes", lambda each: percent_text(each.sensitivity)),
            number_field("says no to a no", lambda each: percent_text(each.specificity)),
            number_field("independence of errors", lambda each: f"{each.independence:.2f}"),
            number_field("weight", lambda each: f"{each.weight:.2f}"),
        ],
        trust,
    )
