"""The scores that a whole benchmark would have under corrected labels, estimated from the part that was looked at.

The old label stands for the true one of every question, and the questions that were looked at correct it, each
divided by its probability of being looked at: A. N. Angelopoulos et al., "Prediction-powered Inference", Science 382
(2023), 669-674, with the labels for predictions; with unequal probabilities it is the difference estimator (C.-E.
Särndal, B. Swensson and J. Wretman, "Model Assisted Survey Sampling", 1992, chapter 6). It is unbiased whatever the old
labels are worth; the better they are, the narrower the interval.

An interval is about the questions of this benchmark: chance is in which of them were looked at. Few labels are wrong
among those that nobody doubted, so those found are counts of rare events with weights. Those that raise a figure and
those that lower it each have the gamma interval of such sums (with half of a further event's weight, as the mid-p
interval has it: M. P. Fay and S. Kim, Biometrical Journal 59 (2017), 377-387), and both are put together (see
`bootstrap.distances_of_difference`).

What people looked at and did not settle is not missing at random: they dispute what is hard, and wrong labels are. An
interval therefore holds each label that such a question may have: it reaches from the lower end where all of them turn
out worst for the model to the upper end where all turn out best, worst-case bounds for what is missing (C. F. Manski,
"Nonparametric Bounds on Treatment Effects", American Economic Review 80 (1990), 319-323).
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from repope_eval.records import Answer, Question, Variant
from repope_eval.scoring.bootstrap import MEAN, RareEvents, distances_of_difference, has_mean
from repope_eval.scoring.confusion import OUTCOME_OF, OUTCOMES, figure_values
from repope_eval.scoring.estimates import Interval
from repope_eval.scoring.protocols import Protocol, remembering

FIGURES = ("f1", "precision", "recall", "accuracy")
WIDEST = 0.5
"""The widest interval of a figure that is told: one that is wider holds both what a coin gets and the best there is."""
_STEP = 1e-3
"""Change of a count by which gradients are taken."""

Floats = NDArray[np.float64]

FigureOf = Callable[[Floats], Floats]
"""A figure of counts, [..., counts] to [...]; NaN where it is undefined."""


@dataclass(frozen=True, slots=True)
class Looked:
    """What people found about a question that they looked at."""

    label: bool | None
    """The true label; None where the question is ambiguous or open, and so counts nowhere."""
    probability: float
    """The probability of being looked at."""
    is_open: bool = False
    """Whether nobody settled it, so that it may be yes, no or ambiguous."""


@dataclass(frozen=True, slots=True)
class FigureEstimate:
    """A figure under true labels."""

    value: float | None
    """None where it is undefined, and where the labels are too few."""
    ci95: Interval | None
    """The 95 % interval; the value itself at both ends where every question was looked at and settled."""
    more: float | None = None
    """The width that the interval would have with as many further labels as were asked about."""
    n_needed: int | None = None
    """Where the labels are too few, about how many it takes in all (see `labels_needed`); else None."""

    @property
    def reason(self) -> str:
        """Why there is no value; empty where there is one."""
        if self.n_needed is not None:
            return too_few(self.n_needed)
        return "undefined" if self.value is None else ""

    @property
    def width(self) -> float | None:
        """The width of the interval; None where there is none."""
        return None if self.ci95 is None else self.ci95[1] - self.ci95[0]


@dataclass(frozen=True, slots=True)
class EstimatedCounts:
    """What a figure of one model is made of, such as its outcomes in one variant."""

    totals: Floats
    """[counts], estimated."""
    corrections: Floats
    """[looked at, counts]: what each question that was looked at changes, before it is divided."""
    flips: Floats
    """[not certain, counts]: what each other question would change if its label were the opposite."""

    @staticmethod
    def corrected(counts: Floats, corrections: Floats, seen: Floats, flips: Floats) -> "EstimatedCounts":
        """The counts by the old labels, [counts], corrected by what was looked at, with these probabilities."""
        totals = np.maximum(0, counts + (corrections / seen.reshape(-1, 1)).sum(axis=0))
        return EstimatedCounts(totals, corrections, flips)


@dataclass(frozen=True, slots=True)
class LookedShare:
    """Which part of the questions people looked at, by probabilities."""

    seen: Floats
    """The probability of being looked at of each question that was."""
    unsure: Floats
    """That of each question for which it is not certain, be it looked at or not."""
    n_questions: int
    more: int = 0
    """Number of further labels, for the width that they would give."""


def estimate(
    variants: Mapping[Variant, Mapping[Question, bool]],
    looked: Mapping[Question, Looked],
    probabilities: Mapping[Question, float],
    answers: Mapping[Question, Answer],
    protocol: Protocol,
    more: int = 0,
) -> dict[Variant, dict[str, FigureEstimate]]:
    """The figures of one model by variant, and their mean under `MEAN` where there are several.

    An open question counts nowhere in the value, and the interval holds every label that it may have. Each
    figure rises with each question that turns out as the model said; one that is ambiguous lies between.

    Args:
        variants: the old labels.
        looked: what was found about the questions that people looked at.
        probabilities: each question's probability of being looked at.
        answers: what the model said.
        protocol: how answers are read.
        more: number of further labels, for the width that they would give.
    """
    if not any(each.is_open for each in looked.values()):
        return _estimate_settled(variants, looked, probabilities, answers, protocol, more)
    value, worst, best = (
        _estimate_settled(variants, resolved, probabilities, answers, protocol, more)
        for resolved in (
            looked,
            _with_open_questions_settled(looked, answers, protocol, as_said=False),
            _with_open_questions_settled(looked, answers, protocol, as_said=True),
        )
    )
    return {
        variant: {
            figure: bounded_estimate(figures[figure], worst[variant][figure], best[variant][figure])
            for figure in FIGURES
        }
        for variant, figures in value.items()
    }


def labels_needed(width: float, seen: Floats, n_questions: int) -> int | None:
    """About how many labels a figure takes; None where those that there are suffice.

    They suffice where the interval, before it is cut to what a figure can be, is no wider than `WIDEST`. Its width
    falls with the root of the number of drawn labels, or faster as long as no wrong one is found, so that the number
    tends to be too high. What was certain to be looked at says nothing of the others, and is counted on top.

    Args:
        width: the width of the interval, not cut.
        seen: the probabilities of being looked at of the questions that were.
        n_questions: how many questions there are to be labelled.
    """
    if width <= WIDEST:
        return None
    n_drawn = int((seen < 1).sum())
    return min(n_questions, len(seen) - n_drawn + math.ceil(n_drawn * (width / WIDEST) ** 2))


def too_few(n_needed: int) -> str:
    """Why a figure is missing that takes more labels, about so many in all."""
    return f"too few labels: about {n_needed:,} are needed"


def share_of(hits: Floats, seen: Floats, probabilities: Floats) -> FigureEstimate:
    """The estimated share of some questions that are of a kind.

    Args:
        hits: 1 for each question that was looked at and is of the kind, else 0, or a part of 1.
        seen: their probabilities of being looked at.
        probabilities: those of all the questions, looked at or not.
    """
    value = float((hits / seen).sum())
    unsure = probabilities[probabilities < 1]
    further = float((np.sqrt(1 - unsure) / unsure).mean()) / 2 if len(unsure) else 0.0
    low, high = _interval_distances(hits, seen, (further, 0.0))
    shares = np.array([value, value - low, value + high]) / len(probabilities)
    if n_needed := labels_needed(float(shares[2] - shares[1]), seen, len(probabilities)):
        return FigureEstimate(None, None, n_needed=n_needed)
    value, low, high = np.clip(shares, 0, 1).tolist()
    return FigureEstimate(value, (low, high))


def _with_open_questions_settled(
    looked: Mapping[Question, Looked],
    answers: Mapping[Question, Answer],
    protocol: Protocol,
    *,
    as_said: bool,
) -> dict[Question, Looked]:
    """Every open question settled as the model said, or as its opposite; an unread answer says neither yes nor no."""
    read = remembering(protocol).read
    said = {
        question: read(answers[question].response) is True
        for question, each in looked.items()
        if each.is_open and question in answers
    }
    return {
        question: replace(each, label=said.get(question, False) == as_said) if each.is_open else each
        for question, each in looked.items()
    }


def bounded_estimate(value: FigureEstimate, worst: FigureEstimate, best: FigureEstimate) -> FigureEstimate:
    """An estimate whose interval reaches from the lower end of the lowest one to the upper end of the highest one.

    Args:
        value: with the open questions left out.
        worst: with all of them settled so that the figure is lowest.
        best: with all of them settled so that it is highest.
    """
    needed = [each.n_needed for each in (value, worst, best) if each.n_needed is not None]
    if needed:
        return FigureEstimate(None, None, n_needed=max(needed))
    if value.value is None or worst.ci95 is None or best.ci95 is None:
        return replace(value, ci95=None, more=None)
    more = None
    if worst.more is not None and best.more is not None:
        # Labels of further questions settle none of these, which keep their part of the width.
        more = (best.value or 0) - (worst.value or 0) + (worst.more + best.more) / 2
        more = min(more, best.ci95[1] - worst.ci95[0])
    return replace(value, ci95=(worst.ci95[0], best.ci95[1]), more=more)


def _estimate_settled(
    variants: Mapping[Variant, Mapping[Question, bool]],
    looked: Mapping[Question, Looked],
    probabilities: Mapping[Question, float],
    answers: Mapping[Question, Answer],
    protocol: Protocol,
    more: int,
) -> dict[Variant, dict[str, FigureEstimate]]:
    """As `estimate`, with each question taken as it is labelled."""
    unsure = [question for question, probability in probabilities.items() if probability < 1]
    share = LookedShare(
        seen=np.array([each.probability for each in looked.values()]),
        unsure=np.array([probabilities[question] for question in unsure]),
        n_questions=len(probabilities),
        more=more,
    )
    counted = {
        variant: _count_outcomes(labels, looked, unsure, answers, protocol)
        for variant, labels in variants.items()
    }
    sets: dict[Variant, tuple[Variant, ...]] = {variant: (variant,) for variant in variants}
    if has_mean(variants):
        sets[MEAN] = tuple(variants)
    figures_of = {
        figure: lambda totals, figure=figure: figure_values(totals, protocol)[figure] for figure in FIGURES
    }
    return {
        name: {
            figure: estimate_mean(of_counts, [counted[variant] for variant in among], share)
            for figure, of_counts in figures_of.items()
        }
        for name, among in sets.items()
    }


def _count_outcomes(
    labels: Mapping[Question, bool],
    looked: Mapping[Question, Looked],
    unsure: Sequence[Question],
    answers: Mapping[Question, Answer],
    protocol: Protocol,
) -> EstimatedCounts:
    read = remembering(protocol).read
    places = {name: place for place, name in enumerate(OUTCOMES)}

    def place(question: Question, *, label: bool) -> int:
        answer = answers.get(question)
        return places["unanswered" if answer is None else OUTCOME_OF[label, read(answer.response)]]

    def outcomes(questions: Sequence[Question], truths: Sequence[bool | None]) -> Floats:
        """[questions, outcomes], one at the outcome's place; nothing for a question that does not count."""
        marks = np.zeros((len(questions), len(OUTCOMES)))
        for row, (question, label) in enumerate(zip(questions, truths, strict=True)):
            if label is not None:
                marks[row, place(question, label=label)] = 1
        return marks

    def changes(questions: Sequence[Question], truths: Sequence[bool | None]) -> Floats:
        """How the outcomes change if these are the labels; zeros for a question of another variant."""
        differences = np.zeros((len(questions), len(OUTCOMES)))
        here = [row for row, question in enumerate(questions) if question in labels]
        asked = [questions[row] for row in here]
        differences[here] = outcomes(asked, [truths[row] for row in here])
        differences[here] -= outcomes(asked, [labels[question] for question in asked])
        return differences

    corrections = changes(list(looked), [each.label for each in looked.values()])
    return EstimatedCounts.corrected(
        outcomes(list(labels), list(labels.values())).sum(axis=0),
        corrections,
        np.array([each.probability for each in looked.values()]),
        changes(unsure, [not labels.get(question, False) for question in unsure]),
    )


