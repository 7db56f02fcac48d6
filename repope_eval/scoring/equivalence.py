"""Whether two results are the same within a margin: two one-sided tests of the difference of their F1.

They are the same within the margin m where tests at 5 % each exclude that the difference is -m or below, and that it is
m or above, which is where its two-sided 90 % interval lies inside the margin (D. J. Schuirmann, "A Comparison of the
Two One-Sided Tests Procedure and the Power Approach for Assessing the Equivalence of Average Bioavailability", Journal
of Pharmacokinetics and Biopharmaceutics 15 (1987), 657-680).

Results that may be the same differ in few images or in none, where percentiles of a bootstrap lie too close together:
of results that differ by the margin, they show 6 to 11 of 100 to be the same where 5 to 40 of 500 images differ
(`perf/equivalence.py`). So the images that raise the difference and those that lower it are taken for rare events of
different weights, and the interval is that of the difference of two sums of such (`bootstrap.distances_of_difference`),
which allows for one further image. Where no answer differs, it reaches as far as three further images would.

It counts on images that turn at most half of their questions one way, unless one was seen that turns more. Where a few
images turn all of them, and the others none, it errs in up to 18 of 100 with 100 images.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import ceil, isnan, sqrt
from statistics import NormalDist
from typing import Literal

import numpy as np

from repope_eval.records import Answer, LabelSet, Question, Variant
from repope_eval.scoring.bootstrap import (
    RareEvents,
    counts_by_image,
    distances_of_difference,
    labelled_images,
    variant_cells,
)
from repope_eval.scoring.confusion import Values, figure_values, shares
from repope_eval.scoring.estimates import Interval
from repope_eval.scoring.intervals import FEWEST_EVENTS
from repope_eval.scoring.power import USUAL_POWER
from repope_eval.scoring.protocols import PROTOCOLS, Protocol
from repope_eval.settings import config

CONFIDENCE_OF_TWO_TESTS = 0.90
"""That of the interval whose ends are those of two one-sided tests at 5 %."""

Verdict = Literal["same", "not shown", "different"]

_PRECISION = 1e-3
"""A number of images that it takes is found to so large a part of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Equivalence:
    """What is known of two results being the same, in one variant."""

    margin: float
    """In F1, from 0 to 1."""
    value: float | None
    """F1 of the first less that of the second on the questions that both answered; None where undefined."""
    interval: Interval = None
    """The 90 % interval of the difference; None where there is none (see `reason`)."""
    images_needed: int | None = None
    """About how many images it takes to show that they are the same, if they are, in 80 of 100 samples of images; None
    where that is shown or excluded, and where the images that there are would do."""
    reason: str = ""
    """Why there is no interval."""

    @property
    def verdict(self) -> Verdict:
        """Whether the interval lies inside the margin, beyond it, or neither."""
        if self.interval is None:
            return "not shown"
        low, high = self.interval
        if -self.margin < low and high < self.margin:
            return "same"
        return "different" if low >= self.margin or high <= -self.margin else "not shown"


def equivalences(
    a: Mapping[Question, Answer],
    b: Mapping[Question, Answer],
    labels: LabelSet,
    protocol: config.Protocol,
    margin: float,
) -> dict[Variant, Equivalence]:
    """Whether two results are the same within a margin of F1, by variant, on the questions that both answered."""
    shared = LabelSet(
        labels.name,
        {
            variant: {question: label for question, label in of.items() if question in a and question in b}
            for variant, of in labels.variants.items()
        },
    )
    images = labelled_images([shared])
    first, second = (counts_by_image([shared], images, each, PROTOCOLS[protocol]) for each in (a, b))
    return {
        variant: equivalence(first[:, list(cells)], second[:, list(cells)], PROTOCOLS[protocol], margin)
        for _, variant, cells in variant_cells([shared])
    }


def equivalence(first: Values, second: Values, protocol: Protocol, margin: float) -> Equivalence:
    """Whether two results are the same within a margin of F1, the mean over some cells.

    Args:
        first: how often each outcome occurs, [images, cells, outcomes].
        second: the same of the other result, about the same questions.
        protocol: the protocol, which says what becomes of unparsed answers.
        margin: above 0.
    """
    has_questions = first.any(axis=(1, 2))
    n_images = int(has_questions.sum())
    f1 = [figure_values(each.sum(axis=0), protocol)["f1"].mean() for each in (first, second)]
    value = float(f1[0] - f1[1])
    if n_images == 0:
        return Equivalence(margin=margin, value=None, reason="no question that both answered")
    if isnan(value):
        reason = "F1 is undefined on the questions that both answered"
        return Equivalence(margin=margin, value=None, reason=reason)
    if n_images == 1:
        return Equivalence(margin=margin, value=value, reason="both answered about a single image")
    moves = _moves(first[has_questions], second[has_questions], protocol)
    down, up = distances_of_difference(*moves.events(), CONFIDENCE_OF_TWO_TESTS)
    found = Equivalence(margin=margin, value=value, interval=(max(-1.0, value - down), min(1.0, value + up)))
    return (
        found if found.verdict != "not shown" else replace(found, images_needed=moves.images_needed(margin))
    )


