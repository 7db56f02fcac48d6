"""Several models on the same questions: their places, how surely, and how alike two rankings of them are.

F1 falls with the share of questions with label yes, and RePOPE has fewer of them than POPE. F1 at 50 % yes and balanced
accuracy do not depend on it; the correlation (MCC) does, and is ranked by as well since it is often reported.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from repope_eval.records import Answer, LabelSet, Question, Variant
from repope_eval.scoring.bootstrap import FEWEST_IMAGES, PERCENTILES
from repope_eval.scoring.confusion import Values, ratio
from repope_eval.scoring.differences import (
    Difference,
    differences,
    standard_error,
    step_down,
    too_few_images,
)
from repope_eval.scoring.estimates import Estimate
from repope_eval.scoring.power import LEVEL
from repope_eval.scoring.protocols import PROTOCOLS
from repope_eval.scoring.shared_questions import Cell, Sampled, SharedQuestions
from repope_eval.settings import config
from repope_eval.wording import counted

RANKED_FIGURES = ("f1", "f1_balanced", "balanced_accuracy", "mcc")
"""Fields of `Figures` by which models are ranked before and after; the first is the leaderboard's."""

FEWEST_MODELS = 5
"""With fewer models there is no tau: four have six pairs, so that one pair in another order moves it by 1/3."""

NO_INTERVAL = "no interval that was tried holds the true tau often enough where models are nearly alike"
"""`perf/rank_agreement.py` has the figures: figures in replicates differ by chance twice, in the answers and in what is
drawn, so that models which are nearly alike change places in them that they have kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Overtaking:
    """A model that is behind another under the first label set and ahead of it under the second, by F1."""

    model: str
    overtaken: str
    probability: float | None
    """The share of the replicates in which it overtakes; None without replicates."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """How alike the rankings of one variant under two label sets are."""

    taus: Mapping[str, Estimate]
    """Kendall's tau-b by figure, for those of `RANKED_FIGURES`, without an interval (see `NO_INTERVAL`); None with
    fewer than `FEWEST_MODELS` models that have the figure under both label sets, and where all of these are equal."""
    overtakings: tuple[Overtaking, ...]
    """The most probable first."""

    @property
    def share_of_yes(self) -> float | None:
        """How much of the re-ranking by F1 is gone at 50 % yes, and so due to the share of yes alone: an estimate.

        (tau of `f1_balanced` - tau of `f1`) / (1 - tau of `f1`); the rest is due to corrected labels and to questions
        that are left out. None without either tau, and where F1 at 50 % yes is re-ranked as much or more, which is no
        evidence of a share, nor that there is none.
        """
        by_f1, balanced = self.taus["f1"].value, self.taus["f1_balanced"].value
        if by_f1 is None or balanced is None or balanced <= by_f1:
            return None
        return (balanced - by_f1) / (1 - by_f1)


def agreement(
    models: Sequence[str], before: Mapping[str, Sampled], after: Mapping[str, Sampled]
) -> Agreement:
    """The agreement over the models whose figure is defined under both label sets.

    Args:
        before: each of `RANKED_FIGURES` under the first label set.
        after: the same under the second.
    """
    return Agreement(
        taus={figure: _tau_estimate(before[figure], after[figure]) for figure in RANKED_FIGURES},
        overtakings=overtakings(models, before[RANKED_FIGURES[0]], after[RANKED_FIGURES[0]]),
    )


def kendall_tau(first: Values, second: Values) -> Values:
    """Kendall's tau-b of two rankings of the same things, along the last axis; NaN where undefined.

    tau-b = (C - D) / sqrt((n - t) (n - u)), with C and D the numbers of pairs in the same and in opposite
    order, n that of all pairs, and t and u those of pairs tied in the first and in the second ranking.
    It is undefined where all are tied in one of them, with fewer than two things, and where a value is NaN.
    Source: M. Kendall, "The Treatment of Ties in Ranking Problems", Biometrika 33 (1945), 239-251.

    Args:
        first: values that one ranking goes by, [..., things].
        second: the other's, of the same shape.
    """
    in_order, untied_first, untied_second = np.zeros((3, *first.shape[:-1]))
    for thing in range(first.shape[-1] - 1):
        order_first = np.sign(first[..., thing : thing + 1] - first[..., thing + 1 :])
        order_second = np.sign(second[..., thing : thing + 1] - second[..., thing + 1 :])
        in_order += (order_first * order_second).sum(axis=-1)
        untied_first += np.abs(order_first).sum(axis=-1)
        untied_second += np.abs(order_second).sum(axis=-1)
    return ratio(in_order, np.sqrt(untied_first * untied_second))


def _tau_estimate(before: Sampled, after: Sampled) -> Estimate:
    defined = ~np.isnan(before.values + after.values)
    n_models = int(defined.sum())
    if n_models < FEWEST_MODELS:
        return Estimate(reason=f"{counted(n_models, 'model')}, and it takes {FEWEST_MODELS}")
    tau = float(kendall_tau(before.values[defined], after.values[defined]))
    return (
        Estimate(reason="all models are equal") if np.isnan(tau) else Estimate(value=tau, reason=NO_INTERVAL)
    )


def overtakings(models: Sequence[str], before: Sampled, after: Sampled) -> tuple[Overtaking, ...]:
    """Who is behind another before and ahead of it after, by a figure of which more is better."""
    found = []
    for one, model in enumerate(models):
        overtaken = (before.values[one] < before.values) & (after.values[one] > after.values)
        for other in np.flatnonzero(overtaken).tolist():
            met = (before.replicates[:, one] < before.replicates[:, other]) & (
                after.replicates[:, one] > after.replicates[:, other]
            )
            probability = float(met.mean()) if len(met) else None
            found.append(Overtaking(model=model, overtaken=models[other], probability=probability))
    return tuple(sorted(found, key=lambda overtaking: -(overtaking.probability or 0)))


def places(values: Values) -> NDArray[np.int64]:
    """Places along the last axis, the highest value first: one more than the number of values that are higher.

    Equal values share the better place. No value is higher or lower than NaN, whose own place of 1 means nothing.
    """
    n_things = values.shape[-1]
    ranks: NDArray[np.int64] = np.ones(values.shape, dtype=np.int64)
    for thing in range(n_things):  # a loop, since all pairs of all replicates at once would fill the memory
        ranks[..., thing] += (values > values[..., thing : thing + 1]).sum(axis=-1)
    return ranks


def places_by_name(values: Mapping[str, float | None]) -> dict[str, int | None]:
    """The place of each thing; None where its value is undefined."""
    known = np.array([np.nan if value is None else value for value in values.values()], dtype=np.float64)
    return {
        name: None if value is None else int(place)
        for (name, value), place in zip(values.items(), places(known), strict=True)
    }


def place_interval(drawn_places: NDArray[np.int64]) -> tuple[int, int]:
    """The 95 % interval of one thing's place over the replicates, its ends among the places that occurred."""
    low = np.percentile(drawn_places, PERCENTILES[0], method="lower")
    high = np.percentile(drawn_places, PERCENTILES[1], method="higher")
    return int(low), int(high)


