"""The scores by one protocol: figures of each label set and variant, means, coverage, bounds, and changes.

RePOPE removes what its annotators found ambiguous, and an unread answer is excluded. Both flatter a model, since
hard questions are left out. Here each such question counts, in the way best and in the way worst for the model. F1
rises with each question that turns out as answered, so its bounds are all at their best and all at their worst.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from statistics import fmean
from typing import Any, TypeVar

import numpy as np

from repope_eval.records import Answer, LabelSet, Question, Variant
from repope_eval.scoring.bootstrap import DISTINCT, MEAN, Cells, confusions_of, has_mean, variant_cells
from repope_eval.scoring.confusion import OUTCOME_OF, Confusion, Figures, figure_values, figures
from repope_eval.scoring.draws import DrawSpread, draw_spread
from repope_eval.scoring.estimates import Estimate
from repope_eval.scoring.intervals import (
    INTERVAL_FIGURES,
    Sample,
    estimate_change,
    estimates,
    f1_width_ratios,
    sampled,
)
from repope_eval.scoring.protocols import PROTOCOLS, Protocol, Reading
from repope_eval.scoring.relabelling_effect import Verdict, f1_parts, mixtures
from repope_eval.settings import config
from repope_eval.wording import counted

Record = TypeVar("Record")
"""A dataclass of numbers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CellScores:
    """The scores of one variant, or of the mean over several, under one label set."""

    figures: Figures
    estimates: Mapping[str, Estimate]
    """Those of the figures that have an interval, or a reason why not, by name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """How the figures of one variant differ between two label sets: the second less the first."""

    estimates: Mapping[str, Estimate]
    """The differences by figure, None where a figure is undefined under one of the two; intervals are on the same
    drawn images."""
    f1_parts: Mapping[str, Estimate]
    """What F1's change is made of, by `PARTS`; empty for a mean where the two have not the same variants."""
    yes_shares: tuple[float | None, float | None]
    """The share with label yes among the questions that F1 counts, before and after."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProtocolScores:
    """What one set of answers comes to, as one protocol reads it."""

    model: str
    bench: str
    protocol: config.Protocol
    confusions: Mapping[str, Mapping[Variant, Confusion]]
    """The counts that the figures are made of, by label set and variant; of several draws those of the first."""
    cells: Mapping[str, Mapping[Variant, CellScores]]
    """The scores by label set and variant; `mean` is last where there are several variants."""
    changes: Mapping[Variant, Change]
    """What changes from the first label set to the second, where there are two."""
    n_images: int
    """Images with an answer, which the intervals are over."""
    f1_width_ratios: Sequence[float] = ()
    """Widths of F1's intervals over images, as multiples of those over questions, where there are errors."""
    confusions_by_draw: Sequence[Mapping[str, Mapping[Variant, Confusion]]] = ()
    """The counts of each draw, where answers were sampled several times; else empty."""
    draws: Mapping[str, Mapping[Variant, DrawSpread]] = field(default_factory=dict)
    """How F1 varies between draws, by label set and variant, where answers were sampled several times."""
    distinct: "ProtocolScores | None" = None
    """The same with each distinct question counted once, under `DISTINCT`; where there are several variants."""

    @property
    def parts(self) -> tuple["ProtocolScores", ...]:
        """These scores, then those of distinct questions where there are any."""
        return (self,) if self.distinct is None else (self, self.distinct)


def score(
    model: str,
    bench: str,
    label_sets: Sequence[LabelSet],
    answers: Mapping[Question, Answer],
    protocol: config.Protocol,
    n_draws: int = 1,
) -> ProtocolScores:
    """Scores the answers under every label set; the intervals of all figures are over the same drawn images.

    Distinct questions are about the same images, and so the same ones are drawn for them, too. Where answers were
    sampled several times, each figure is the mean over these draws.
    """
    mixed = mixtures(*label_sets) if len(label_sets) == 2 else ()
    all_sets = (*label_sets, *mixed)
    sample = sampled(all_sets, answers, PROTOCOLS[protocol], (*INTERVAL_FIGURES, "yes_share"), n_draws)
    by_draw = [confusions_of(label_sets, sample.totals, draw, n_draws) for draw in range(n_draws)]
    confusions = by_draw[0]
    cells: dict[str, dict[Variant, CellScores]] = {name: {} for name in confusions}
    draws: dict[str, dict[Variant, DrawSpread]] = {name: {} for name in confusions} if n_draws > 1 else {}
    by_label_set = _mean_figures(by_draw, sample.protocol)
    with_means = {name: include_mean(of_variants) for name, of_variants in by_label_set.items()}
    for name, variant, of_cell in variant_cells(label_sets, n_draws):
        cell = with_means[name][variant]
        undefined = (
            _undefined_in_mean(by_label_set[name])
            if variant == MEAN
            else _undefined_figures(cell, sample.protocol)
        )
        cells[name][variant] = CellScores(
            figures=cell, estimates=estimates(sample, of_cell, values_of(cell), undefined)
        )
        if n_draws > 1:
            draws[name][variant] = draw_spread(sample, of_cell, n_draws)
    distinct = [_distinct_questions(label_set) for label_set in label_sets if has_mean(label_set.variants)]
    return ProtocolScores(
        model=model,
        bench=bench,
        protocol=protocol,
        confusions=confusions,
        confusions_by_draw=by_draw if n_draws > 1 else (),
        cells=cells,
        changes=_changes(sample, cells, all_sets, n_draws),
        n_images=len(sample.counts),
        f1_width_ratios=f1_width_ratios(
            sample.counts[:, : n_draws * sum(map(len, confusions.values()))], sample.protocol
        ),
        draws=draws,
        distinct=score(model, bench, distinct, answers, protocol, n_draws) if distinct else None,
    )