@dataclass(frozen=True, slots=True)
class _Moves:
    """By how much each image moves the difference of two results' F1."""

    of_images: Values
    """[images]; they add up to the difference."""
    half_of_questions: float
    """By how much an image would whose questions, or half of them if there are several, all turn one way."""

    @property
    def n_events(self) -> float:
        """How many images that move it equally would tell as much (Kish's number, see `intervals.number_of_events`)."""
        total, squares = float(np.abs(self.of_images).sum()), float(self.of_images @ self.of_images)
        return total**2 / squares if squares else 0.0

    def further(self, times: float = 1.0) -> float:
        """The weight of a further image, where there are so many times as many images.

        It is that of the largest seen. Where few are seen, one that turns half of its questions may not be among them.
        """
        largest = float(np.abs(self.of_images).max())
        is_seen = times * self.n_events >= FEWEST_EVENTS
        return (largest if is_seen else max(largest, self.half_of_questions)) / times

    def events(self) -> tuple[RareEvents, RareEvents]:
        """The images that raise the difference, and those that lower it."""
        raising, lowering = (np.maximum(0, sign * self.of_images) for sign in (1, -1))
        further = self.further()
        return (
            RareEvents(float(raising.sum()), float(raising @ raising), further),
            RareEvents(float(lowering.sum()), float(lowering @ lowering), further),
        )

    def images_needed(self, margin: float) -> int | None:
        """How many images show that two results are the same which differ in as many of them, and not on the whole.

        The margin has to hold the distance to the end of the interval, and beyond it what the difference strays by:
        with a power of 80 % it has 90 % of its chance on either side (S. A. Julious, "Sample Sizes for Clinical Trials
        with Normal Data", Statistics in Medicine 23 (2004), 1921-1986, for a true difference of 0). The former is that
        of the interval itself, and not the normal one. Both fall as images get more, so their number is found by
        halving.
        """
        if self._reach(1.0) <= margin:
            return None
        low, high = 1.0, 2.0
        while self._reach(high) > margin:
            low, high = high, 2 * high
        while high / low > 1 + _PRECISION:
            middle = sqrt(low * high)
            low, high = (low, middle) if self._reach(middle) <= margin else (middle, high)
        return ceil(len(self.of_images) * high)

    def _reach(self, times: float) -> float:
        """The margin that so many times as many images show results to be the same within that are."""
        total, squares = float(np.abs(self.of_images).sum()), float(self.of_images @ self.of_images)
        # Half of what moves the difference goes either way, in sum and in squares.
        events = RareEvents(total / 2, squares / 2 / times, self.further(times))
        _, up = distances_of_difference(events, events, CONFIDENCE_OF_TWO_TESTS)
        return up + NormalDist().inv_cdf((1 + USUAL_POWER) / 2) * sqrt(squares / times)


def _moves(first: Values, second: Values, protocol: Protocol) -> _Moves:
    """The moves of the mean F1 over cells; arguments as in `equivalence`.

    F1 is 2 x / s, with x the hits and s the sum of hits and of what Jaccard's index divides by. So the difference is
    2 (m_s (x - x') - m_x (s - s')) / (s s') with the means m of both results, which is a sum over images.
    """
    (x, s), (other_x, other_s) = (_hits_and_sums(each, protocol) for each in (first, second))
    of_both = s.sum(axis=0) * other_s.sum(axis=0)
    of_hit = (s + other_s).sum(axis=0) / of_both
    of_sum = (x + other_x).sum(axis=0) / of_both
    moved = (of_hit * (x - other_x) - of_sum * (s - other_s)).mean(axis=-1)
    # A turned answer to a question with label yes is a hit more or less, and with label no a false alarm.
    of_whole = shares(first, protocol)
    n_yes, n_no = of_whole["tp"][1], of_whole["fp"][1]
    turned = ((of_hit - of_sum) * n_yes + of_sum * n_no).mean(axis=-1)
    # The mean over questions, not over images: those with many questions turn more.
    half = float(turned @ turned / turned.sum()) / 2
    of_question = float(np.maximum(of_hit - of_sum, of_sum).mean())
    return _Moves(moved, max(half, of_question))


def _hits_and_sums(counts: Values, protocol: Protocol) -> tuple[Values, Values]:
    """Hits, and hits added to what Jaccard's index divides by, both [images, cells]."""
    hits, whole = shares(counts, protocol)["f1"]
    return hits, hits + whole
