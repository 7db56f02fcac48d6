"""F1 of runs by the old labels, and estimated under true ones."""

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from repope_eval.reporting.charts.drawing import Chart, add_axes, draw, label
from repope_eval.reporting.charts.marks import (
    label_set_legend,
    mark_with_interval,
    name_rows,
    part_rows,
    shortened,
)
from repope_eval.reporting.estimates_view import EstimatedRun, EstimatesView

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
        lambda figure: _paint(figure, rows),
    )


def _paint(figure: Figure, rows: Sequence[EstimatedRun]) -> None:
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
    for index, found in enumerate((row.old["f1"], row.true["f1"])):
        interval = found.ci95 if index else None  # what the old labels come to is no estimate
        if found.value is not None:
            mark_with_interval(axes, found.value, interval, place + (index - 0.5) * _APART, index, 5, 1.2)
