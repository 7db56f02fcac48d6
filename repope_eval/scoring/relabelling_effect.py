"""What relabelling did to a model: which of its errors were the labels', and what F1's change is made of.

Relabelling does three things at once. It corrects labels of questions that it keeps; it leaves questions out, which may
be the harder ones; and by both it moves the share of questions with label yes, on which F1 depends. Each is a switch
that the second label set has turned on. F1(corrected, left out, prevalence) has recall and false positive rate from the
questions of the first or of the second label set, with the labels of either where both label a question, and is taken
at the share of yes of the first or of the second (`confusion.f1_at`). With all switches off, it is F1 under the first
label set, and with all on, F1 under the second.

What a switch changes depends on which others are on already. A part is its mean over the six orders in which the three
can be turned on, and the parts add up to the whole change. Source: L. S. Shapley, "A Value for n-Person Games",
Contributions to the Theory of Games II, Annals of Mathematics Studies 28 (1953), 307-317.

The counts under the first label set become those under the second by flips and removals alone. For the parsed answers,

    TP after = TP - (TP to FP) - (TP removed) + (FP to TP)

and likewise with FN and TN, FP and TP, or TN and FN for TP and FP. A single label set was not relabelled,
and everything here is empty.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import permutations

import numpy as np
from numpy.typing import NDArray

from repope_eval.records import Answer, LabelSet, Question, Variant
from repope_eval.scoring.bootstrap import Cells
from repope_eval.scoring.confusion import OUTCOME_OF, Values, f1_at, figure_values, shares
from repope_eval.scoring.estimates import Estimate
from repope_eval.scoring.intervals import COUNTS, Sample, change_without_interval, percentiles
from repope_eval.scoring.protocols import PROTOCOLS, remembering
from repope_eval.settings import config

PARTS = ("corrected", "left_out", "prevalence")
"""Labels that differ, questions that one of the label sets lacks, and the share of yes that F1 is taken at."""

_ORDERS = tuple(permutations(range(len(PARTS))))


def mixtures(first: LabelSet, second: LabelSet) -> tuple[LabelSet, LabelSet]:
    """The first label set with questions left out alone, and with labels corrected alone, in the variants of both."""
    return _mixture(asked=second, labelled=first), _mixture(asked=first, labelled=second)


def _mixture(asked: LabelSet, labelled: LabelSet) -> LabelSet:
    """The questions of one label set with the labels of another, or with their own where that one lacks them."""
    return LabelSet(
        f"labels of {labelled.name} on questions of {asked.name}",
        {
            variant: {question: labels.get(question, label) for question, label in of_asked.items()}
            for variant, of_asked in asked.variants.items()
            if (labels := labelled.variants.get(variant)) is not None
        },
    )


def f1_parts(sample: Sample, cells: Sequence[Cells]) -> dict[str, Estimate]:
    """The parts of the change of F1, or of its mean over several variants, by the names of `PARTS`.

    Intervals are of the replicates that all changes are of, and refused for the same reasons (see `estimate_change`).

    Args:
        sample: the images that are drawn from, with `yes_share` among what is drawn.
        cells: those of the first label set, of the two `mixtures`, and of the second label set, the variants of each
            in the same order.
    """
    corners = np.array(cells).reshape(2, 2, -1)
    values = _mean_parts(figure_values(sample.totals, sample.protocol), corners)
    drawn = _mean_parts(sample.drawn, corners) if sample.drawn else None
    parts = {}
    for index, (part, moved) in enumerate(_moved_images(sample, corners).items()):
        if np.isnan(values[index]):
            parts[part] = Estimate(reason="undefined under one of the label sets, or between them")
            continue
        estimate = change_without_interval(sample, moved)
        if estimate is None:
            assert drawn is not None, "a sample of enough images has replicates"
            estimate = percentiles(drawn[index])
        parts[part] = replace(estimate, value=float(values[index]))
    return parts


def _mean_parts(figures: Mapping[str, Values], corners: NDArray[np.int64]) -> Values:
    """The parts, [parts, ...], as means over variants; figures are [..., cells], and corners [2, 2, variants]."""
    f1, recall, tnr, yes_share = (
        np.moveaxis(figures[name][..., corners], (-3, -2), (0, 1))
        for name in ("f1", "recall", "tnr", "yes_share")
    )
    # The share of yes is a switch of its own: the F1 of each corner is taken at that of either label set.
    own_shares = np.stack([yes_share[0, 0], yes_share[1, 1]])
    taken = f1_at(own_shares, recall[:, :, None], 1 - tnr[:, :, None])
    changes = mean_over_orders(np.where(np.isnan(f1)[:, :, None], np.nan, taken))
    mean: Values = changes.mean(axis=-1)
    return mean


def mean_over_orders(values: Values) -> Values:
    """What each of three switches changes, [3, ...], as the mean over the orders in which they are turned on.

    Args:
        values: [2, 2, 2, ...], by whether each switch is on.
    """
    changes = np.zeros((len(PARTS), *values.shape[len(PARTS) :]))
    for order in _ORDERS:
        switches = [0] * len(PARTS)
        for part in order:
            before = values[tuple(switches)]
            switches[part] = 1
            changes[part] += (values[tuple(switches)] - before) / len(_ORDERS)
    return changes


def _moved_images(sample: Sample, corners: NDArray[np.int64]) -> dict[str, NDArray[np.bool_]]:
    """Whether each part moves what F1 counts of an image, [images]; prevalence moves where numbers of labels do."""
    of_whole = shares(sample.counts[:, corners], sample.protocol)
    counts = np.stack([*of_whole["recall"], *of_whole["tnr"]])
    n_of_label = counts[1::2]  # what recall and tnr divide by: the numbers of questions with either label
    moved = (
        counts[:, :, 1] != counts[:, :, 0],
        counts[:, :, :, 1] != counts[:, :, :, 0],
        n_of_label[:, :, 1, 1] != n_of_label[:, :, 0, 0],
    )
    return {part: each.any(axis=(0, *range(2, each.ndim))) for part, each in zip(PARTS, moved, strict=True)}


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
    """The numbers of the TP, FP, TN, FN before that are gone, since their question is ambiguous."""


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
    verdicts = []
    for variant, labels in before.items():
        corrected = after.get(variant, {})
        for question, label in labels.items():
            answer = answers.get(question)
            if answer is not None:
                reading, corrected_label = read(answer.response), corrected.get(question)
                outcome = None if corrected_label is None else OUTCOME_OF[corrected_label, reading]
                verdicts.append(Verdict(variant, answer, OUTCOME_OF[label, reading], outcome))
    return tuple(verdicts)


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
    return _gathered_verdicts(verdict for verdict in verdicts if verdict.before != verdict.after)


def remaining_errors(verdicts: Sequence[Verdict]) -> tuple[TurnedVerdict, ...]:
    """The answered questions that are errors under both label sets, unparsed ones included.

    An unparsed answer is an error by the protocols that count it; the outcome tells it apart.
    """
    return _gathered_verdicts(
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


def _gathered_verdicts(verdicts: Iterator[Verdict]) -> tuple[TurnedVerdict, ...]:
    """One verdict for each question and pair of outcomes, with the variants that have them."""
    by_outcomes: dict[Hashable, list[Verdict]] = {}
    for verdict in verdicts:
        by_outcomes.setdefault((verdict.answer.question, verdict.before, verdict.after), []).append(verdict)
    return tuple(
        TurnedVerdict(
            answer=same[0].answer,
            variants=tuple(verdict.variant for verdict in same),
            before=same[0].before,
            after=same[0].after,
        )
        for same in by_outcomes.values()
    )