def estimate_mean(
    figure_of: FigureOf, parts: Sequence[EstimatedCounts], share: LookedShare
) -> FigureEstimate:
    """The mean of a figure over some counts, such as those of variants, with its interval."""
    values = [float(figure_of(part.totals)) for part in parts]
    if np.isnan(values).any():
        return FigureEstimate(None, None)
    value = float(np.mean(values))
    gradients = [_figure_gradient(figure_of, part.totals) / len(parts) for part in parts]
    effects = sum(part.corrections @ slope for part, slope in zip(parts, gradients, strict=True))
    weights = np.sqrt(1 - share.unsure) / share.unsure
    flips = weights * sum(part.flips @ slope for part, slope in zip(parts, gradients, strict=True))
    further = [
        float(each.mean()) / 2 if len(each := sign * flips[sign * flips > 0]) else 0.0 for sign in (1, -1)
    ]
    low, high = _interval_distances(np.asarray(effects), share.seen, further)
    if n_needed := labels_needed(low + high, share.seen, share.n_questions):
        return FigureEstimate(None, None, n_needed=n_needed)
    n_seen = int((share.seen < 1).sum())
    shrunk = (n_seen / (n_seen + share.more)) ** 0.5 if n_seen else 0.0
    ends = max(0.0, value - low), min(1.0, value + high)
    return FigureEstimate(value, ends, min(ends[1] - ends[0], (low + high) * shrunk) if share.more else None)


def _figure_gradient(figure_of: FigureOf, totals: Floats) -> Floats:
    """How a figure changes with each count; one that it does not hang on changes nothing."""
    gradient: Floats = (figure_of(totals + _STEP * np.eye(len(totals))) - figure_of(totals)) / _STEP
    return np.nan_to_num(gradient)


def _interval_distances(effects: Floats, seen: Floats, further: Sequence[float]) -> tuple[float, float]:
    """The distances from an estimate down and up to the ends of its interval.

    Args:
        effects: what each question that was looked at changes, before it is divided.
        seen: its probability of being looked at.
        further: half the weight of a further event that raises the figure, and of one that lowers it: the mean over the
            questions whose label, were it wrong, would do so.
    """
    left = 1 - seen
    divided = effects / seen
    raised, lowered = (np.where(left > 0, np.maximum(0, sign * divided), 0) for sign in (1, -1))
    if not (left > 0).any():
        return 0.0, 0.0
    events = [
        RareEvents(float(each.sum()), float((left * each**2).sum()), weight)
        for each, weight in zip((raised, lowered), further, strict=True)
    ]
    return distances_of_difference(events[0], events[1])