def _mean_figures(
    by_draw: Sequence[Mapping[str, Mapping[Variant, Confusion]]], protocol: Protocol
) -> dict[str, dict[Variant, Figures]]:
    """The figures by label set and variant, in the mean over draws."""
    return {
        name: {
            variant: mean([figures(each[name][variant], protocol) for each in by_draw])
            for variant in of_variants
        }
        for name, of_variants in by_draw[0].items()
    }


def mean(records: Sequence[Record]) -> Record:
    """The mean of each field; None where it is None in one of the records. A single record stays as it is."""
    if len(records) == 1:
        return records[0]
    means: dict[str, Any] = {}
    for each in fields(records[0]):  # type: ignore[arg-type]
        values = [getattr(record, each.name) for record in records]
        means[each.name] = None if None in values else fmean(values)
    return replace(records[0], **means)  # type: ignore[type-var]


def include_mean(by_variant: Mapping[Variant, Record]) -> dict[Variant, Record]:
    """The records by variant, and where there are several, their mean under `MEAN`."""
    return {**by_variant, **({MEAN: mean(list(by_variant.values()))} if has_mean(by_variant) else {})}


def include_distinct(label_sets: Sequence[LabelSet]) -> tuple[LabelSet, ...]:
    """The label sets with all their questions as a further variant, where a variant has one label only.

    F1 is undefined there, and so is its mean: what a model is worth on the whole is said by all questions together.
    """
    if all(len(set(labels.values())) == 2 for each in label_sets for labels in each.variants.values()):
        return tuple(label_sets)
    return tuple(
        LabelSet(each.name, {**each.variants, **_distinct_questions(each).variants})
        if has_mean(each.variants)
        else each
        for each in label_sets
    )


def _distinct_questions(label_set: LabelSet) -> LabelSet:
    """The questions of all variants as one variant."""
    return LabelSet(label_set.name, {DISTINCT: label_set.distinct})


def values_of(cell: Figures) -> dict[str, float | None]:
    """The figures that there are estimates of, by name."""
    return {figure: getattr(cell, figure) for figure in INTERVAL_FIGURES}


def _changes(
    sample: Sample,
    cells: Mapping[str, Mapping[Variant, CellScores]],
    label_sets: Sequence[LabelSet],
    n_draws: int,
) -> dict[Variant, Change]:
    """The change of each variant that both label sets have; empty where there are not two, followed by `mixtures`."""
    if len(cells) != 2:
        return {}
    indexes = {(name, variant): of_cell for name, variant, of_cell in variant_cells(label_sets, n_draws)}
    first, second, *mixed = (label_set.name for label_set in label_sets)
    has_same_variants = list(cells[first]) == list(cells[second])
    return {
        variant: _change(
            sample,
            (cells[first][variant].figures, cells[second][variant].figures),
            (indexes[first, variant], indexes[second, variant]),
            [indexes[name, variant] for name in mixed] if has_same_variants or variant != MEAN else [],
        )
        for variant in cells[first]
        if variant in cells[second]
    }


def _change(
    sample: Sample, between: tuple[Figures, Figures], of_cells: tuple[Cells, Cells], mixed: Sequence[Cells]
) -> Change:
    """The change of one variant, or of the mean over several, between its figures and cells under the two label sets.

    `mixed` are the cells of the two mixtures; none where the means are not over the same variants.
    """
    before, after = of_cells
    by_figure = {}
    for figure in INTERVAL_FIGURES:
        old, new = (getattr(each, figure) for each in between)
        if old is None or new is None:
            by_figure[figure] = Estimate(reason="undefined under one of the label sets")
        else:
            of_change = estimate_change(sample, figure, before, after)
            by_figure[figure] = replace(of_change, value=float(new - old))
    return Change(
        estimates=by_figure,
        f1_parts=f1_parts(sample, (before, *mixed, after)) if mixed else {},
        yes_shares=(_yes_share(sample, before), _yes_share(sample, after)),
    )


