"""What runs would score under true labels, put together for the page, its chart, the document and the console."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from repope_eval.records import Variant
from repope_eval.relabelling.estimation import FIGURES, EstimatedDifference, Place, places
from repope_eval.relabelling.sampled_labels import WIDEST, FigureEstimate
from repope_eval.reporting.figure_texts import (
    FIGURE_TITLES,
    change_interval_text,
    change_text,
    figure_interval_text,
    percent_text,
)
from repope_eval.scoring.bootstrap import MEAN
from repope_eval.scoring.estimates import Estimate, Interval, leaves_out_zero, minus
from repope_eval.scoring.score_document import figure_phrase
from repope_eval.wording import counted, first_few

LABELS_FILE = "the file ending in labels.jsonl that relabel writes beside its out="

MOST_NAMED = 3
"""Of up to so many runs each has a sentence as verdict; more of them are counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EstimatedRun:
    """The figures of one run in one variant."""

    run: str
    variant: Variant
    n_questions: int
    n_looked: int
    """How many of the questions people looked at."""
    old: Mapping[str, Estimate]
    """The figures by the old labels, as the run's own page has them: their intervals are over images."""
    true: Mapping[str, FigureEstimate]
    """The same under true labels: chance is in which questions were looked at."""

    def change(self, figure: str) -> Estimate:
        """A figure under true labels less that by the old ones, whose value is known exactly for these questions."""
        old, true = self.old[figure].value, self.true[figure]
        if old is None or true.ci95 is None:
            return Estimate(value=minus(true.value, old), reason=true.reason or self.old[figure].reason)
        low, high = true.ci95
        return Estimate(value=minus(true.value, old), interval=(low - old, high - old))


