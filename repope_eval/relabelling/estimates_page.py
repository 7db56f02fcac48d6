"""What runs would score under true labels, and how sure that is: a document, a page, and its chart."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from repope_eval.records import Variant
from repope_eval.relabelling.estimation import FIGURES, WIDEST, FigureEstimate
from repope_eval.reporting.charts.drawing import (
    Chart,
    add_axes,
    draw,
    label,
    label_set_legend,
    mark_with_interval,
    name_rows,
    part_rows,
    shortened,
)
from repope_eval.reporting.figure_texts import FIGURE_TITLES, interval_text, ratio_text
from repope_eval.reporting.tables import Cell, Field, Table, table, text_field, value_field
from repope_eval.reporting.templates import render
from repope_eval.scoring.estimates import Estimate
from repope_eval.scoring.score_document import figure_phrase
from repope_eval.wording import counted

LABELS_FILE = "the file ending in labels.jsonl that relabel writes beside its out="


@dataclass(frozen=True, slots=True, kw_only=True)
class EstimatedRun:
    """The figures of one run in one variant."""

    run: str
    variant: Variant
    n_questions: int
    n_looked: int
    """How many of the questions people looked at."""
    old: Mapping[str, FigureEstimate]
    """The figures by the old labels."""
    true: Mapping[str, FigureEstimate]
    """The same under true labels."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EstimatesView:
    """The estimates of several runs on a benchmark."""

    bench: str
    protocol: str
    rows: Sequence[EstimatedRun]
    """The variants of a run stand together, their mean last."""
    n_questions: int
    n_looked: int
    n_more: int
    """Further labels whose effect on the intervals is told."""
    n_disputed: int
    """How many of those looked at are in dispute: one annotator says yes, another no, and nobody decided."""
    n_missing: int
    """How many of those looked at the file of labels lacks, be they ambiguous, in dispute or not looked at."""

    @property
    def headline(self) -> Sequence[EstimatedRun]:
        """The rows that sum up: the mean over the variants, or the only variant."""
        last = self.rows[-1].variant
        return [row for row in self.rows if row.variant == last]

    @property
    def basis(self) -> str:
        """What the estimates rest on, in words."""
        return (
            f"From {self.n_looked:,} of {counted(self.n_questions, 'question', ',')} that people looked at, answers "
            f"read by protocol {self.protocol}."
        )

    @property
    def paper_sentence(self) -> str:
        """The runs' F1 as a paper prints it."""
        rows = [_f1_phrase(row.run, row.true["f1"]) for row in self.headline]
        variant = self.rows[-1].variant
        several = f" ({variant})" if len({row.variant for row in self.rows}) > 1 else ""
        return (
            f"F1 under true labels{several}, estimated from {self.n_looked:,} of "
            f"{counted(self.n_questions, 'question', ',')} that people looked at, protocol {self.protocol}: "
            f"{'; '.join(rows)}"
        )

    @property
    def open_sentences(self) -> Sequence[str]:
        """What is not known, what becomes of it, and how it is mended; empty where all figures and labels are known."""
        sentences = []
        if n_needed := max(
            (each.n_needed or 0 for row in self.rows for each in row.true.values()), default=0
        ):
            sentences.append(
                f"Too few labels: a dash stands where the 95 % interval would be wider than {WIDEST:g}, which tells "
                f"no good model from a coin. About {n_needed:,} labels would do for all figures (by the width "
                f"that there is with {self.n_looked:,}, which falls with the root of the number, or faster)."
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


def _f1_phrase(run: str, f1: FigureEstimate) -> str:
    reason = f1.reason if f1.n_needed else ""
    return figure_phrase(run, Estimate(value=f1.value, interval=f1.ci95, reason=reason))


_ROW, _HEAD, _FOOT = 0.34, 0.42, 0.34
"""Heights in inches of a run, of the legend, and of the axis."""
_LONGEST = 27
_APART = 0.36
"""The distance of the two marks of a run, in rows."""


def estimates_chart(view: EstimatesView) -> Chart:
    """A row for each run: a mark for each of the two, with the 95 % interval of the estimate."""
    rows = view.headline
    variant = rows[0].variant
    return draw(
        "estimates",
        f"F1, {variant}",
        f"F1 by the old labels and under true ones ({variant}). Lines are 95 % intervals.",
        _HEAD + len(rows) * _ROW + _FOOT,
        lambda figure: _paint_chart(figure, rows),
    )


def _paint_chart(figure: Figure, rows: Sequence[EstimatedRun]) -> None:
    names = [label(shortened(row.run, _LONGEST)) for row in rows]
    left = 0.2 + 0.075 * max(map(len, names))
    axes = add_axes(figure, left, _FOOT, 0.2, len(rows) * _ROW + _FOOT)
    for place, row in enumerate(rows):
        _paint_row(axes, row, place)
    name_rows(axes, names)
    part_rows(axes, len(names), 0.4)
    axes.margins(x=0.08)
    axes.locator_params(axis="x", nbins=5)
    label_set_legend(figure, ("old labels", "true labels, estimated"), 0.3, markersize=5, linewidth=1.2)


def _paint_row(axes: Axes, row: EstimatedRun, place: int) -> None:
    for index, estimate in enumerate((row.old["f1"], row.true["f1"])):
        interval = estimate.ci95 if index else None  # what the old labels come to is no estimate
        if estimate.value is not None:
            mark_with_interval(axes, estimate.value, interval, place + (index - 0.5) * _APART, index, 5, 1.2)


def estimates_document(view: EstimatesView) -> dict[str, Any]:
    """The document of the estimates; where a figure is null, `reason` says why."""
    runs: dict[str, dict[Variant, object]] = {}
    for row in view.rows:
        runs.setdefault(row.run, {})[row.variant] = {
            figure: {
                "estimate": each.value,
                "ci95": None if each.ci95 is None else list(each.ci95),
                "reason": each.reason or None,
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
        "runs": runs,
    }


def render_estimates_page(view: EstimatesView) -> str:
    """The page, which needs no file and no network."""
    return render(
        "estimates.html.j2", view=view, estimates=_estimates_table(view), chart=estimates_chart(view)
    )


def _estimates_table(view: EstimatesView) -> Table:
    """A row for each run and variant."""

    def is_first(row: EstimatedRun) -> bool:
        return row.variant == view.rows[0].variant

    fields: list[Field[EstimatedRun]] = [
        text_field("run", lambda row: row.run, stays=True),
        text_field("variant", lambda row: row.variant),
        value_field("looked at", _looked_cell),
        value_field("F1, old labels", lambda row: _ratio_cell(row.old["f1"].value)),
        *(_figure_field(name) for name in FIGURES),
        value_field("width of F1's interval", lambda row: _ratio_cell(row.true["f1"].width)),
        value_field(f"width with {view.n_more:,} more labels", lambda row: _ratio_cell(row.true["f1"].more)),
    ]
    return table("", fields, view.rows, starts_group=is_first)


def _figure_field(name: str) -> Field[EstimatedRun]:
    """A figure under true labels, its interval below it."""

    def cell(row: EstimatedRun) -> Cell:
        estimate = row.true[name]
        note = estimate.reason if estimate.ci95 is None else interval_text(estimate.ci95)
        return Cell(text=ratio_text(estimate.value), values=(estimate.value,), note=note)

    return value_field(FIGURE_TITLES[name], cell)


def _looked_cell(row: EstimatedRun) -> Cell:
    return Cell(text=f"{row.n_looked:,} of {row.n_questions:,}", values=(row.n_looked,))


def _ratio_cell(value: float | None) -> Cell:
    return Cell(text=ratio_text(value), values=(value,))
