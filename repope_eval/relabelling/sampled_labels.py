"""What is known from a sample of labels: which questions people looked at, and how wide an interval that gives.

Chance is in which questions were looked at. Few labels are wrong among those that nobody doubted, so those found are
counts of rare events, each divided by its probability. Those that raise a figure and those that lower it each have the
gamma interval of such sums (with half of a further event's weight, as the mid-p interval has it: M. P. Fay and S. Kim,
Biometrical Journal 59 (2017), 377-387), and both are put together (see `bootstrap.distances_of_difference`).
"""

import math
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from repope_eval.records import Question
from repope_eval.scoring.bootstrap import RareEvents, distances_of_difference
from repope_eval.scoring.estimates import CONFIDENCE, Interval

Floats = NDArray[np.float64]

_HALVINGS = 40

WIDEST = 0.5
"""The widest interval of a figure that is told: one that is wider holds both what a coin gets and the best there is."""


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
class Sample:
    """The questions, and what people found about those that they looked at."""

    old: NDArray[np.bool_]
    """Whether the old label is yes, [questions]."""
    probabilities: Floats
    """Each question's probability of being looked at, [questions]."""
    looked: NDArray[np.int64]
    """The places of the questions that were looked at, [looked]."""
    labels: Floats
    """Their true labels, [looked]: 1 yes, 0 no, NaN where it counts nowhere."""
    is_open: NDArray[np.bool_]
    """Whether each of them may be yes, no or ambiguous, [looked]."""

    @staticmethod
    def of(
        old: Mapping[Question, bool],
        looked: Mapping[Question, Looked],
        probabilities: Mapping[Question, float],
    ) -> "Sample":
        """The sample, with the questions in the order of the old labels."""
        places = {question: place for place, question in enumerate(old)}
        known = [(places[question], each) for question, each in looked.items()]
        return Sample(
            old=np.array(list(old.values()), dtype=bool),
            probabilities=np.array([probabilities[question] for question in old]),
            looked=np.array([place for place, _ in known], dtype=np.int64),
            labels=np.array([np.nan if each.label is None else float(each.label) for _, each in known]),
            is_open=np.array([each.is_open for _, each in known], dtype=bool),
        )

    @property
    def seen(self) -> Floats:
        """The probability of being looked at of each question that was, [looked]."""
        return self.probabilities[self.looked]


@dataclass(frozen=True, slots=True, eq=False)
class Growth:
    """How the width of an interval falls as more labels are drawn in the same way.

    Every probability grows by one factor, up to 1. A question then adds its squared deviation times 1 / probability - 1
    to the variance, which is estimated by the questions that were looked at (Horvitz and Thompson's variance of a
    sample that is drawn independently; C.-E. Särndal, B. Swensson and J. Wretman, "Model Assisted Survey Sampling",
    1992, section 3.2, Poisson sampling).
    """

    width: float
    """The width with the labels that there are, before it is cut to what the figure can be."""
    fixed: float
    """The part of it that further labels do not narrow: what open questions leave open."""
    seen: Floats
    """The probabilities of the questions that were looked at, [looked]."""
    squares: Floats
    """The square of what each of them adds to the estimate, divided by its probability, [looked]."""
    probabilities: Floats
    """Those of all questions, [questions]."""

    @property
    def n_labels(self) -> int:
        """How many labels there are."""
        return len(self.seen)

    def width_with(self, n_labels: int) -> float:
        """The width with so many labels in all, as many as there are or more."""
        if n_labels >= len(self.probabilities):
            return self.fixed
        now = self._variance(1.0)
        if n_labels <= self.n_labels or now <= 0:
            return self.width
        return self.fixed + (self.width - self.fixed) * math.sqrt(
            self._variance(self._factor(n_labels)) / now
        )

    def labels_for(self, width: float) -> int | None:
        """About how many labels in all an interval takes that is no wider; None where no number is enough."""
        if width < self.fixed:
            return None
        numbers = range(self.n_labels, len(self.probabilities))
        return self.n_labels + bisect_left(numbers, True, key=lambda number: self.width_with(number) <= width)

    def _factor(self, n_labels: int) -> float:
        """What every probability grows by with so many labels; they add up to the number."""
        low, high = 1.0, 1 / self.probabilities[self.probabilities > 0].min()
        total = n_labels * self.probabilities.sum() / self.n_labels
        for _ in range(_HALVINGS):
            middle = (low + high) / 2
            is_enough = np.minimum(1, middle * self.probabilities).sum() >= total
            low, high = (low, middle) if is_enough else (middle, high)
        return float(high)

    def _variance(self, factor: float) -> float:
        then = np.minimum(1, factor * self.seen)
        return float((self.squares * self.seen * (1 / then - 1)).sum())


@dataclass(frozen=True, slots=True)
class FigureEstimate:
    """A figure under true labels, or a difference of two."""

    value: float | None
    """None where it is undefined, and where the labels are too few."""
    ci95: Interval | None
    """The 95 % interval; the value itself at both ends where every question was looked at and settled."""
    growth: Growth | None = None
    """What further labels make of its width; None where there is no interval."""
    n_needed: int | None = None
    """Where the labels are too few, about how many it takes in all; else None. They suffice where the interval, before
    it is cut to what a figure can be, is no wider than `WIDEST`."""

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

    def width_with(self, more: int) -> float | None:
        """The width that the interval would have with as many further labels; None where there is no interval."""
        if self.growth is None or self.width is None:
            return None
        return min(self.width, self.growth.width_with(self.growth.n_labels + more))


def too_few(n_needed: int) -> str:
    """Why a figure is missing that takes more labels, about so many in all."""
    return f"too few labels: about {n_needed:,} are needed"


def interval_distances(
    deviations: Floats, variances: Floats, further: Sequence[float], confidence: float = CONFIDENCE
) -> tuple[float, float]:
    """The distances from an estimate down and up to the ends of its interval.

    Args:
        deviations: what each question that was looked at adds, divided by its probability; 0 where it was certain.
        variances: the variance of each.
        further: half the weight of a further event that raises the figure, and of one that lowers it.
        confidence: of the interval.
    """
    if not variances.any() and not any(further):
        return 0.0, 0.0
    events = [
        RareEvents(
            float(np.maximum(0, sign * deviations).sum()),
            float(variances[sign * deviations > 0].sum()),
            weight,
        )
        for sign, weight in zip((1, -1), further, strict=True)
    ]
    return distances_of_difference(events[0], events[1], confidence)


def share_of(hits: Floats, seen: Floats, probabilities: Floats) -> FigureEstimate:
    """The estimated share of some questions that are of a kind.

    Args:
        hits: 1 for each question that was looked at and is of the kind, else 0, or a part of 1.
        seen: their probabilities of being looked at.
        probabilities: those of all the questions, looked at or not.
    """
    divided = np.where(seen < 1, hits / seen, 0)
    value = float((hits / seen).sum())
    unsure = probabilities[probabilities < 1]
    further = float((np.sqrt(1 - unsure) / unsure).mean()) / 2 if len(unsure) else 0.0
    low, high = interval_distances(divided, (1 - seen) * divided**2, (further, 0.0))
    if not (seen < 1).any():
        low = high = 0.0
    shares = np.array([value, value - low, value + high]) / len(probabilities)
    growth = Growth(float(shares[2] - shares[1]), 0.0, seen, divided**2, probabilities)
    if growth.width > WIDEST:
        return FigureEstimate(None, None, n_needed=growth.labels_for(WIDEST))
    value, low, high = np.clip(shares, 0, 1).tolist()
    return FigureEstimate(value, (low, high), growth)
