"""Two results question by question: which answers are the same, which is right, and which are read differently."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from repope_eval.records import Answer, LabelSet, Question, Variant
from repope_eval.scoring.estimates import Estimate
from repope_eval.scoring.intervals import estimate_share
from repope_eval.scoring.protocols import PROTOCOLS, Reading, reasons, remembering, unlike_readings
from repope_eval.settings import config

PairKind = Literal[
    "only a is right",
    "only b is right",
    "neither is right",
    "no label",
    "read differently",
    "only a answered",
    "only b answered",
    "same answer",
]
DIFFERING: tuple[PairKind, ...] = (
    "only a is right",
    "only b is right",
    "read differently",
    "neither is right",
    "no label",
    "only a answered",
    "only b answered",
)
"""The kinds that differ, in the order in which they are shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PairedAnswer:
    """A question with what two results answered."""

    question: Question
    variants: tuple[Variant, ...]
    label: bool | None
    """By the common labels; None where they have none, since the question is ambiguous."""
    a: Answer | None
    b: Answer | None
    own: tuple[Reading, Reading]
    """What is read of a and of b, each by its own protocol; None too where there is no answer."""
    common: tuple[Reading, Reading]
    """What is read of a and of b by the common protocol."""
    kind: PairKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """How many distinct questions are of what kind."""

    n_shared: int
    """Questions that both answered."""
    n_only_a: int
    n_only_b: int
    n_same: int
    """Shared questions with the same reading by the common protocol."""
    n_same_text: int
    """Shared questions with the same text in answer."""
    n_yes_no: int
    """Shared questions that a answers with yes and b with no."""
    n_no_yes: int
    n_labelled: int
    """Shared questions with a common label, which the numbers of right ones are of."""
    n_both_right: int
    n_right_only_a: int
    n_right_only_b: int
    n_neither_right: int
    n_read_differently: tuple[int, int]
    """Answers of a, and of b, to shared questions, that the protocols of the comparison do not all read alike."""

    @property
    def n_flipped(self) -> int:
        """Shared questions with another reading by the common protocol: yes, no or neither."""
        return self.n_shared - self.n_same


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadDifferently:
    """One response that the protocols of a comparison read differently."""

    response: str
    n_a: int
    """The number of questions that a answers so."""
    n_b: int
    readings: Mapping[config.Protocol, Reading]
    reasons: Mapping[config.Protocol, str]
    """Why each protocol reads it so, in a few words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Readers:
    """How the answers of a, of b, and of both on common ground are read."""

    a: config.Protocol
    b: config.Protocol
    common: config.Protocol

    @property
    def names(self) -> tuple[config.Protocol, ...]:
        """Each protocol once."""
        return tuple(dict.fromkeys((self.a, self.b, self.common)))


def pair_answers(
    a: Mapping[Question, Answer],
    b: Mapping[Question, Answer],
    labels: LabelSet,
    readers: Readers,
    asked: Sequence[LabelSet],
) -> tuple[PairedAnswer, ...]:
    """Every question that one of two results answers, in the order of a, then of b.

    Args:
        labels: the common ones.
        asked: all label sets of both, which say in which variants a question stands.
    """
    truth, variants = labels.distinct, variants_by_question(asked)
    rules = {name: remembering(PROTOCOLS[name]).read for name in readers.names}
    pairs = []
    for question in dict.fromkeys((*a, *b)):
        of_a, of_b = (
            {name: rules[name](each.response) for name in rules} if (each := answers.get(question)) else {}
            for answers in (a, b)
        )
        common = (of_a.get(readers.common), of_b.get(readers.common))
        label = truth.get(question)
        pairs.append(
            PairedAnswer(
                question=question,
                variants=variants.get(question, ()),
                label=label,
                a=a.get(question),
                b=b.get(question),
                own=(of_a.get(readers.a), of_b.get(readers.b)),
                common=common,
                kind=_kind_of_readings(of_a, of_b) or _kind_by_label(common, label),
            )
        )
    return tuple(pairs)


def variants_by_question(label_sets: Sequence[LabelSet]) -> dict[Question, tuple[Variant, ...]]:
    """The variants that each labelled question stands in."""
    by_question: dict[Question, dict[Variant, None]] = {}
    for label_set in label_sets:
        for variant, labels in label_set.variants.items():
            for question in labels:
                by_question.setdefault(question, {})[variant] = None
    return {question: tuple(variants) for question, variants in by_question.items()}


def tally(pairs: Sequence[PairedAnswer], unlike: Sequence[ReadDifferently]) -> Tally:
    """The numbers of paired answers.

    Args:
        pairs: every question that one of the two answers.
        unlike: the responses among them that `read_differently` finds.
    """
    both = [(pair, pair.a, pair.b) for pair in pairs if pair.a is not None and pair.b is not None]
    readings = Counter(pair.common for pair, _, _ in both)
    right = Counter(
        (pair.common[0] is pair.label, pair.common[1] is pair.label)
        for pair, _, _ in both
        if pair.label is not None
    )
    return Tally(
        n_shared=len(both),
        n_only_a=sum(pair.b is None for pair in pairs),
        n_only_b=sum(pair.a is None for pair in pairs),
        n_same=sum(number for (a, b), number in readings.items() if a is b),
        n_same_text=sum(a.response == b.response for _, a, b in both if a and b),
        n_yes_no=readings[True, False],
        n_no_yes=readings[False, True],
        n_labelled=right.total(),
        n_both_right=right[True, True],
        n_right_only_a=right[True, False],
        n_right_only_b=right[False, True],
        n_neither_right=right[False, False],
        n_read_differently=(sum(each.n_a for each in unlike), sum(each.n_b for each in unlike)),
    )


def flip_rate(pairs: Sequence[PairedAnswer]) -> Estimate:
    """The share of shared questions whose answers are read differently by the common protocol, yes, no or neither.

    Its interval is over images, whose questions stand or fall together (see `intervals.estimate_share`).
    """
    flips: dict[str, list[bool]] = {}
    for pair in pairs:
        if pair.a is not None and pair.b is not None:
            flips.setdefault(pair.question.image, []).append(pair.common[0] is not pair.common[1])
    part = np.array([sum(of_image) for of_image in flips.values()], dtype=np.float64)
    whole = np.array([len(of_image) for of_image in flips.values()], dtype=np.float64)
    return estimate_share(part, whole, "no question that both answered")


def read_differently(pairs: Sequence[PairedAnswer], readers: Readers) -> tuple[ReadDifferently, ...]:
    """The responses to shared questions that the protocols read differently, the most frequent first."""
    both = [(pair.a, pair.b) for pair in pairs if pair.a is not None and pair.b is not None]
    of_a = Counter(a.response for a, _ in both)
    of_b = Counter(b.response for _, b in both)
    responses = []
    for response in dict.fromkeys((*of_a, *of_b)):
        if (readings := unlike_readings(response, readers.names)) is not None:
            responses.append(
                ReadDifferently(
                    response=response,
                    n_a=of_a[response],
                    n_b=of_b[response],
                    readings=readings,
                    reasons=reasons(response, readings),
                )
            )
    return tuple(sorted(responses, key=lambda each: -each.n_a - each.n_b))


def _kind_of_readings(
    of_a: Mapping[config.Protocol, Reading], of_b: Mapping[config.Protocol, Reading]
) -> PairKind | None:
    """The kind of a question that only one answers, or of whose answers the protocols read one differently."""
    if not of_a or not of_b:
        return "only b answered" if of_b else "only a answered"
    is_odd = any(len(set(readings.values())) > 1 for readings in (of_a, of_b))
    return "read differently" if is_odd else None


def _kind_by_label(readings: tuple[Reading, Reading], label: bool | None) -> PairKind:
    a, b = readings
    if a is b:
        return "same answer"
    if label is None:
        return "no label"
    if a is label:
        return "only a is right"
    return "only b is right" if b is label else "neither is right"
