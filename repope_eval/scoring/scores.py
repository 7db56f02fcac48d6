"""The scores of a run: the figures under every label set and variant, their means, and what changes between two."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import TypeVar

from repope_eval.records import Answer, LabelSet, Question, Variant
from repope_eval.scoring.bootstrap import MEAN, Intervals, Places, confusions_of, variant_places
from repope_eval.scoring.changes import Change, change
from repope_eval.scoring.clustering import f1_width_ratios
from repope_eval.scoring.confusion import Confusion, Figures, figures
from repope_eval.scoring.intervals import (
    INTERVAL_FIGURES,
    Estimate,
    Method,
    Sample,
    estimate,
    sampled,
)
from repope_eval.scoring.protocols import PROTOCOLS, Protocol
from repope_eval.scoring.reasons import Reasons, undefined, undefined_in_variants
from repope_eval.settings import config

Part = TypeVar("Part")

DISTINCT = "distinct"
"""Stands where a variant does, for the questions of all variants, each counted once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scores:
    """What one set of answers comes to."""

    model: str
    bench: str
    protocol: config.Protocol
    confusions: Mapping[str, Mapping[Variant, Confusion]]
    """The counts that the figures are made of, by label set and variant."""
    figures: Mapping[str, Mapping[Variant, Figures]]
    """By label set, then by variant; `mean` last where there are several variants."""
    intervals: Mapping[str, Mapping[Variant, Intervals]]
    """95 % intervals, in the same order."""
    methods: Mapping[str, Mapping[Variant, Mapping[str, Method | None]]]
    """What each interval is by."""
    reasons: Mapping[str, Mapping[Variant, Reasons]]
    """Why a figure or its interval is None; only of those that are."""
    changes: Mapping[Variant, Change]
    """Where there are two label sets."""
    n_images: int
    """Images with an answer, which the intervals are over."""
    f1_width_ratios: Sequence[float] = ()
    """Widths of F1's intervals over images, as multiples of those over questions, where there are errors."""
    distinct: "Scores | None" = None
    """The same with each distinct question counted once, under `DISTINCT`; where there are several variants."""


def score(
    model: str,
    bench: str,
    label_sets: Sequence[LabelSet],
    answers: Mapping[Question, Answer],
    protocol: config.Protocol,
) -> Scores:
    """The same answers under every label set; all figures, of distinct questions too, on the same drawn images."""
    distinct = [_distinct(label_set) for label_set in label_sets if len(label_set.variants) > 1]
    sample = sampled([*label_sets, *distinct], answers, PROTOCOLS[protocol])
    n_cells = sum(len(label_set.variants) for label_set in label_sets)
    scores = _scores(model, bench, protocol, label_sets, sample, range(n_cells))
    if not distinct:
        return scores
    places = range(n_cells, n_cells + len(distinct))
    return dataclasses.replace(scores, distinct=_scores(model, bench, protocol, distinct, sample, places))


def mean(cells: Sequence[Figures]) -> Figures:
    """The mean of each figure over variants; undefined where it is in one of them."""
    means = {}
    for field in dataclasses.fields(Figures):
        values = [getattr(cell, field.name) for cell in cells]
        means[field.name] = None if None in values else fmean(values)
    return Figures(**means)  # type: ignore[arg-type]


def _distinct(label_set: LabelSet) -> LabelSet:
    """All variants' questions as one; a question has the same label in all that have it."""
    labels: dict[Question, bool] = {}
    for of_variant in label_set.variants.values():
        labels |= of_variant
    return LabelSet(label_set.name, {DISTINCT: labels})


def _scores(
    model: str,
    bench: str,
    protocol: config.Protocol,
    label_sets: Sequence[LabelSet],
    sample: Sample,
    cells: range,
) -> Scores:
    """Of label sets whose variants have these places in the sample."""
    confusions = confusions_of(label_sets, sample.totals[cells])
    by_label_set = {
        name: _with_mean({variant: figures(one, PROTOCOLS[protocol]) for variant, one in of_set.items()})
        for name, of_set in confusions.items()
    }
    places: dict[str, dict[Variant, Places]] = {}
    for name, variant, of_cell in variant_places(label_sets):
        places.setdefault(name, {})[variant] = tuple(cells[place] for place in of_cell)
    estimates = {
        name: {
            variant: _estimates(sample, of_cell, _undefined(by_label_set[name], variant, sample.protocol))
            for variant, of_cell in of_set.items()
        }
        for name, of_set in places.items()
    }
    return Scores(
        model=model,
        bench=bench,
        protocol=protocol,
        confusions=confusions,
        figures=by_label_set,
        intervals=_each(estimates, lambda found: found.interval),
        methods=_each(estimates, lambda found: found.method),
        reasons={
            name: {
                variant: {figure: found.reason for figure, found in of_cell.items() if found.reason}
                for variant, of_cell in of_set.items()
            }
            for name, of_set in estimates.items()
        },
        changes=_changes(sample, by_label_set, places),
        n_images=len(sample.counts),
        f1_width_ratios=f1_width_ratios(sample.counts[:, cells], PROTOCOLS[protocol]),
    )


def _with_mean(by_variant: Mapping[Variant, Figures]) -> dict[Variant, Figures]:
    return {**by_variant, **({MEAN: mean(list(by_variant.values()))} if len(by_variant) > 1 else {})}


def _each(
    estimates: Mapping[str, Mapping[Variant, Mapping[str, Estimate]]], part: Callable[[Estimate], Part]
) -> dict[str, dict[Variant, dict[str, Part]]]:
    """One part of all estimates."""
    return {
        name: {
            variant: {figure: part(found) for figure, found in of_cell.items()}
            for variant, of_cell in of_set.items()
        }
        for name, of_set in estimates.items()
    }


def _undefined(by_variant: Mapping[Variant, Figures], variant: Variant, protocol: Protocol) -> Reasons:
    """Why figures of a variant, or of the mean, are None."""
    if variant != MEAN:
        return undefined(by_variant[variant], protocol)
    return undefined_in_variants({name: cell for name, cell in by_variant.items() if name != MEAN})


def _estimates(sample: Sample, places: Places, undefined: Reasons) -> dict[str, Estimate]:
    """By figure; of one that is undefined there is none, for the same reason."""
    return {
        figure: Estimate(interval=None, reason=undefined[figure])
        if figure in undefined
        else estimate(sample, figure, places)
        for figure in INTERVAL_FIGURES
    }


def _changes(
    sample: Sample,
    by_label_set: Mapping[str, Mapping[Variant, Figures]],
    places: Mapping[str, Mapping[Variant, Places]],
) -> dict[Variant, Change]:
    """Of each variant that both label sets have; none where there are not two."""
    if len(by_label_set) != 2:
        return {}
    before, after = by_label_set
    return {
        variant: change(
            sample,
            (by_label_set[before][variant], places[before][variant]),
            (by_label_set[after][variant], places[after][variant]),
        )
        for variant in by_label_set[before]
        if variant in by_label_set[after]
    }
