"""What relabelling did to a model: which of its errors were errors of the labels, and which of its hits were luck.

The counts under the first label set become those under the second by flips and removals alone. For the parsed answers,

    TP after = TP - (TP to FP) - (TP removed) + (FP to TP)

and likewise with FN and TN, FP and TP, or TN and FN for TP and FP. Of a single label set there is nothing to tell,
and everything here is empty.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from repope_eval.records import Answer, LabelSet, Question, Variant
from repope_eval.scoring.confusion import OUTCOME_OF
from repope_eval.scoring.intervals import COUNTS
from repope_eval.scoring.protocols import PROTOCOLS, remembering
from repope_eval.settings import config

ERRORS = ("fp", "fn", "unparsed_yes", "unparsed_no")


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """How the parsed answers of one group of questions moved by the relabelling."""

    group: str
    """The name of a variant, or of an object."""
    before: tuple[int, int, int, int]
    """TP, FP, TN, FN under the first label set."""
    after: tuple[int, int, int, int]
    """The same under the second."""
    fp_to_tp: int
    """False alarms that were errors of the label: the object was there."""
    fn_to_tn: int
    """Misses that were errors of the label: the object was not there."""
    tp_to_fp: int
    """Hits that were luck."""
    tn_to_fn: int
    """Rejections that were luck."""
    removed: tuple[int, int, int, int]
    """The numbers of TP, FP, TN, FN before whose question was found ambiguous."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnedVerdict:
    """One question whose verdict the relabelling turned or removed, or one that stays an error."""

    answer: Answer
    variants: tuple[Variant, ...]
    """The variants in which it has these outcomes."""
    before: str
    """`tp`, `fp`, `tn`, `fn`, `unparsed_yes`, `unparsed_no`."""
    after: str | None
    """None where the question was removed as ambiguous."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The outcome of one variant's question before and after the relabelling."""

    variant: Variant
    answer: Answer
    before: str
    after: str | None
    """None where the question was removed."""


def verdicts_of(
    label_sets: Sequence[LabelSet], answers: Mapping[Question, Answer], protocol: config.Protocol
) -> tuple[Verdict, ...]:
    """The verdict of each answered question of each variant; none where the labels were not corrected."""
    if len(label_sets) < 2:
        return ()
    before, after = (label_set.variants for label_set in label_sets[:2])
    read = remembering(PROTOCOLS[protocol]).read
    found = []
    for variant, labels in before.items():
        corrected = after.get(variant, {})
        for question, label in labels.items():
            answer = answers.get(question)
            if answer is not None:
                reading, corrected_label = read(answer.response), corrected.get(question)
                outcome = None if corrected_label is None else OUTCOME_OF[corrected_label, reading]
                found.append(Verdict(variant, answer, OUTCOME_OF[label, reading], outcome))
    return tuple(found)


def effects_by_variant(verdicts: Sequence[Verdict]) -> tuple[Effect, ...]:
    """One effect for each variant, in the order of the label sets."""
    return _effects(verdicts, lambda verdict: verdict.variant)


def effects_by_object(verdicts: Sequence[Verdict]) -> tuple[Effect, ...]:
    """One effect for each object, each distinct question counted once, however many variants it is in.

    Objects with the most answers turned or removed come first, equal ones by name.
    """
    distinct: dict[Question, Verdict] = {}
    for verdict in verdicts:
        known = distinct.setdefault(verdict.answer.question, verdict)
        if known.after is None:  # a label in another variant goes before a removal in this one
            distinct[verdict.answer.question] = verdict
    effects = _effects(list(distinct.values()), lambda verdict: verdict.answer.question.object)
    return tuple(sorted(effects, key=lambda effect: (-_n_moved(effect), effect.group)))


def turned_verdicts(verdicts: Sequence[Verdict]) -> tuple[TurnedVerdict, ...]:
    """The answered questions that were flipped or removed, in the order of the label sets."""
    return _told(verdict for verdict in verdicts if verdict.before != verdict.after)


def remaining_errors(verdicts: Sequence[Verdict]) -> tuple[TurnedVerdict, ...]:
    """The answered questions that are errors under both label sets, unparsed ones included.

    An unparsed answer is an error by the protocols that count it; the outcome tells it apart.
    """
    return _told(
        verdict for verdict in verdicts if verdict.before in ERRORS and verdict.after == verdict.before
    )


def _effects(verdicts: Sequence[Verdict], group_of: Callable[[Verdict], str]) -> tuple[Effect, ...]:
    moves: defaultdict[str, Counter[tuple[str, str | None]]] = defaultdict(Counter)
    for verdict in verdicts:
        moves[group_of(verdict)][verdict.before, verdict.after] += 1
    return tuple(_effect(group, of_group) for group, of_group in moves.items())


def _effect(group: str, moves: Counter[tuple[str, str | None]]) -> Effect:
    def counts(side: int) -> tuple[int, int, int, int]:
        tp, fp, tn, fn = (sum(n for move, n in moves.items() if move[side] == name) for name in COUNTS)
        return tp, fp, tn, fn

    return Effect(
        group=group,
        before=counts(0),
        after=counts(1),
        fp_to_tp=moves["fp", "tp"],
        fn_to_tn=moves["fn", "tn"],
        tp_to_fp=moves["tp", "fp"],
        tn_to_fn=moves["tn", "fn"],
        removed=(moves["tp", None], moves["fp", None], moves["tn", None], moves["fn", None]),
    )


def _n_moved(effect: Effect) -> int:
    return effect.fp_to_tp + effect.fn_to_tn + effect.tp_to_fp + effect.tn_to_fn + sum(effect.removed)


def _told(verdicts: Iterator[Verdict]) -> tuple[TurnedVerdict, ...]:
    """Each question with the variants in which it has the same outcomes."""
    found: dict[Hashable, list[Verdict]] = {}
    for verdict in verdicts:
        found.setdefault((verdict.answer.question, verdict.before, verdict.after), []).append(verdict)
    return tuple(
        TurnedVerdict(
            answer=same[0].answer,
            variants=tuple(verdict.variant for verdict in same),
            before=same[0].before,
            after=same[0].after,
        )
        for same in found.values()
    )
