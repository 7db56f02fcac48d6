"""A page of what runs would score under true labels, and how sure that is, with its chart; drawing needs matplotlib."""

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from repope_eval.relabelling.estimates_view import EstimatedRun, EstimatesView
from repope_eval.relabelling.estimation import FIGURES
from repope_eval.reporting.charts.drawing import (
    Chart,
    add_axes,
    draw,
    label,
    label_set_legend,
    mark_with_interval,
    name_rows,
    part_rows,
    write_in_percent,
)
from repope_eval.reporting.figure_texts import (
    FIGURE_TITLES,
    figure_interval_text,
    percent_text,
    shortened_names,
)
from repope_eval.reporting.tables import Cell, Field, Table, table, text_field, value_field
from repope_eval.reporting.templates import render

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
    names = [label(name) for name in shortened_names([row.run for row in rows], _LONGEST)]
    left = 0.2 + 0.075 * max(map(len, names))
    axes = add_axes(figure, left, _FOOT, 0.2, len(rows) * _ROW + _FOOT)
    for place, row in enumerate(rows):
        _paint_row(axes, row, place)
    name_rows(axes, names)
    part_rows(axes, len(names), 0.4)
    axes.margins(x=0.08)
    axes.locator_params(axis="x", nbins=5)
    write_in_percent(axes.xaxis)
    label_set_legend(figure, ("old labels", "true labels, estimated"), 0.3, markersize=5, linewidth=1.2)


def _paint_row(axes: Axes, row: EstimatedRun, place: int) -> None:
    for index, estimate in enumerate((row.old["f1"], row.true["f1"])):
        interval = estimate.ci95 if index else None  # what the old labels come to is no estimate
        if estimate.value is not None:
            mark_with_interval(axes, estimate.value, interval, place + (index - 0.5) * _APART, index, 5, 1.2)


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
        note = estimate.reason if estimate.ci95 is None else figure_interval_text("f1", estimate.ci95)
        return Cell(text=percent_text(estimate.value), values=(estimate.value,), note=note)

    return value_field(FIGURE_TITLES[name], cell)


def _looked_cell(row: EstimatedRun) -> Cell:
    return Cell(text=f"{row.n_looked:,} of {row.n_questions:,}", values=(row.n_looked,))


def _ratio_cell(value: float | None) -> Cell:
    return Cell(text=percent_text(value), values=(value,))
