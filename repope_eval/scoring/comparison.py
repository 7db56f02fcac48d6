"""Several models on the same questions: who is ahead, how surely, and who overtakes whom when labels change.

Compared on the images about which every model has at least one answer. They are drawn with replacement as
for a single model's intervals, and the same drawn images serve all models, variants and label sets, so that
what makes an image hard for all of them cancels out of their differences.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from repope_eval import config
from repope_eval.records import Answer, LabelSet, Question, Variant
from repope_eval.scoring.bootstrap import (
    PERCENTILES,
    Interval,
    answered_images,
    counts_by_image,
    interval_of,
    labelled_images,
    mean_over,
    replicated,
    variant_places,
)
from repope_eval.scoring.confusion import OUTCOMES, figure_values
from repope_eval.scoring.protocols import PROTOCOLS
from repope_eval.scoring.ranking import holm, kendall_tau, ranks

Values = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A model's place in one ranking."""

    model: str
    value: float | None
    """Of the figure that is ranked; None where undefined."""
    interval: Interval
    rank: int | None
    """1 is the best; equal values share the better rank. None where the value is undefined."""
    ranks: tuple[int, int] | None
    """95 % interval of the rank over the replicates."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One pair of models under one label set and variant, on the same drawn images."""

    first: str
    second: str
    value: float | None
    """The first model's figure less the second's."""
    interval: Interval
    p: float | None
    """Two-sided."""
    p_holm: float | None
    """The same, adjusted for all pairs of that label set and variant (Holm)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Overtaking:
    """A model that stands behind another under POPE and before it under RePOPE."""

    model: str
    overtaken: str
    share: float
    """Of the replicates in which it is so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """How alike the POPE and the RePOPE ranking of one variant are."""

    tau: float | None
    """Kendall's tau-b; None with fewer than two models."""
    interval: Interval
    overtakings: tuple[Overtaking, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Models compared by one figure."""

    figure: str
    """A field of `Figures`, such as `f1`."""
    n_images: int
    """Images that all models have answers for: what the comparison is about."""
    standings: Mapping[str, Mapping[Variant, tuple[Standing, ...]]]
    """By label set and variant (`mean` too), the best first."""
    differences: Mapping[str, Mapping[Variant, tuple[Difference, ...]]]
    """Of every pair, in the order of the standings."""
    agreements: Mapping[Variant, Agreement]
    """Where there are two label sets."""


def compare(
    models: Mapping[str, Mapping[Question, Answer]],
    label_sets: Sequence[LabelSet],
    protocol: config.Protocol,
    figure: str = "f1",
) -> Comparison:
    """Ranks models by one figure under every label set and variant, and says how sure each place is.

    Args:
        models: each model's answers, by name.
        label_sets: what is taken as true. Where there are two, their rankings are set against each other.
        protocol: how answers are read.
        figure: a field of `Figures`.
    """
    images = _shared_images(models, label_sets)
    n_cells = sum(len(label_set.variants) for label_set in label_sets)
    counts = np.zeros((len(images), len(models), n_cells, len(OUTCOMES)))
    for place, answers in enumerate(models.values()):
        counts[:, place] = counts_by_image(label_sets, images, answers, PROTOCOLS[protocol])
    values = figure_values(counts.sum(axis=0), PROTOCOLS[protocol])[figure]
    drawn = replicated(counts, PROTOCOLS[protocol], [figure])[figure]
    standings: dict[str, dict[Variant, tuple[Standing, ...]]] = {}
    differences: dict[str, dict[Variant, tuple[Difference, ...]]] = {}
    rankings: dict[Variant, list[tuple[Values, Values]]] = {}
    for name, variant, places in variant_places(label_sets):
        ranking = mean_over(values, places), mean_over(drawn, places)
        found = _standings(list(models), *ranking)
        standings.setdefault(name, {})[variant] = found
        differences.setdefault(name, {})[variant] = _differences(found, list(models), *ranking)
        rankings.setdefault(variant, []).append(ranking)
    agreements = {
        variant: _agreement(list(models), *of_variant)
        for variant, of_variant in rankings.items()
        if len(of_variant) == 2
    }
    return Comparison(
        figure=figure,
        n_images=len(images),
        standings=standings,
        differences=differences,
        agreements=agreements,
    )


def _shared_images(
    models: Mapping[str, Mapping[Question, Answer]], label_sets: Sequence[LabelSet]
) -> list[str]:
    """Images about which every model has an answer, in the order of the labels."""
    of_models = [answered_images(label_sets, answers) for answers in models.values()]
    shared = set.intersection(*(set(images) for images in of_models)) if of_models else set()
    # Each model's list may start elsewhere in the labels, and the order decides which images a seed draws.
    return [image for image in labelled_images(label_sets) if image in shared]


def _standings(models: Sequence[str], values: Values, drawn: Values) -> tuple[Standing, ...]:
    """The best first; models whose figure is undefined last. `values` is [models], `drawn` [replicates, models]."""
    places, drawn_places = ranks(values), ranks(drawn)
    standings = []
    for place, model in enumerate(models):
        defined = not np.isnan(values[place])
        known = not np.isnan(drawn[:, place]).any()
        low, high = _percentiles_met(drawn_places[:, place])
        standings.append(
            Standing(
                model=model,
                value=float(values[place]) if defined else None,
                interval=interval_of(drawn[:, place]),
                rank=int(places[place]) if defined else None,
                ranks=(low, high) if known else None,
            )
        )
    return tuple(
        sorted(standings, key=lambda standing: len(models) + 1 if standing.rank is None else standing.rank)
    )


def _percentiles_met(drawn_places: NDArray[np.int64]) -> tuple[int, int]:
    """The 95 % interval of whole numbers, its ends among them."""
    low = np.percentile(drawn_places, PERCENTILES[0], method="lower")
    high = np.percentile(drawn_places, PERCENTILES[1], method="higher")
    return int(low), int(high)


def _differences(
    standings: Sequence[Standing], models: Sequence[str], values: Values, drawn: Values
) -> tuple[Difference, ...]:
    order = [models.index(standing.model) for standing in standings]
    pairs = [(first, second) for place, first in enumerate(order) for second in order[place + 1 :]]
    found = []
    for first, second in pairs:
        of_replicates = drawn[:, first] - drawn[:, second]
        found.append((float(values[first] - values[second]), interval_of(of_replicates), _p(of_replicates)))
    adjusted = holm([p for _, _, p in found])
    return tuple(
        Difference(
            first=models[first],
            second=models[second],
            value=None if np.isnan(value) else value,
            interval=interval,
            p=p,
            p_holm=p_holm,
        )
        for (first, second), (value, interval, p), p_holm in zip(pairs, found, adjusted, strict=True)
    )


def _p(differences: Values) -> float | None:
    """Two-sided p value of no difference: the level at which the percentile interval would end at 0.

    That is twice the smaller of the shares of replicates up to 0 and from 0, where ties count for both sides
    (Efron and Tibshirani, 1993, section 15.4: a test from a confidence interval). Where no replicate lies on
    one side, its share is only known to be small; it is counted as half a replicate, so that p is not below
    1 / replicates and never 0. With 10,000 replicates Holm's p of m pairs can thus not be below m / 10,000.
    """
    if np.isnan(differences).any():
        return None
    n_beyond = min(int((differences <= 0).sum()), int((differences >= 0).sum()))
    return float(min(1.0, 2 * max(n_beyond, 0.5) / len(differences)))


def _agreement(
    models: Sequence[str], before: tuple[Values, Values], after: tuple[Values, Values]
) -> Agreement:
    """Of the models whose figure is defined under both label sets."""
    defined = np.flatnonzero(~np.isnan(before[0] + after[0]))
    values_before, values_after = before[0][defined], after[0][defined]
    drawn_before, drawn_after = before[1][:, defined], after[1][:, defined]
    tau = kendall_tau(values_before, values_after)
    overtakings = []
    for one in range(len(defined)):
        behind = values_before[one] < values_before
        ahead = values_after[one] > values_after
        for other in np.flatnonzero(behind & ahead):
            met = (drawn_before[:, one] < drawn_before[:, other]) & (
                drawn_after[:, one] > drawn_after[:, other]
            )
            overtakings.append(
                Overtaking(
                    model=models[defined[one]], overtaken=models[defined[other]], share=float(met.mean())
                )
            )
    return Agreement(
        tau=None if np.isnan(tau) else float(tau),
        interval=interval_of(kendall_tau(drawn_before, drawn_after)),
        overtakings=tuple(sorted(overtakings, key=lambda overtaking: -overtaking.share)),
    )
