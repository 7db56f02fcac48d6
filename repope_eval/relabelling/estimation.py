"""The figures that a whole benchmark would have under corrected labels, estimated from the part that was looked at.

The old label stands for the true one of every question, and the questions that were looked at correct it, each
divided by its probability of being looked at. That is unbiased whatever the old labels are worth; the better they are,
the narrower the interval. How much an old label counts beside a person's is fitted, as one weight from 0 (not at all)
to 1 for all runs, so that the variance of the leading figure is smallest (A. N. Angelopoulos, J. C. Duchi and T.
Zrnic, "PPI++: Efficient Prediction-Powered Inference", arXiv 2311.01453, 2023, with the old labels for predictions).
With unequal probabilities that is the difference estimator with a fitted coefficient (C.-E. Särndal, B. Swensson and
J. Wretman, "Model Assisted Survey Sampling", 1992, chapter 6). Totals are estimated, and figures are made of them, so
that all figures of a run go together, and a difference of two runs is that of their figures.

An interval is about the questions of this benchmark: chance is in which of them were looked at. A figure is taken for
linear in the totals. What each question that was looked at adds, less the mean that a sample of fixed size adds anyway,
is a deviation; the large ones are rare events, so that their sum has the interval of `sampled_labels`.
`perf/estimate.py` says how often it holds the truth.

What people looked at and did not settle is not missing at random: they dispute what is hard, and wrong labels are. An
interval therefore holds each label that such a question may have: it reaches from the lower end where all of them turn
out to lower the figure most to the upper end where all turn out to raise it most, worst-case bounds for what is missing
(C. F. Manski, "Nonparametric Bounds on Treatment Effects", American Economic Review 80 (1990), 319-323).
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import combinations, product

import numpy as np

from repope_eval.records import Answer, Question, Variant
from repope_eval.relabelling.sampled_labels import (
    WIDEST,
    FigureEstimate,
    Floats,
    Growth,
    Sample,
    interval_distances,
)
from repope_eval.scoring.bootstrap import MEAN, has_mean
from repope_eval.scoring.confusion import OUTCOME_OF, OUTCOMES, figure_values
from repope_eval.scoring.estimates import CONFIDENCE, leaves_out_zero
from repope_eval.scoring.protocols import Protocol, remembering

FIGURES = ("f1", "precision", "recall", "accuracy")
_STEP = 1e-3
"""Change of a count by which gradients are taken."""

FigureOf = Callable[[Floats], Floats]
"""A figure of counts, [..., counts] to [...]; NaN where it is undefined."""


@dataclass(frozen=True, slots=True)
class Tally:
    """What one run adds to some counts, such as the outcomes in one variant, by each question's label."""

    yes: Floats
    """What each question adds where its label is yes, [questions, counts]."""
    no: Floats
    """What it adds where its label is no, [questions, counts]. One that is ambiguous adds nothing."""
    rest: Floats | float = 0.0
    """What is counted beside the questions, [counts]."""


@dataclass(frozen=True, slots=True)
class LinearFigure:
    """A figure, and how much each question moves it by its label."""

    value: float
    """NaN where it is undefined."""
    yes: Floats
    """What each question moves it by where its label is yes, [questions], against one that counts nowhere."""
    no: Floats
    """The same where it is no."""

    def less(self, other: "LinearFigure") -> "LinearFigure":
        """This figure less another one."""
        return LinearFigure(self.value - other.value, self.yes - other.yes, self.no - other.no)


def mean_figure(figures: Sequence[LinearFigure]) -> LinearFigure:
    """The mean of some figures."""
    return LinearFigure(
        float(np.mean([each.value for each in figures])),
        np.mean([each.yes for each in figures], axis=0),
        np.mean([each.no for each in figures], axis=0),
    )