def _yes_share(sample: Sample, cells: Cells) -> float | None:
    """The share with label yes, as a mean over the cells; None where one of them has no such questions."""
    share = figure_values(sample.totals[list(cells)], sample.protocol)["yes_share"].mean()
    return None if np.isnan(share) else float(share)


def _undefined_in_mean(by_variant: Mapping[Variant, Figures]) -> dict[str, str]:
    """Why figures of the mean over variants are undefined."""
    lacking = {
        figure: [name for name, cell in by_variant.items() if getattr(cell, figure) is None]
        for figure in INTERVAL_FIGURES
    }
    return {figure: f"undefined in {', '.join(names)}" for figure, names in lacking.items() if names}


def _undefined_figures(cell: Figures, protocol: Protocol) -> dict[str, str]:
    """Why figures of one variant are undefined, by what each divides by."""
    if cell.n_answered == 0:
        causes = dict.fromkeys(("precision", "recall", "tnr", "accuracy"), "no question has an answer")
    elif cell.n_answered == cell.n_unparsed and protocol.unparsed == "dropped":
        cause = f"none of {counted(cell.n_answered, 'answer')} is read as yes or no"
        causes = dict.fromkeys(("precision", "recall", "tnr", "accuracy"), cause)
    else:
        read = "answered" if protocol.unparsed == "not_yes" else "answered and parsed"
        causes = {
            "precision": f"no question with label yes is {read}: no yes could be right"
            if cell.tp + cell.fp
            else "no question is read as yes: precision divides by 0",
            "recall": f"no question with label yes is {read}: recall divides by 0",
            "tnr": f"no question with label no is {read}: the true negative rate divides by 0",
        }
    # A correlation divides by the numbers of both labels and of both readings.
    lacking = [name for name in ("recall", "tnr", "precision") if getattr(cell, name) is None]
    both_readings = "no question is read as no: a correlation needs both readings"
    causes["yes_ratio"] = causes.get("accuracy", "")
    causes["f1"] = causes["recall" if cell.recall is None else "precision"]
    causes["f1_balanced"] = causes["f1"] if cell.f1 is None else causes["tnr"]
    causes["mcc"] = causes[lacking[0]] if lacking else both_readings
    causes["balanced_accuracy"] = causes["recall" if cell.recall is None else "tnr"]
    return {figure: cause for figure, cause in causes.items() if getattr(cell, figure) is None}


LEAST_COUNTED = 99
"""The percentage of the questions with either label that F1 has to count to be about the benchmark."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """The shares that F1 counts under one label set and variant, or their means over variants."""

    yes: float | None
    """The share of the questions with label yes; None where there is no such question."""
    no: float | None
    """The share of the questions with label no."""
    is_partial: bool
    """Whether one of the two is below 99 %, in one of the variants. F1 is then about another mix of labels than the
    benchmark's, or about the questions that the model had an answer to, which may be the easier ones."""


def coverage(
    confusions: Mapping[str, Mapping[Variant, Confusion]], label_sets: Sequence[LabelSet], protocol: Protocol
) -> dict[str, dict[Variant, Coverage]]:
    """The coverage by label set and variant, and its mean under `MEAN` where there are several variants.

    Args:
        confusions: the counts that figures are made of, by label set and variant.
        label_sets: all labels that there are.
        protocol: the protocol, which says whether F1 counts answers that are neither yes nor no.
    """
    by_label_set = {}
    for label_set in label_sets:
        of_variants = include_mean(
            {
                variant: _coverage(confusions[label_set.name][variant], labels.values(), protocol)
                for variant, labels in label_set.variants.items()
            }
        )
        is_partial = any(each.is_partial for each in of_variants.values())
        if MEAN in of_variants:
            of_variants[MEAN] = replace(of_variants[MEAN], is_partial=is_partial)
        by_label_set[label_set.name] = of_variants
    return by_label_set


def _coverage(counts: Confusion, labels: Collection[bool], protocol: Protocol) -> Coverage:
    n_yes = sum(labels)
    n_no = len(labels) - n_yes
    with_yes, with_no = counts.tp + counts.fn, counts.fp + counts.tn
    counted_yes = n_counted(with_yes + counts.unparsed_yes, counts.unparsed_yes, protocol)
    counted_no = n_counted(with_no + counts.unparsed_no, counts.unparsed_no, protocol)
    return Coverage(
        yes=counted_yes / n_yes if n_yes else None,
        no=counted_no / n_no if n_no else None,
        is_partial=is_few(counted_yes, n_yes) or is_few(counted_no, n_no),
    )


