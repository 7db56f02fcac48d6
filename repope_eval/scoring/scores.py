"""The scores of a run: the figures under every label set and variant, their means, and what changes between two.

F1 depends on the share of questions with label yes, and relabelling moves that share. F1 at 50 % yes does not depend on
it: its change is due to the labels, and the rest of F1's change to prevalence.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from statistics import fmean
from typing import Any, TypeVar

from repope_eval.records import Answer, LabelSet, Question, Variant
from repope_eval.scoring.bootstrap import MEAN, Cells, Intervals, confusions_of, variant_cells
from repope_eval.scoring.clustering import f1_width_ratios
from repope_eval.scoring.confusion import Confusion, Figures, figures, shares
from repope_eval.scoring.intervals import (
    INTERVAL_FIGURES,
    Method,
    Reasons,
    Sample,
    estimate_change,
    estimates,
    sampled,
)
from repope_eval.scoring.protocols import PROTOCOLS, Protocol
from repope_eval.settings import config
from repope_eval.wording import counted

Record = TypeVar("Record")
"""A dataclass of numbers."""

DISTINCT = "distinct"
"""The name of a variant that has the questions of all variants, each counted once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """How the figures of one variant differ between two label sets: the second less the first."""

    values: Mapping[str, float | None]
    """The differences by figure; None where a figure is undefined under one of the two."""
    intervals: Intervals
    """95 % intervals of the differences, on the same drawn images."""
    reasons: Reasons
    """Why a difference or its interval is None; only of those that are."""
    f1_by_labels: float | None
    """The change of F1 at 50 % yes."""
    f1_by_prevalence: float | None
    """The rest of F1's change."""
    yes_shares: tuple[float | None, float | None]
    """The share with label yes among the questions of recall and the true negative rate, before and after."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scores:
    """What one set of answers comes to."""

    model: str
    bench: str
    protocol: config.Protocol
    confusions: Mapping[str, Mapping[Variant, Confusion]]
    """The counts that the figures are made of, by label set and variant."""
    figures: Mapping[str, Mapping[Variant, Figures]]
    """The figures by label set and variant; `mean` is last where there are several variants."""
    intervals: Mapping[str, Mapping[Variant, Intervals]]
    """95 % intervals, in the same order."""
    methods: Mapping[str, Mapping[Variant, Mapping[str, Method | None]]]
    """How each interval was made."""
    reasons: Mapping[str, Mapping[Variant, Reasons]]
    """Why a figure or its interval is None; only of those that are."""
    changes: Mapping[Variant, Change]
    """What changes from the first label set to the second, where there are two."""
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
    """Scores the answers under every label set; the intervals of all figures are over the same drawn images."""
    distinct = [_distinct(label_set) for label_set in label_sets if len(label_set.variants) > 1]
    sample = sampled([*label_sets, *distinct], answers, PROTOCOLS[protocol])
    n_cells = sum(len(label_set.variants) for label_set in label_sets)
    scores = _scores(model, bench, protocol, label_sets, sample, range(n_cells))
    if not distinct:
        return scores
    cells = range(n_cells, n_cells + len(distinct))
    return replace(scores, distinct=_scores(model, bench, protocol, distinct, sample, cells))


def mean(records: Sequence[Record]) -> Record:
    """The mean of each field; None where it is None in one of the records."""
    means: dict[str, Any] = {}
    for field in fields(records[0]):  # type: ignore[arg-type]
        values = [getattr(record, field.name) for record in records]
        means[field.name] = None if None in values else fmean(values)
    return replace(records[0], **means)  # type: ignore[type-var]


def with_mean(by_variant: Mapping[Variant, Record]) -> dict[Variant, Record]:
    """The records by variant, and where there are several, their mean under `MEAN`."""
    return {**by_variant, **({MEAN: mean(list(by_variant.values()))} if len(by_variant) > 1 else {})}


def _distinct(label_set: LabelSet) -> LabelSet:
    """The questions of all variants as one variant; a question has the same label in all variants."""
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
    own_cells: range,
) -> Scores:
    """The scores under label sets whose variants are these cells of the sample."""
    confusions = confusions_of(label_sets, sample.totals[own_cells])
    by_label_set = {
        name: with_mean({variant: figures(one, sample.protocol) for variant, one in of_set.items()})
        for name, of_set in confusions.items()
    }
    cells: dict[str, dict[Variant, Cells]] = {name: {} for name in by_label_set}
    intervals: dict[str, dict[Variant, Intervals]] = {name: {} for name in by_label_set}
    methods: dict[str, dict[Variant, dict[str, Method | None]]] = {name: {} for name in by_label_set}
    reasons: dict[str, dict[Variant, Reasons]] = {name: {} for name in by_label_set}
    for name, variant, indexes in variant_cells(label_sets):
        cells[name][variant] = tuple(own_cells[index] for index in indexes)
        undefined = _undefined(by_label_set[name], variant, sample.protocol)
        found = estimates(sample, cells[name][variant], undefined)
        intervals[name][variant] = {figure: one.interval for figure, one in found.items()}
        methods[name][variant] = {figure: one.method for figure, one in found.items()}
        reasons[name][variant] = {figure: one.reason for figure, one in found.items() if one.reason}
    return Scores(
        model=model,
        bench=bench,
        protocol=protocol,
        confusions=confusions,
        figures=by_label_set,
        intervals=intervals,
        methods=methods,
        reasons=reasons,
        changes=_changes(sample, by_label_set, cells),
        n_images=len(sample.counts),
        f1_width_ratios=f1_width_ratios(sample.counts[:, own_cells], sample.protocol),
    )


def _changes(
    sample: Sample,
    by_label_set: Mapping[str, Mapping[Variant, Figures]],
    cells: Mapping[str, Mapping[Variant, Cells]],
) -> dict[Variant, Change]:
    """The change of each variant that both label sets have; none where there are not two label sets."""
    if len(by_label_set) != 2:
        return {}
    (before, after), (cells_before, cells_after) = by_label_set.values(), cells.values()
    return {
        variant: _change(
            sample, (before[variant], cells_before[variant]), (after[variant], cells_after[variant])
        )
        for variant in before
        if variant in after
    }


def _change(sample: Sample, before: tuple[Figures, Cells], after: tuple[Figures, Cells]) -> Change:
    """The change of one variant, or of the mean over several, from its figures and cells under either label set."""
    values = {figure: _difference(figure, before[0], after[0]) for figure in INTERVAL_FIGURES}
    found = {figure: estimate_change(sample, figure, before[1], after[1]) for figure in INTERVAL_FIGURES}
    undefined = {
        figure: "undefined under one of the label sets" for figure, value in values.items() if value is None
    }
    f1, f1_balanced = values["f1"], values["f1_balanced"]
    return Change(
        values=values,
        intervals={name: None if name in undefined else one.interval for name, one in found.items()},
        reasons={name: one.reason for name, one in found.items() if one.reason} | undefined,
        f1_by_labels=f1_balanced,
        f1_by_prevalence=None if f1 is None or f1_balanced is None else f1 - f1_balanced,
        yes_shares=(_yes_share(sample, before[1]), _yes_share(sample, after[1])),
    )


def _difference(figure: str, before: Figures, after: Figures) -> float | None:
    old, new = getattr(before, figure), getattr(after, figure)
    return None if old is None or new is None else float(new - old)


def _yes_share(sample: Sample, cells: Cells) -> float | None:
    """The share with label yes, as a mean over the cells; None where one of them has no such questions."""
    of_whole = shares(sample.totals[list(cells)], sample.protocol)
    positives, negatives = of_whole["recall"][1], of_whole["tnr"][1]
    if not (positives + negatives).all():
        return None
    return float((positives / (positives + negatives)).mean())


def _undefined(by_variant: Mapping[Variant, Figures], variant: Variant, protocol: Protocol) -> Reasons:
    """Why figures of a variant, or of the mean, are undefined."""
    if variant != MEAN:
        return _undefined_figures(by_variant[variant], protocol)
    found = {}
    for figure in INTERVAL_FIGURES:
        lacking = [
            name for name, cell in by_variant.items() if name != MEAN and getattr(cell, figure) is None
        ]
        if lacking:
            found[figure] = f"undefined in {', '.join(lacking)}"
    return found


def _undefined_figures(cell: Figures, protocol: Protocol) -> Reasons:
    """Why figures of one variant are undefined, by what each divides by."""
    if cell.n_answered == 0:
        causes = dict.fromkeys(("precision", "recall", "tnr", "accuracy"), "no question has an answer")
    elif cell.n_answered == cell.n_unparsed and protocol.unparsed == "dropped":
        cause = f"none of {counted(cell.n_answered, 'answer')} is read as yes or no"
        causes = dict.fromkeys(("precision", "recall", "tnr", "accuracy"), cause)
    else:
        read = "answered" if protocol.unparsed == "not_yes" else "answered and parsed"
        causes = {
            "precision": "no question is read as yes: precision divides by 0",
            "recall": f"no question with label yes is {read}: recall divides by 0",
            "tnr": f"no question with label no is {read}: the true negative rate divides by 0",
        }
    # A correlation divides by the numbers of both labels and of both readings.
    lacking = [name for name in ("recall", "tnr", "precision") if getattr(cell, name) is None]
    both_readings = "no question is read as no: a correlation needs both readings"
    causes["yes_ratio"] = causes.get("accuracy", "")
    causes["f1"] = causes["precision" if cell.precision is None else "recall"]
    causes["f1_balanced"] = causes["f1"] if cell.f1 is None else causes["tnr"]
    causes["mcc"] = causes[lacking[0]] if lacking else both_readings
    causes["balanced_accuracy"] = causes["recall" if cell.recall is None else "tnr"]
    return {figure: cause for figure, cause in causes.items() if getattr(cell, figure) is None}