def linearised(
    tally: Tally, sample: Sample, labels: Floats, old_weight: float, figure_of: FigureOf
) -> LinearFigure:
    """A figure of the estimated counts, and its derivative by each question's label.

    Args:
        labels: the true labels of what was looked at, as `Sample.labels`.
        old_weight: how much an old label counts beside a true one.
    """
    old = np.where(sample.old[:, None], tally.yes, tally.no)
    true = np.where((labels == 1)[:, None], tally.yes[sample.looked], 0)
    true = np.where((labels == 0)[:, None], tally.no[sample.looked], true)
    corrections = (true - old_weight * old[sample.looked]) / sample.seen[:, None]
    totals = np.maximum(0, tally.rest + old_weight * old.sum(axis=0) + corrections.sum(axis=0))
    slope = _figure_gradient(figure_of, totals)
    return LinearFigure(float(figure_of(totals)), tally.yes @ slope, tally.no @ slope)


def _figure_gradient(figure_of: FigureOf, totals: Floats) -> Floats:
    """How a figure changes with each count; one that it does not hang on changes nothing."""
    gradient: Floats = (figure_of(totals + _STEP * np.eye(len(totals))) - figure_of(totals)) / _STEP
    return np.nan_to_num(gradient)


@dataclass(frozen=True, slots=True)
class EstimatedDifference:
    """The leading figure of one run less that of another one, in one variant."""

    first: str
    second: str
    estimate: FigureEstimate
    is_sure: bool
    """Whether it is more than chance even where all pairs of runs in the variant are judged together: the interval of
    a confidence of 1 - 0.05 / pairs leaves out 0 (Bonferroni)."""


@dataclass(frozen=True, slots=True)
class Place:
    """A run's place by the leading figure, 1 for the best."""

    place: int
    """By the estimates; equal ones share the better place."""
    best: int
    """One more than the number of runs that are surely better."""
    worst: int
    """The number of runs less that of those that are surely worse. `best` and `worst` hold for all runs together with
    a chance of 95 % (M. Mogstad, J. P. Romano, A. M. Shaikh and D. Wilhelm, Review of Economic Studies 91 (2024),
    476-518, with Bonferroni's bound in place of their step-down)."""


def places(
    values: Mapping[str, float], differences: Sequence[EstimatedDifference], *, lower_is_better: bool = False
) -> dict[str, Place]:
    """The places of runs, the best first.

    Args:
        values: the leading figure of each run that has one.
        differences: of every two of them.
        lower_is_better: whether it is a share of errors.
    """
    sign = -1 if lower_is_better else 1
    n_better, n_worse = dict.fromkeys(values, 0), dict.fromkeys(values, 0)
    for each in differences:
        if each.is_sure and each.estimate.value is not None:
            is_first_better = sign * each.estimate.value > 0
            better, worse = (each.first, each.second) if is_first_better else (each.second, each.first)
            n_worse[better] += 1
            n_better[worse] += 1
    order = sorted(values, key=lambda run: -sign * values[run])
    return {
        run: Place(
            place=1 + sum(sign * other > sign * values[run] for other in values.values()),
            best=1 + n_better[run],
            worst=len(values) - n_worse[run],
        )
        for run in order
    }


@dataclass(frozen=True, slots=True)
class Estimates:
    """What runs would score under true labels."""

    old_weight: float
    """How much an old label counts beside a person's."""
    figures: Mapping[str, Mapping[Variant, Mapping[str, FigureEstimate]]]
    """By run, variant (their mean under `MEAN` where there are several) and figure."""
    differences: Mapping[Variant, tuple[EstimatedDifference, ...]]
    """Of the leading figure, for every pair of runs in which both have it."""


