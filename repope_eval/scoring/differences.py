"""Every pair of models on the questions that both answered: how far apart, how surely, and what could be seen at all.

The same drawn images serve both models, so that what makes an image hard for both cancels out.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from math import ceil, isnan

import numpy as np

from repope_eval.records import Variant
from repope_eval.scoring.bootstrap import FEWEST_IMAGES, Interval, interval_of
from repope_eval.scoring.shared_questions import Cell, Column, Sampled, SharedQuestions, Values
from repope_eval.scoring.step_down import standard_error, step_down
from repope_eval.wording import counted

POWER_FACTOR = 2.80
"""The normal quantiles of 97.5 and 80 %, 1.96 + 0.84: a difference of so many standard errors is found at the
two-sided 5 % level in 80 of 100 samples of images."""

ONE_POINT = 0.01
"""A difference of F1 of 0.01, which papers call a point."""

_COLUMNS_AT_ONCE = 40
"""So many models on sets of questions are drawn at a time, which bounds the memory."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One pair of models under one label set and variant."""

    first: str
    second: str
    n_questions: int
    """Distinct labelled ones that both answered: what the difference is about."""
    n_images: int
    """That these are about."""
    value: float | None
    """The first model's F1 less the second's; None where they share no question, or one is undefined."""
    interval: Interval = None
    p: float | None = None
    """Two-sided, of this pair alone."""
    p_adjusted: float | None = None
    """For all pairs of that label set and variant: those up to 5 % hold together, with a chance of at most 5 % that
    any of them is a false finding (see `step_down`)."""
    detectable: float | None = None
    """The smallest difference that so many images show with a power of 80 % (two-sided, 5 %).

    It is 2.80 standard errors, by the infinitesimal jackknife: the square root of the sum over images of what each
    moves the difference by, squared (B. Efron, "The Jackknife, the Bootstrap and Other Resampling Plans", 1982, chapter
    6). The replicates' standard deviation says the same, but for the chance of what is drawn.
    """
    images_for_one_point: int | None = None
    """How many images it would take to show a difference of one point (0.01) so: the standard error falls with the
    square root of their number."""
    reason: str | None = None
    """Why there is no value, or neither interval nor p."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pair:
    """Two models on the same questions, in one cell."""

    first: str
    second: str
    n_questions: int
    n_images: int
    value: float
    """NaN where undefined."""
    of_first: Values
    """In each replicate; a view, since the differences of all pairs at once would fill the memory."""
    of_second: Values
    linear_error: float
    """The standard error by the infinitesimal jackknife (see `Difference.detectable`)."""

    def replicates(self) -> Values:
        """Of the difference, [replicates]."""
        difference: Values = self.of_first - self.of_second
        return difference


Samples = Mapping[Column, tuple[Mapping[Cell, Sampled], int]]
"""Where the F1 of a model on a set of questions is found: in which sample, and at which place there."""


def differences(
    questions: SharedQuestions, orders: Mapping[Cell, Sequence[str]], drawn: Samples
) -> dict[str, dict[Variant, tuple[Difference, ...]]]:
    """By label set and variant.

    Args:
        questions: that the models answered.
        orders: all models in each cell; the first of a pair is the one that stands before the other.
        drawn: what has been drawn already, which need not be again.
    """
    shared = {
        frozenset(pair): questions.shared_by(pair)
        for pair in combinations(next(iter(orders.values()), ()), 2)
    }
    columns = dict.fromkeys((name, among) for pair, among in shared.items() for name in sorted(pair))
    samples = {**drawn, **_drawn(questions, [column for column in columns if column not in drawn])}
    found: dict[str, dict[Variant, tuple[Difference, ...]]] = {}
    for cell, order in orders.items():
        sizes = {
            among: (questions.n_questions(among, cell), questions.n_images(among, cell))
            for among in set(shared.values())
        }
        pairs = []
        for first, second in combinations(order, 2):
            among = shared[frozenset((first, second))]
            (one, place), (other, other_place) = (samples[name, among] for name in (first, second))
            pairs.append(
                _Pair(
                    first=first,
                    second=second,
                    n_questions=sizes[among][0],
                    n_images=sizes[among][1],
                    value=float(one[cell].values[place] - other[cell].values[other_place]),
                    of_first=one[cell].replicates[:, place],
                    of_second=other[cell].replicates[:, other_place],
                    linear_error=float(
                        np.linalg.norm(
                            one[cell].influences[:, place] - other[cell].influences[:, other_place]
                        )
                    ),
                )
            )
        found.setdefault(cell[0], {})[cell[1]] = _differences(pairs)
    return found


def _drawn(questions: SharedQuestions, columns: Sequence[Column]) -> Samples:
    """Where models answered different questions; of 34 that all did, 1,122 columns, which hold 0.7 GB."""
    found: dict[Column, tuple[Mapping[Cell, Sampled], int]] = {}
    for start in range(0, len(columns), _COLUMNS_AT_ONCE):
        some = columns[start : start + _COLUMNS_AT_ONCE]
        of_cells = questions.sample(some, ["f1"])["f1"]
        found |= {column: (of_cells, place) for place, column in enumerate(some)}
    return found


def _differences(pairs: Sequence[_Pair]) -> tuple[Difference, ...]:
    """Of one family of pairs, whose p are adjusted together."""
    errors = [standard_error(pair.replicates()) for pair in pairs]
    found = [_difference(pair, error) for pair, error in zip(pairs, errors, strict=True)]
    tested = [place for place, difference in enumerate(found) if difference.reason is None]

    def centred(test: int) -> Values:
        place = tested[test]
        distances: Values = np.abs(pairs[place].replicates() - pairs[place].value) / errors[place]
        return distances

    adjusted = step_down([abs(pairs[place].value) / errors[place] for place in tested], centred)
    for place, p_adjusted in zip(tested, adjusted, strict=True):
        # The two tests differ where a distribution is skewed; that for many is not to be the milder one.
        found[place] = replace(found[place], p_adjusted=max(p_adjusted, found[place].p or 0.0))
    return tuple(found)


def _difference(pair: _Pair, error: float) -> Difference:
    """All but the adjusted p."""
    plain = Difference(
        first=pair.first,
        second=pair.second,
        n_questions=pair.n_questions,
        n_images=pair.n_images,
        value=None if isnan(pair.value) else pair.value,
    )
    replicates = pair.replicates()
    reason = _reason(pair, replicates, error)
    if reason is not None:
        return replace(plain, reason=reason)
    detectable = POWER_FACTOR * pair.linear_error
    return replace(
        plain,
        interval=interval_of(replicates),
        p=_p(replicates),
        detectable=detectable,
        images_for_one_point=ceil(pair.n_images * (detectable / ONE_POINT) ** 2),
    )


def _reason(pair: _Pair, replicates: Values, error: float) -> str | None:
    """Why there is no value, or nothing that says how sure it is."""
    if pair.n_questions == 0:
        return "no question that both answered"
    if isnan(pair.value):
        return "F1 is undefined on the questions that both answered"
    if pair.n_images < FEWEST_IMAGES:
        return too_few_images(pair.n_images)
    n_undefined = int(np.isnan(replicates).sum())
    if n_undefined:
        return f"undefined in {n_undefined} of {len(replicates)} replicates"
    return None if error > 0 else "no replicate differs"


def too_few_images(n_images: int) -> str:
    """What stands in place of an interval or a p of too few images."""
    return f"{counted(n_images, 'image')}, and it takes {FEWEST_IMAGES}"


def _p(differences: Values) -> float:
    """Two-sided p value of no difference: the level at which the percentile interval would end at 0.

    That is twice the smaller of the shares of replicates up to 0 and from 0, where ties count for both sides
    (Efron and Tibshirani, 1993, section 15.4: a test from a confidence interval). Where no replicate lies on
    one side, its share is only known to be small; it is counted as half a replicate, so that p is not below
    1 / replicates and never 0.
    """
    n_beyond = min(int((differences <= 0).sum()), int((differences >= 0).sum()))
    return float(min(1.0, 2 * max(n_beyond, 0.5) / len(differences)))