@dataclass(frozen=True, slots=True, kw_only=True)
class EstimatesView:
    """The estimates of several runs on a benchmark."""

    bench: str
    protocol: str | None
    """How yes or no was read from the answers; None where these are captions."""
    rows: Sequence[EstimatedRun]
    """The variants of a run stand together, their mean last."""
    differences: Mapping[Variant, Sequence[EstimatedDifference]] = field(default_factory=dict)
    """Of the leading figure, for every two runs that have it."""
    old_weight: float = 1.0
    """How much an old label counts beside a person's."""
    lower_is_better: bool = False
    """Whether the leading figure is a share of errors."""
    titles: Mapping[str, str] = field(default_factory=lambda: {name: FIGURE_TITLES[name] for name in FIGURES})
    """What the figures are called, the one that leads first."""
    n_questions: int
    n_looked: int
    n_more: int
    """Further labels whose effect on the intervals is told."""
    n_disputed: int
    """How many of those looked at are in dispute: one annotator says yes, another no, and nobody decided."""
    n_missing: int
    """How many of those looked at the file of labels lacks, be they ambiguous, in dispute or not looked at."""

    @property
    def lead(self) -> str:
        """The name of the figure that leads."""
        return next(iter(self.titles))

    @property
    def lead_title(self) -> str:
        """What it is called."""
        return self.titles[self.lead]

    @property
    def variants(self) -> Sequence[Variant]:
        """The variants, and last their mean where there are several."""
        return list(dict.fromkeys(row.variant for row in self.rows))

    @property
    def headline(self) -> Sequence[EstimatedRun]:
        """The rows that sum up, the mean over the variants or the only variant: the best run first, as in `places`."""
        rows = self._last_rows
        return [rows[run] for run in dict.fromkeys((*self.places, *rows))]

    @property
    def _last_rows(self) -> Mapping[str, EstimatedRun]:
        """The same by run, in the order of the runs."""
        last = self.variants[-1]
        return {row.run: row for row in self.rows if row.variant == last}

    @property
    def verdicts(self) -> Sequence[str]:
        """What becomes of the leading figure under true labels, and whether that is more than chance."""
        if len(self.headline) > MOST_NAMED:
            return [_counts_sentence(self)]
        return [_change_sentence(row, self.lead, self.lead_title) for row in self.headline]

    @property
    def old_weight_text(self) -> str:
        """How much an old label counts, in words."""
        return f"{percent_text(self.old_weight)} %"

    @property
    def headline_differences(self) -> Sequence[EstimatedDifference]:
        """Those of the rows that sum up."""
        return self.differences.get(self.variants[-1], ())

    @property
    def places(self) -> Mapping[str, Place]:
        """The runs' places by the leading figure of the rows that sum up, the best first; empty for a single run."""
        leads = {run: row.true[self.lead].value for run, row in self._last_rows.items()}
        known = {run: value for run, value in leads.items() if value is not None}
        if len(known) < 2:
            return {}
        return places(known, self.headline_differences, lower_is_better=self.lower_is_better)

    def old_difference(self, difference: EstimatedDifference) -> float | None:
        """The same difference by the old labels, in the rows that sum up."""
        rows = self._last_rows
        first, second = (rows[run].old[self.lead] for run in (difference.first, difference.second))
        return minus(first.value, second.value)

    @property
    def difference_sentences(self) -> Sequence[str]:
        """Which of two runs is ahead under true labels, or how many pairs of runs can be told apart."""
        differences = self.headline_differences
        if len(differences) == 1:
            return [_difference_sentence(self, differences[0])]
        return [_pairs_sentence(self)] if differences else []

    @property
    def basis(self) -> str:
        """What the estimates rest on, in words."""
        *variants, last = self.variants
        mean = (
            f" {self.lead_title} is the mean over {counted(len(variants), 'variant')}."
            if last == MEAN
            else ""
        )
        is_whole = self.n_looked == self.n_questions and not self.n_disputed + self.n_missing
        chance = (
            "Nothing is estimated, since people looked at every question."
            if is_whole
            else "Chance, in the intervals of estimates and changes, is in which questions these were."
        )
        return (
            f"From {self.n_looked:,} of {counted(self.n_questions, 'question', ',')} that people looked at"
            f"{self._protocol.replace('protocol', 'answers read by protocol')}.{mean} {chance}"
        )

    @property
    def paper_sentence(self) -> str:
        """The runs' leading figure as a paper prints it."""
        rows = [_figure_phrase(row.run, row.true[self.lead]) for row in self.headline]
        several = f" ({self.variants[-1]})" if len(self.variants) > 1 else ""
        return (
            f"{self.lead_title} under true labels{several}, estimated from {self.n_looked:,} of "
            f"{counted(self.n_questions, 'question', ',')} that people looked at"
            f"{self._protocol}: {'; '.join(rows)}"
        )

    @property
    def _protocol(self) -> str:
        return "" if self.protocol is None else f", protocol {self.protocol}"

    @property
    def open_sentences(self) -> Sequence[str]:
        """What is not known, what becomes of it, and how it is mended; empty where all figures and labels are known."""
        sentences = []
        if n_needed := max(
            (each.n_needed or 0 for row in self.rows for each in row.true.values()), default=0
        ):
            sentences.append(
                f"Too few labels: a dash stands where the 95 % interval would be wider than {100 * WIDEST:.0f} "
                f"points, which tells no good model from a bad one. About {n_needed:,} labels would do for all "
                f"figures (by the width that there is with {self.n_looked:,}, where further ones are drawn in the "
                "same way)."
            )
        if self.n_disputed:
            sentences.append(
                f"In dispute: {self.n_disputed:,} of the {self.n_looked:,} looked at. They count nowhere, as ambiguous "
                "ones, but the intervals hold either label of each. A third person decides with `annotate "
                "annotators=[FIRST,SECOND] decide=true images=FOLDER annotator=NAME out=DECIDED`, and relabel takes "
                "decider=DECIDED."
            )
        if self.n_missing:
            sentences.append(
                f"Without a label, be it as ambiguous, in dispute or not looked at: {self.n_missing:,} of the "
                f"{self.n_looked:,}. They count as ambiguous, but the intervals hold either label of each. To tell "
                f"them apart, give {LABELS_FILE}."
            )
        return sentences


def _change_sentence(row: EstimatedRun, figure: str, title: str) -> str:
    """What becomes of a figure of a run: both values, their difference, and whether it is more than chance."""
    old, true, change = row.old[figure], row.true[figure], row.change(figure)
    true_text = _text_with_interval(figure, true)
    if true.value is None:
        return f"{title} of {row.run} under true labels is not known ({true.reason})."
    if old.value is None or change.value is None:
        return f"{title} of {row.run} is undefined by the old labels, and {true_text} under true ones."
    moves = f"from {percent_text(old.value)} % by the old labels to {true_text} under true ones"
    points = f"{change_text(figure, change.value)} points"
    if true.width == 0:
        return f"{title} of {row.run} goes {moves}: {points}."
    if change.interval is None:
        return f"{title} of {row.run} goes {moves}: {points}, without an interval."
    sure = f"{points} ({change_interval_text(figure, change.interval)})"
    if leaves_out_zero(change.interval):
        direction = "rises" if change.value > 0 else "falls"
        return f"{title} of {row.run} {direction} {moves}: {sure}, more than chance."
    return f"{title} of {row.run} goes {moves}: {sure}, which may be chance."


def _text_with_interval(figure: str, one: FigureEstimate) -> str:
    sure = "" if not one.width else f" (95 % interval {figure_interval_text(figure, one.ci95)})"
    return f"{percent_text(one.value)} %{sure}"