def joint_intervals(values: Values, replicates: Values) -> list[tuple[int, int]]:
    """Intervals of the places that hold for all models at once with a chance of 95 %, by the highest value first.

    A model's place lies between 1 plus the number of models that are surely better, and the number of models less those
    that are surely worse. The step-down decides which are, among the one-sided comparisons of all pairs, both ways.
    Source: M. Mogstad, J. P. Romano, A. M. Shaikh and D. Wilhelm, "Inference for Ranks with Applications to Mobility
    across Neighbourhoods and Academic Achievement across Countries", Review of Economic Studies 91 (2024), 476-518.

    Args:
        values: [models]; a model with NaN is neither better nor worse than others, and its interval means nothing.
        replicates: the same in each replicate, [replicates, models].
    """
    pairs, errors = [], {}
    for first, second in combinations(range(len(values)), 2):
        error = standard_error(replicates[:, first] - replicates[:, second])
        if error > 0:  # it is NaN where a replicate is undefined, and 0 where all are the same
            pairs += [(first, second), (second, first)]
            errors[first, second] = errors[second, first] = error

    def centred(index: int) -> Values:
        first, second = pairs[index]
        distances: Values = replicates[:, first] - replicates[:, second] - (values[first] - values[second])
        return distances / errors[first, second]

    statistics = [float(values[first] - values[second]) / errors[first, second] for first, second in pairs]
    n_better, n_worse = np.zeros((2, len(values)), dtype=np.int64)
    for (better, worse), p in zip(pairs, step_down(statistics, centred), strict=True):
        if p <= LEVEL:
            n_worse[better] += 1
            n_better[worse] += 1
    n_defined = int((~np.isnan(values)).sum())
    return [
        (1 + int(better), n_defined - int(worse)) for better, worse in zip(n_better, n_worse, strict=True)
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A model's place in a ranking."""

    model: str
    value: float | None
    """What it is ranked by, such as F1 on the questions that all ranked models answered; None where undefined."""
    place: int | None
    """1 is the best; equal values share the better place. None where the value is undefined."""
    interval: tuple[int, int] | None
    """95 % interval of the place over the replicates, for this model alone: of many, some do not hold."""
    joint_interval: tuple[int, int] | None
    """95 % interval of the place that holds for all models at once (see `joint_intervals`)."""
    reason: str | None
    """Why there are no intervals."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Models compared by F1."""

    n_questions: int
    """Distinct labelled questions that all ranked models answered: what the standings are about."""
    n_images: int
    """Images that these questions are about."""
    standings: Mapping[str, Mapping[Variant, tuple[Standing, ...]]]
    """The standings by label set and variant (`mean` too), the best first."""
    differences: Mapping[str, Mapping[Variant, tuple[Difference, ...]]]
    """The differences of every pair of models, in the order of the standings, models that are not ranked last."""
    agreements: Mapping[Variant, Agreement]
    """How alike the standings under two label sets are, where there are two."""


def compare(
    models: Mapping[str, Mapping[Question, Answer]],
    label_sets: Sequence[LabelSet],
    protocol: config.Protocol,
    ranked: Collection[str] | None = None,
) -> Comparison:
    """Ranks models by F1 under every label set and variant, and says how sure each place and difference is.

    Args:
        models: each model's answers, by name.
        label_sets: the labels that are taken as true. Where there are two sets, their rankings are compared.
        protocol: how answers are read.
        ranked: names of the models that are ranked, on the questions that all of them answered; None: all.
    """
    names = [name for name in models if ranked is None or name in ranked]
    unranked = [name for name in models if name not in names]
    questions = SharedQuestions(models, label_sets, PROTOCOLS[protocol])
    common = questions.shared_by(names)
    n_images = {cell: questions.n_images(common, cell) for cell in questions.cells}
    columns = [(name, common) for name in names]
    drawn = questions.sample(columns, RANKED_FIGURES, drawn=["f1"])
    samples = {
        figure: {
            cell: sampled
            if n_images[cell] >= FEWEST_IMAGES
            else replace(sampled, replicates=sampled.replicates[:0])
            for cell, sampled in of_cells.items()
        }
        for figure, of_cells in drawn.items()
    }
    standings: dict[str, dict[Variant, tuple[Standing, ...]]] = {each.name: {} for each in label_sets}
    orders = {}
    for cell in questions.cells:
        ranking = standings_of(names, samples["f1"][cell], n_images[cell])
        standings[cell[0]][cell[1]] = ranking
        orders[cell] = [*(standing.model for standing in ranking), *unranked]
    return Comparison(
        n_questions=questions.n_questions(common),
        n_images=questions.n_images(common),
        standings=standings,
        differences=differences(questions, orders, columns, drawn["f1"]),
        agreements=_agreements(names, samples, [label_set.name for label_set in label_sets]),
    )


def standings_of(
    models: Sequence[str], sampled: Sampled, n_images: int, title: str = "F1"
) -> tuple[Standing, ...]:
    """The standings of the models, the best first; those whose figure is undefined last.

    Args:
        models: their names.
        sampled: the figure that they are ranked by, of which more is better.
        n_images: what the figure is over.
        title: what the figure is called.
    """
    known, drawn = places(sampled.values), places(sampled.replicates)
    joint = joint_intervals(sampled.values, sampled.replicates)
    standings = []
    for index, model in enumerate(models):
        defined = not np.isnan(sampled.values[index])
        reason = None
        if not defined:
            reason = f"{title} is undefined"
        elif not len(sampled.replicates):
            reason = too_few_images(n_images)
        elif n_undefined := int(np.isnan(sampled.replicates[:, index]).sum()):
            reason = f"undefined in {n_undefined} of {len(sampled.replicates)} replicates"
        standings.append(
            Standing(
                model=model,
                value=float(sampled.values[index]) if defined else None,
                place=int(known[index]) if defined else None,
                interval=place_interval(drawn[:, index]) if reason is None else None,
                joint_interval=joint[index] if reason is None else None,
                reason=reason,
            )
        )
    return tuple(sorted(standings, key=lambda standing: standing.place or len(models) + 1))


def _agreements(
    names: Sequence[str], samples: Mapping[str, Mapping[Cell, Sampled]], label_sets: Sequence[str]
) -> dict[Variant, Agreement]:
    if len(label_sets) != 2:
        return {}

    def cell_samples(label_set: str, variant: Variant) -> dict[str, Sampled]:
        return {figure: of_cells[label_set, variant] for figure, of_cells in samples.items()}

    first, second = label_sets
    return {
        variant: agreement(names, cell_samples(first, variant), cell_samples(second, variant))
        for name, variant in samples["f1"]
        if name == first and (second, variant) in samples["f1"]
    }