@dataclass(frozen=True, slots=True)
class _RunFigures:
    """The figures of runs as they are where these or those labels were found."""

    runs: Mapping[str, Mapping[Variant, Tally]]
    sample: Sample
    figures: Mapping[str, FigureOf]
    old_weight: float
    _found: dict[tuple[str, Variant, str], LinearFigure] = field(default_factory=dict)
    """What was asked for already, by the labels that were found: each pair of runs needs it again."""

    @property
    def lead(self) -> str:
        """The figure that leads."""
        return next(iter(self.figures))

    @property
    def sets(self) -> Mapping[Variant, Sequence[Variant]]:
        """Each variant, and last their mean where there are several, with the variants that it is over."""
        variants = list(next(iter(self.runs.values()), {}))
        single: dict[Variant, Sequence[Variant]] = {variant: (variant,) for variant in variants}
        return single | {MEAN: variants} if has_mean(variants) else single

    def figure(self, labels: Floats, run: str, among: Variant, name: str) -> LinearFigure:
        """A figure of one run, where these are the labels of what was looked at (see `Sample.labels`)."""
        key = (run, among, name)
        if labels is self.sample.labels and key in self._found:
            return self._found[key]
        tallies = [self.runs[run][variant] for variant in self.sets[among]]
        figure = mean_figure(
            [linearised(each, self.sample, labels, self.old_weight, self.figures[name]) for each in tallies]
        )
        if labels is self.sample.labels:
            self._found[key] = figure
        return figure

    def difference(self, labels: Floats, first: str, second: str, among: Variant) -> LinearFigure:
        """The leading figure of one run less that of another."""
        of_second = self.figure(labels, second, among, self.lead)
        return self.figure(labels, first, among, self.lead).less(of_second)


def estimate_runs(
    runs: Mapping[str, Mapping[Variant, Tally]],
    sample: Sample,
    figures: Mapping[str, FigureOf],
    old_weight: float | None = None,
) -> Estimates:
    """The figures of runs under true labels, and the differences of every two runs.

    Args:
        runs: what each run adds to the counts of each variant, the same variants for all.
        sample: the questions, and what was found about them.
        figures: what is estimated, the leading figure first.
        old_weight: how much an old label counts beside a person's; None: as much as serves the leading figure best.
    """
    of_runs = _weighted_figures(runs, sample, figures, old_weight)
    lead, sets = of_runs.lead, of_runs.sets
    found: dict[str, dict[Variant, dict[str, FigureEstimate]]] = {
        run: {among: {} for among in sets} for run in runs
    }
    for run, among, name in product(runs, sets, figures):
        at = partial(of_runs.figure, run=run, among=among, name=name)
        found[run][among][name] = _estimate(at, sample, of_runs.old_weight)
    differences = {}
    for among in sets:
        known = [run for run in runs if found[run][among][lead].value is not None]
        differences[among] = _differences(known, among, of_runs)
    return Estimates(of_runs.old_weight, found, differences)


def leading_estimates(
    runs: Mapping[str, Mapping[Variant, Tally]], sample: Sample, figures: Mapping[str, FigureOf]
) -> dict[str, FigureEstimate]:
    """The leading figure of each run, the mean over its variants, as `estimate_runs` has it, and nothing else."""
    of_runs = _weighted_figures(runs, sample, figures, None)
    among = list(of_runs.sets)[-1]
    return {
        run: _estimate(
            partial(of_runs.figure, run=run, among=among, name=of_runs.lead), sample, of_runs.old_weight
        )
        for run in runs
    }


def _weighted_figures(
    runs: Mapping[str, Mapping[Variant, Tally]],
    sample: Sample,
    figures: Mapping[str, FigureOf],
    old_weight: float | None,
) -> _RunFigures:
    """The figures of runs, with the weight of the old labels that serves the leading one best, or a given one."""
    of_runs = _RunFigures(runs, sample, figures, 1.0 if old_weight is None else old_weight)
    if old_weight is not None:
        return of_runs
    among = list(of_runs.sets)[-1]
    leads = [of_runs.figure(sample.labels, run, among, of_runs.lead) for run in runs]
    return _RunFigures(runs, sample, figures, old_label_weight(leads, sample))


