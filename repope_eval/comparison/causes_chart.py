"""The gap between two results, and what each cause is worth in it."""

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from repope_eval.comparison.view import ComparisonView
from repope_eval.reporting.charts.drawing import (
    FIRST,
    QUIET,
    SECOND,
    Chart,
    add_axes,
    draw,
    name_rows,
    write_in_percent,
)
from repope_eval.reporting.figure_texts import points_text
from repope_eval.scoring.estimates import Interval

_ROW = 0.3
"""Height of a bar in inches."""


def causes_chart(view: ComparisonView) -> Chart:
    """A bar for each cause and one for the whole gap of F1, to the right where the first result gains by it."""
    labels = view.labels[-1]
    gap = labels.gaps[labels.headline]["f1"]
    worth: dict[str, float] = {cause: part.value or 0.0 for cause, part in gap.parts.items()}
    worth["whole gap"] = gap.value or 0.0
    variant = f", {labels.headline}" if len(labels.gaps) > 1 else ""
    told = ", ".join(f"{name} {points_text(value)}" for name, value in worth.items())
    return draw(
        "causes",
        "Where the gap comes from",
        f"F1 of {view.a.name} less that of {view.b.name} under {labels.title} labels{variant}, in points: {told}. Bars "
        f"to the right are to the credit of {view.a.name}; a line is a 95 % interval.",
        0.15 + len(worth) * _ROW + 0.4,
        lambda figure: _paint_causes(figure, worth, [part.interval for part in gap.parts.values()]),
    )


def _paint_causes(figure: Figure, worth: dict[str, float], intervals: Sequence[Interval]) -> None:
    height = figure.get_size_inches()[1]
    axes = add_axes(figure, 0.95, 0.4, 0.75, height - 0.15)
    for row, (name, value) in enumerate(worth.items()):
        color = QUIET if name == "whole gap" else FIRST if value > 0 else SECOND
        axes.barh(row, value, color=color, height=0.62)
        _write_value(axes, row, value)
    for row, interval in enumerate(intervals):
        if interval is not None:
            axes.plot(interval, (row, row), color=QUIET, linewidth=1.2)
    name_rows(axes, list(worth))
    axes.axvline(0, color=QUIET, linewidth=0.8)
    axes.margins(x=0.08)
    axes.locator_params(axis="x", nbins=5)
    write_in_percent(axes.xaxis)


def _write_value(axes: Axes, row: int, value: float) -> None:
    axes.text(1.03, row, points_text(value), transform=axes.get_yaxis_transform(), va="center",
              fontsize=8.5)  # fmt: skip