def n_counted(n_answered: float, n_unparsed: float, protocol: Protocol) -> float:
    """The number of answers that F1 counts, of which so many are neither yes nor no."""
    return n_answered if protocol.unparsed == "not_yes" else n_answered - n_unparsed


def is_few(number: float, n_questions: float) -> bool:
    """Whether F1 counts less than 99 % of some questions: those that it leaves out may be the harder ones."""
    # In whole numbers, where 99 of 100 is not below 99 % by rounding.
    return 100 * number < LEAST_COUNTED * n_questions


_READING_OF: Mapping[str, Reading] = {outcome: reading for (_, reading), outcome in OUTCOME_OF.items()}
"""What was read from an answer, by its outcome."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AmbiguityBounds:
    """F1 of one variant over every label that its ambiguous questions could have; None where undefined."""

    n_ambiguous: float
    """Questions that were removed as ambiguous and have an answer."""
    removed: float | None
    """F1 without them: the score itself."""
    all_no: float | None
    all_yes: float | None
    lowest: float | None
    """F1 if each label is the opposite of what the model said."""
    highest: float | None
    """F1 if each label is what the model said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UnansweredBounds:
    """F1 of one variant over every answer to the questions that have none, or none that can be read."""

    n_unanswered: float
    n_unparsed: float
    f1: float | None
    """The score itself, in which these questions do not count."""
    lowest: float | None
    """F1 if all of them are answered wrongly."""
    highest: float | None
    """F1 if all of them are answered rightly."""


def resolutions(
    confusions: Mapping[Variant, Confusion], verdicts: Sequence[Verdict], protocol: config.Protocol
) -> dict[Variant, AmbiguityBounds]:
    """F1 with the ambiguous questions counted, by variant, and its mean under `MEAN` where there are several.

    A question is resolved alike in all variants, so the means of the bounds are bounds of the mean.

    Args:
        confusions: the counts under the labels that lack the ambiguous questions.
        verdicts: the verdicts on all answered questions; those with none after the relabelling are ambiguous.
        protocol: how answers were read.
    """
    ambiguous = Counter(
        (verdict.variant, _READING_OF[verdict.before]) for verdict in verdicts if verdict.after is None
    )
    by_variant = {}
    for variant, confusion in confusions.items():
        yes, no, neither = (ambiguous[variant, reading] for reading in (True, False, None))
        of_no, of_yes = (
            _added_counts(yes, no, neither, label=False),
            _added_counts(yes, no, neither, label=True),
        )
        by_variant[variant] = AmbiguityBounds(
            n_ambiguous=yes + no + neither,
            removed=_f1(confusion, {}, protocol),
            all_no=_f1(confusion, of_no, protocol),
            all_yes=_f1(confusion, of_yes, protocol),
            lowest=_f1(confusion, {"fp": yes, "fn": no, "unparsed_yes": neither}, protocol),
            highest=_f1(confusion, {"tp": yes, "tn": no, "unparsed_no": neither}, protocol),
        )
    return include_mean(by_variant)


def missing(
    label_set: LabelSet, confusions: Mapping[Variant, Confusion], protocol: config.Protocol
) -> dict[Variant, UnansweredBounds]:
    """F1 with the unanswered and unparsed questions counted, by variant, and its mean where there are several."""
    by_variant = {}
    for variant, labels in label_set.variants.items():
        of_variant = confusions[variant]
        read = replace(of_variant, unparsed_yes=0, unparsed_no=0)
        n_yes = sum(labels.values())
        yes, no = n_yes - read.tp - read.fn, len(labels) - n_yes - read.fp - read.tn
        by_variant[variant] = UnansweredBounds(
            n_unanswered=of_variant.unanswered,
            n_unparsed=of_variant.unparsed_yes + of_variant.unparsed_no,
            f1=_f1(of_variant, {}, protocol),
            lowest=_f1(read, {"fn": yes, "fp": no}, protocol),
            highest=_f1(read, {"tp": yes, "tn": no}, protocol),
        )
    return include_mean(by_variant)


def _added_counts(yes: int, no: int, neither: int, *, label: bool) -> dict[str, int]:
    """What questions with one label add to the counts, by what was read from their answers."""
    return {OUTCOME_OF[label, reading]: n for reading, n in ((True, yes), (False, no), (None, neither))}


def _f1(confusion: Confusion, added: Mapping[str, int], protocol: config.Protocol) -> float | None:
    counts = {name: getattr(confusion, name) + n for name, n in added.items()}
    return figures(replace(confusion, **counts), PROTOCOLS[protocol]).f1