def _differences(
    names: Sequence[str], among: Variant, of_runs: _RunFigures
) -> tuple[EstimatedDifference, ...]:
    """The differences of every two runs, judged together."""
    pairs = list(combinations(names, 2))
    sample, weight = of_runs.sample, of_runs.old_weight
    differences = []
    for first, second in pairs:
        at = partial(of_runs.difference, first=first, second=second, among=among)
        estimate = _estimate(at, sample, weight, lowest=-1.0)
        is_sure = leaves_out_zero(estimate.ci95)
        if is_sure and len(pairs) > 1:
            # The interval for all pairs together holds that of this pair alone, so it can only take this back.
            confidence = 1 - (1 - CONFIDENCE) / len(pairs)
            joint = _estimate(at, sample, weight, lowest=-1.0, confidence=confidence)
            is_sure = leaves_out_zero(joint.ci95)
        differences.append(EstimatedDifference(first, second, estimate, is_sure))
    return tuple(differences)


FigureAt = Callable[[Floats], LinearFigure]
"""A figure as it is where these are the labels of what was looked at (see `Sample.labels`)."""


def old_label_weight(figures: Sequence[LinearFigure], sample: Sample) -> float:
    """The weight of an old label for which the variances of some figures together are smallest, from 0 to 1.

    Args:
        figures: linearised with a weight of 1.
        sample: what was looked at.
    """
    left = 1 - sample.seen
    covariance = variance = 0.0
    for figure in figures:
        old = _centred(np.where(sample.old, figure.yes, figure.no)[sample.looked] / sample.seen, left)
        true = _centred(_moved(figure, sample, sample.labels) / sample.seen, left)
        covariance += float((left * old * true).sum())
        variance += float((left * old**2).sum())
    return min(1.0, max(0.0, covariance / variance)) if variance > 0 else 1.0


def _moved(figure: LinearFigure, sample: Sample, labels: Floats) -> Floats:
    """What the questions that were looked at move a figure by, if these are their labels, [looked]."""
    yes, no = figure.yes[sample.looked], figure.no[sample.looked]
    return np.select([labels == 1, labels == 0], [yes, no], 0.0)


def _centred(divided: Floats, left: Floats) -> Floats:
    """What each question adds, less the mean that a sample of fixed size adds anyway; nothing where it was certain.

    That is the residual of J. Hajek's variance for samples with unequal probabilities ("Asymptotic Theory of Rejective
    Sampling with Varying Probabilities from a Finite Population", Annals of Mathematical Statistics 35 (1964),
    1491-1523): the mean is weighted by 1 less the probability.
    """
    total = left.sum()
    if total <= 0:
        return np.zeros_like(divided)
    return np.where(left > 0, divided - (left * divided).sum() / total, 0.0)


def _estimate(
    figure_at: FigureAt,
    sample: Sample,
    weight: float,
    lowest: float = 0.0,
    confidence: float = CONFIDENCE,
) -> FigureEstimate:
    """An estimate with its interval, which holds every label that an open question may have."""
    figure = figure_at(sample.labels)
    if math.isnan(figure.value):
        return FigureEstimate(None, None)
    ends = [figure, figure]
    settled = [sample.labels, sample.labels]
    if sample.is_open.any():
        moves = np.stack([figure.no[sample.looked], figure.yes[sample.looked], np.zeros(len(sample.looked))])
        choices = np.array([0.0, 1.0, np.nan])
        settled = [
            np.where(sample.is_open, choices[choose(moves, axis=0)], sample.labels)
            for choose in (np.argmin, np.argmax)
        ]
        ends = [figure_at(labels) for labels in settled]
    if any(math.isnan(end.value) for end in ends):
        return FigureEstimate(figure.value, None)
    spreads = [
        _spread(end, sample, labels, weight, confidence) for end, labels in zip(ends, settled, strict=True)
    ]
    low, high = ends[0].value - spreads[0].low, ends[1].value + spreads[1].high
    growth = Growth(
        width=high - low,
        fixed=ends[1].value - ends[0].value,
        seen=sample.seen,
        squares=(spreads[0].deviations ** 2 + spreads[1].deviations ** 2) / 2,
        probabilities=sample.probabilities,
    )
    if growth.width > WIDEST:
        return FigureEstimate(None, None, n_needed=growth.labels_for(WIDEST))
    return FigureEstimate(figure.value, (max(lowest, low), min(1.0, high)), growth)