def _counts_sentence(view: EstimatesView) -> str:
    """For how many runs the leading figure rises, falls, or may be as it was."""
    changes = [row.change(view.lead) for row in view.headline]
    sure = [change.value or 0 for change in changes if leaves_out_zero(change.interval)]
    risen, fallen = [value for value in sure if value > 0], [value for value in sure if value < 0]
    n_unknown = sum(change.value is None for change in changes)
    n_unsure = len(changes) - len(sure) - n_unknown
    parts = [
        f"rises by more than chance for {len(risen):,}{_range_text(view.lead, risen)}",
        f"falls by more than chance for {len(fallen):,}{_range_text(view.lead, fallen)}",
        *([f"changes by what may be chance for {n_unsure:,}"] if n_unsure else []),
        *([f"is not known for {n_unknown:,}"] if n_unknown else []),
    ]
    return (
        f"From the old labels to true ones, {view.lead_title} of {counted(len(changes), 'run', ',')} "
        f"{', '.join(parts[:-1])} and "
        f"{parts[-1]}. Each run is judged by itself."
    )


def _difference_sentence(view: EstimatesView, difference: EstimatedDifference) -> str:
    """How far one run is from another under true labels, and whether that is more than chance."""
    first, second, estimate = difference.first, difference.second, difference.estimate
    if estimate.value is None:
        return f"{view.lead_title} of {first} less that of {second} under true labels is not known ({estimate.reason})."
    points = f"{change_text(view.lead, estimate.value)} points"
    old = change_text(view.lead, view.old_difference(difference))
    if not estimate.width:
        return f"{view.lead_title} of {first} less that of {second}: {points} under true labels, {old} by the old ones."
    sure = "more than chance" if difference.is_sure else "which may be chance"
    return (
        f"{view.lead_title} of {first} less that of {second}: {points} under true labels "
        f"({change_interval_text(view.lead, estimate.ci95)}), {sure}, and {old} by the old ones. The same labels serve "
        "both, so the two intervals above suggest less than is known of the difference."
    )


def _pairs_sentence(view: EstimatesView) -> str:
    """How many pairs of runs can be told apart, and which runs may be the best."""
    differences = view.headline_differences
    n_sure = sum(each.is_sure for each in differences)
    first = [run for run, place in view.places.items() if place.best == 1]
    best = (
        f"{first[0]} is the best of them"
        if len(first) == 1
        else f"any of {counted(len(first), 'run')} may be the best ({first_few(first)})"
    )
    return (
        f"Under true labels {n_sure:,} of {counted(len(differences), 'pair', ',')} of runs differ in {view.lead_title} "
        f"by more than chance, all pairs judged together: {best}."
    )


def _range_text(figure: str, changes: Sequence[float]) -> str:
    if not changes:
        return ""
    ends = [change_text(figure, end) for end in (min(changes), max(changes))]
    return f" ({' to '.join(dict.fromkeys(ends))} points)"


def _figure_phrase(run: str, one: FigureEstimate) -> str:
    reason = one.reason if one.n_needed else ""
    return figure_phrase(run, Estimate(value=one.value, interval=one.ci95, reason=reason))


def estimates_document(view: EstimatesView) -> dict[str, Any]:
    """The document of the estimates; where a figure is null, `reason` says why."""
    runs: dict[str, dict[Variant, object]] = {}
    for row in view.rows:
        runs.setdefault(row.run, {})[row.variant] = {
            figure: {
                "estimate": each.value,
                "ci95": _ends(each.ci95),
                "reason": each.reason or None,
                "old": row.old[figure].value,
                "old_ci95": _ends(row.old[figure].interval),
                "change": row.change(figure).value,
                "change_ci95": _ends(row.change(figure).interval),
            }
            for figure, each in row.true.items()
        }
    return {
        "bench": view.bench,
        "protocol": view.protocol,
        "n_questions": view.n_questions,
        "n_looked": view.n_looked,
        "n_disputed": view.n_disputed,
        "n_missing": view.n_missing,
        "old_label_weight": view.old_weight,
        "runs": runs,
        "differences": {
            variant: [_difference_fields(each) for each in differences]
            for variant, differences in view.differences.items()
        },
        "places": {
            run: {"place": each.place, "ci95": [each.best, each.worst]} for run, each in view.places.items()
        },
    }


def _difference_fields(difference: EstimatedDifference) -> dict[str, Any]:
    estimate = difference.estimate
    return {
        "first": difference.first,
        "second": difference.second,
        "estimate": estimate.value,
        "ci95": _ends(estimate.ci95),
        "more_than_chance": difference.is_sure,
        "reason": estimate.reason or None,
    }


def _ends(interval: Interval) -> list[float] | None:
    return None if interval is None else list(interval)
