"""Every pair of models on the questions that both answered: how far apart, how surely, and what could be seen at all.

A replicate draws the same images for every model, so its differences depend on one another as those of the models
do. A single false finding has to beat the largest of them. Unlike a bound for any dependence whatever (Holm's), this is
not limited by the smallest p that so many replicates can show.

The same drawn images serve both models, so that what makes an image hard for both cancels out.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from math import isnan

import numpy as np

from repope_eval.records import Variant
from repope_eval.scoring.bootstrap import FEWEST_IMAGES, interval_of
from repope_eval.scoring.confusion import Values
from repope_eval.scoring.estimates import Interval
from repope_eval.scoring.exchange import exchange_p, n_differing
from repope_eval.scoring.power import LEVEL, Aim
from repope_eval.scoring.shared_questions import Cell, Column, Sampled, SharedQuestions
from repope_eval.wording import counted


def step_down(statistics: Sequence[float], centred: Callable[[int], Values]) -> list[float]:
    """P values adjusted for all hypotheses of a family together.

    Those up to 5 % hold together: the chance that one or more of them are false findings is at most 5 %. With the
    hypotheses in the order of their statistics, the largest first, p of the k-th is

        (1 + replicates in which the largest centred statistic from the k-th on reaches the k-th's) / (1 + replicates)

    and at least that of the one before. Source: J. P. Romano and M. Wolf, "Stepwise Multiple Testing as Formalized
    Data Snooping", Econometrica 73 (2005), 1237-1282; as p values in their "Efficient Computation of Adjusted
    p-Values for Resampling-Based Stepdown Multiple Testing", Statistics and Probability Letters 113 (2016), 38-40.

    Args:
        statistics: each hypothesis' difference over its standard error; large ones speak against the hypothesis.
        centred: a function of a hypothesis' index: its statistic in each replicate less that in the answers.
    """
    order = sorted(range(len(statistics)), key=lambda index: -statistics[index])
    adjusted = [1.0] * len(statistics)
    largest: Values | None = None
    for index in reversed(order):
        drawn = centred(index)
        largest = drawn if largest is None else np.maximum(largest, drawn)
        adjusted[index] = (1 + int((largest >= statistics[index]).sum())) / (1 + len(largest))
    highest = 0.0
    for index in order:
        highest = adjusted[index] = max(highest, adjusted[index])
    return adjusted


def standard_error(replicates: Values) -> float:
    """The standard deviation over the replicates; NaN where one of them is undefined."""
    return float(replicates.std()) if len(replicates) else float("nan")


AIM = Aim()
"""What `detectable` and `images_for_one_point` are about: a single pair, and 80 of 100 samples of images."""

FEWEST_DIFFERING = 20
"""Where the answers differ in fewer images, a percentile interval says more than these know."""

_COLUMNS_AT_ONCE = 40
"""At most so many columns are drawn at a time, which bounds the memory."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """The difference of one pair of models under one label set and variant."""

    first: str
    second: str
    n_questions: int
    """Distinct labelled questions that both answered: what the difference is about."""
    n_images: int
    """Images that these questions are about."""
    n_differing: int
    """How many of these images the two models' answers differ about, in what F1 counts."""
    value: float | None
    """The first model's F1 less the second's; None where they share no question, or one is undefined."""
    interval: Interval = None
    p: float | None = None
    """The two-sided p value of this pair alone: of the exact test (see `exchange_p`) where there is no interval, of the
    percentile bootstrap where 100 images or more differ, and in between the larger of the two. Given 20 to 30 images
    that differ, the bootstrap alone errs in up to 6.1 % of equal models; given four, in 12.5 % (`perf/compare.py`)."""
    p_adjusted: float | None = None
    """The p value for all pairs of that label set and variant: those up to 5 % hold together, with a chance of at most
    5 % that any of them is a false finding (see `_differences`)."""
    detectable: float | None = None
    """The smallest difference that so many images show with a power of 80 % (two-sided, 5 %).

    It is 2.80 standard errors by the infinitesimal jackknife: the square root of the sum over images of the square of
    what each moves the difference by (B. Efron, "The Jackknife, the Bootstrap and Other Resampling Plans", 1982,
    chapter 6). The replicates' standard deviation says the same, but for the chance of what is drawn.
    """
    images_for_one_point: int | None = None
    """How many images it would take to show a difference of one point (0.01) with that power: the standard error falls
    with the square root of their number."""
    reason: str | None = None
    """Why there is no value or no interval."""


@dataclass(frozen=True, slots=True)
class _Pair:
    """Two models on the same questions, in one cell."""

    first: str
    second: str
    n_questions: int
    n_images: int
    of_first: Sampled
    """F1 of the first model; with views, since the differences of all pairs at once would fill the memory."""
    of_second: Sampled

    @property
    def value(self) -> float:
        """The difference, NaN where undefined."""
        return float(self.of_first.values - self.of_second.values)

    def replicates(self) -> Values:
        """The difference in each replicate, [replicates]."""
        difference: Values = self.of_first.replicates - self.of_second.replicates
        return difference


Samples = Mapping[Column, Mapping[Cell, Sampled]]
"""The F1 of single models on sets of questions, in each cell."""


def differences(
    questions: SharedQuestions,
    orders: Mapping[Cell, Sequence[str]],
    columns: Sequence[Column],
    f1: Mapping[Cell, Sampled],
) -> dict[str, dict[Variant, tuple[Difference, ...]]]:
    """The differences of all pairs, by label set and variant.

    Args:
        questions: the questions that the models answered.
        orders: all models in each cell; the first of a pair is the one that is before the other.
        columns: the models and sets of questions that have been drawn already, and need not be again.
        f1: what was drawn for them.
    """
    shared = {
        frozenset(pair): questions.shared_by(pair)
        for pair in combinations(next(iter(orders.values()), ()), 2)
    }
    needed = dict.fromkeys((name, among) for pair, among in shared.items() for name in sorted(pair))
    samples = {
        **_samples_by_column(columns, f1),
        **_drawn_samples(questions, [column for column in needed if column not in columns]),
    }
    by_label_set: dict[str, dict[Variant, tuple[Difference, ...]]] = {}
    for cell, order in orders.items():
        sizes = {
            among: (questions.n_questions(among, cell), questions.n_images(among, cell))
            for among in set(shared.values())
        }
        pairs = []
        for first, second in combinations(order, 2):
            among = shared[frozenset((first, second))]
            of_each = (samples[name, among][cell] for name in (first, second))
            pairs.append(_Pair(first, second, *sizes[among], *of_each))
        by_label_set.setdefault(cell[0], {})[cell[1]] = _differences(pairs)
    return by_label_set


def _samples_by_column(columns: Sequence[Column], f1: Mapping[Cell, Sampled]) -> Samples:
    return {
        column: {cell: sampled.model(index) for cell, sampled in f1.items()}
        for index, column in enumerate(columns)
    }


def _drawn_samples(questions: SharedQuestions, columns: Sequence[Column]) -> Samples:
    """Samples for models that answered different questions: 34 of them have 1,122 columns, which take 0.7 GB."""
    samples: dict[Column, Mapping[Cell, Sampled]] = {}
    for start in range(0, len(columns), _COLUMNS_AT_ONCE):
        some = columns[start : start + _COLUMNS_AT_ONCE]
        samples.update(_samples_by_column(some, questions.sample(some, ["f1"], drawn=["f1"])["f1"]))
    return samples


def _differences(pairs: Sequence[_Pair]) -> tuple[Difference, ...]:
    """The differences of one family of pairs, whose p are adjusted together.

    Pairs without an interval are no part of the step-down, whose replicates say too little of them: their exact p are
    multiplied by the number of all tested pairs (Bonferroni). The others get the rest of the 5 %: p of the step-down is
    multiplied by the number of all pairs and divided by the number of its own. So with n of N pairs in the step-down,
    the chance of a false finding among them is at most n/N of 5 %, that of one among the others (N - n)/N of 5 %, and
    that of any at most 5 %, however the two depend on each other.
    """
    errors = [standard_error(pair.replicates()) for pair in pairs]
    family = [_difference(pair, error) for pair, error in zip(pairs, errors, strict=True)]
    tested = [index for index, difference in enumerate(family) if difference.p is not None]
    drawn = [index for index in tested if family[index].interval is not None]

    def centred(test: int) -> Values:
        pair, error = pairs[drawn[test]], errors[drawn[test]]
        distances: Values = np.abs(pair.replicates() - pair.value) / error
        return distances

    adjusted = step_down([abs(pairs[index].value) / errors[index] for index in drawn], centred)
    of_family = {index: p / len(drawn) for index, p in zip(drawn, adjusted, strict=True)}
    for index in tested:
        p = family[index].p or 0.0
        # The two tests differ where a distribution is skewed; p for all pairs must not be below that of the pair alone.
        for_all = max(p, len(tested) * of_family.get(index, p))
        family[index] = replace(family[index], p_adjusted=min(1.0, for_all))
    return tuple(family)


def _difference(pair: _Pair, error: float) -> Difference:
    """The difference of a pair, without the adjusted p."""
    n_differ = n_differing(pair.of_first.f1_counts, pair.of_second.f1_counts)
    plain = Difference(
        first=pair.first,
        second=pair.second,
        n_questions=pair.n_questions,
        n_images=pair.n_images,
        n_differing=n_differ,
        value=None if isnan(pair.value) else pair.value,
    )
    replicates = pair.replicates()
    reason = _missing_reason(plain, replicates, error)
    if plain.value is None or n_differ == 0:
        return replace(plain, reason=reason)
    p = 0.0
    if reason is not None or n_differ < FEWEST_IMAGES:
        p = exchange_p(pair.of_first.f1_counts, pair.of_second.f1_counts)
    if reason is not None:
        return replace(plain, reason=reason, p=p)
    p = max(p, _percentile_p(replicates))
    influences = pair.of_first.influences - pair.of_second.influences
    error_of_images = float(np.linalg.norm(influences))
    return replace(
        plain,
        interval=_widened_to_zero(interval_of(replicates)) if p > LEVEL else interval_of(replicates),
        p=p,
        detectable=AIM.detectable(error_of_images),
        images_for_one_point=AIM.images(pair.n_images, error_of_images),
    )


def _missing_reason(plain: Difference, replicates: Values, error: float) -> str | None:
    """Why there is no value or no interval; None where there are both."""
    if plain.n_questions == 0:
        return "no question that both answered"
    if plain.value is None:
        return "F1 is undefined on the questions that both answered"
    if plain.n_differing == 0:
        return "their answers count alike in every image"
    if plain.n_images < FEWEST_IMAGES:
        return too_few_images(plain.n_images)
    if plain.n_differing < FEWEST_DIFFERING:
        return too_few_differing(plain.n_differing)
    n_undefined = int(np.isnan(replicates).sum())
    if n_undefined:
        return f"undefined in {n_undefined} of {len(replicates)} replicates"
    return None if error > 0 else "no replicate differs"


def too_few_images(n_images: int) -> str:
    """Why too few images have no interval."""
    return f"{counted(n_images, 'image')}, and an interval takes {FEWEST_IMAGES}"


def too_few_differing(n_images: int) -> str:
    """Why there is no interval where the answers differ in too few images."""
    return f"their answers differ in {counted(n_images, 'image')}, and an interval takes {FEWEST_DIFFERING}"


def _widened_to_zero(interval: Interval) -> Interval:
    """The interval, widened to hold 0, which the exact test does not exclude."""
    return interval and (min(interval[0], 0.0), max(interval[1], 0.0))


def _percentile_p(differences: Values) -> float:
    """The two-sided p value of no difference: the level at which the percentile interval would end at 0.

    That is twice the smaller of the shares of replicates up to 0 and from 0, where ties count for both sides
    (Efron and Tibshirani, 1993, section 15.4: a test from a confidence interval). Where no replicate is on
    one side, its share is only known to be small; it is counted as half a replicate, so that p is not below
    1 / replicates and never 0.
    """
    n_beyond = min(int((differences <= 0).sum()), int((differences >= 0).sum()))
    return float(min(1.0, 2 * max(n_beyond, 0.5) / len(differences)))