@dataclass(frozen=True, slots=True)
class _Spread:
    """How far chance takes an estimate from the truth."""

    low: float
    """The distance from the estimate down to the end of its interval."""
    high: float
    """The distance from the estimate up to the end of its interval."""
    deviations: Floats
    """What each question that was looked at adds beside what any adds, divided by its probability, [looked]."""


def _spread(
    figure: LinearFigure, sample: Sample, labels: Floats, weight: float, confidence: float
) -> _Spread:
    """The spread of a figure, by its deviations in what was looked at."""
    left = 1 - sample.seen
    old = np.where(sample.old, figure.yes, figure.no)
    divided = (_moved(figure, sample, labels) - weight * old[sample.looked]) / sample.seen
    deviations = _centred(divided, left)
    n_drawn = int((left > 0).sum())
    # Two numbers are fitted: the mean, and the weight of the old labels.
    variances = left * deviations**2 * n_drawn / max(1, n_drawn - 2)
    unsure = sample.probabilities < 1
    chances = sample.probabilities[unsure]
    flips = (np.where(sample.old, figure.no, figure.yes) - old)[unsure] * np.sqrt(1 - chances) / chances
    further = [_further(flips, chances), _further(-flips, chances)]
    low, high = interval_distances(deviations, variances, further, confidence)
    return _Spread(low, high, deviations)


def _further(flips: Floats, chances: Floats) -> float:
    """Half the weight of a further event of those above 0: the mean, each as likely as it is drawn and as it is large.

    A plain mean would be that of the many questions which hardly move a figure, such as a difference of two runs by
    those that both answer alike; what is rare and moves it much has not been met yet.

    Args:
        flips: what each question would add if its label were wrong, divided by its probability.
        chances: the probabilities.
    """
    raised = np.maximum(0, flips)
    likely = chances * raised
    return float((likely * raised).sum() / likely.sum()) / 2 if likely.any() else 0.0


def outcome_tallies(
    variants: Mapping[Variant, Mapping[Question, bool]],
    questions: Sequence[Question],
    answers: Mapping[Question, Answer],
    protocol: Protocol,
) -> dict[Variant, Tally]:
    """What a run adds to the outcomes of each variant.

    Args:
        variants: the questions of each.
        questions: the order of the tallies' rows.
        answers: what the model said.
        protocol: how answers are read.
    """
    read = remembering(protocol).read
    places = {name: place for place, name in enumerate(OUTCOMES)}
    unanswered = places["unanswered"]
    rows = []
    for question in questions:
        answer = answers.get(question)
        reading = None if answer is None else read(answer.response)
        rows.append(
            [unanswered if answer is None else places[OUTCOME_OF[label, reading]] for label in (True, False)]
        )
    marks = np.eye(len(OUTCOMES))[np.array(rows, dtype=np.int64).reshape(-1, 2)]
    tallies = {}
    for variant, labels in variants.items():
        here = np.array([question in labels for question in questions], dtype=np.float64)[:, None]
        tallies[variant] = Tally(yes=marks[:, 0] * here, no=marks[:, 1] * here)
    return tallies


def outcome_figures(protocol: Protocol) -> dict[str, FigureOf]:
    """The figures of outcomes, F1 first."""
    return {figure: partial(_outcome_figure, figure=figure, protocol=protocol) for figure in FIGURES}


def _outcome_figure(totals: Floats, figure: str, protocol: Protocol) -> Floats:
    return figure_values(totals, protocol)[figure]
