"""Precision against recall, with lines of equal F1."""

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from repope_eval.records import label_set_title
from repope_eval.reporting.charts.drawing import Chart, add_axes, draw
from repope_eval.reporting.charts.marks import (
    label_set_handles,
    mark,
    single_variants,
    variant_handles,
    variant_shape,
)
from repope_eval.reporting.charts.palette import INK, LINE, QUIET
from repope_eval.scoring.protocol_scores import CellScores
from repope_eval.scoring.scores import Scores

Point = tuple[float | None, float | None]
"""Recall and precision; an undefined one is None."""
Window = tuple[float, float, float, float]
"""The lowest and the highest recall, and the lowest and the highest precision that are shown."""

_STEPS = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2)
_MOST_LINES = 8
_NARROWEST = 0.06
"""The smallest range of either figure that is shown: a difference in the fourth digit must not look like a leap."""


def precision_recall_chart(scores: Scores) -> Chart:
    """A mark for each variant and label set; an arrow leads from the first of two label sets to the second."""
    titles = [label_set_title(name) for name in scores.cells]
    arrows = f"; arrows lead from {titles[0]} to {titles[1]} labels" if len(titles) == 2 else ""
    return draw(
        "precision_recall",
        "Precision against recall",
        f"A mark for each variant{arrows}. Along a grey line F1 is the same.",
        5.1,
        lambda figure: _paint(figure, scores),
    )


def _paint(figure: Figure, scores: Scores) -> None:
    axes = add_axes(figure, 0.7, 1.15, 0.6, 4.95)
    variants = single_variants(next(iter(scores.cells.values())))
    points = [[point_of(cells.get(variant)) for cells in scores.cells.values()] for variant in variants]
    paint_frame(axes, points)
    for index, of_variant in enumerate(points):
        _paint_variant(axes, of_variant, variant_shape(index))
    colors = label_set_handles(scores.cells, linestyle="")
    figure.legend(handles=colors, loc="lower center", ncols=len(colors), bbox_to_anchor=(0.5, 0.065))
    figure.legend(handles=variant_handles(variants), loc="lower center", ncols=4, bbox_to_anchor=(0.5, 0.005),
                  columnspacing=1.2)  # fmt: skip


def _paint_variant(axes: Axes, points: Sequence[Point], shape: str) -> None:
    shown = defined(points)
    if len(points) == 2 == len(shown):
        start, end = (point for _, *point in shown)
        arrow = {"arrowstyle": "-|>", "color": QUIET, "linewidth": 0.9, "shrinkA": 4, "shrinkB": 4}
        axes.annotate("", xy=(end[0], end[1]), xytext=(start[0], start[1]), arrowprops=arrow)
    for index, recall, precision in shown:
        mark(axes, recall, precision, index, 7, shape, clip_on=False)


def point_of(cell: CellScores | None) -> Point:
    """The point of one variant under one label set; undefined where there is none."""
    return (None, None) if cell is None else (cell.figures.recall, cell.figures.precision)


def paint_frame(axes: Axes, points: Sequence[Sequence[Point]]) -> None:
    """Shows the part of the square where points are, with lines of equal F1 and the names of both axes."""
    window = window_around([point for together in points for point in together])
    axes.set_xlim(*window[:2])
    axes.set_ylim(*window[2:])
    _paint_equal_f1(axes, window)
    axes.set_xlabel("recall")
    axes.set_ylabel("precision", color=INK)
    axes.tick_params(axis="y", labelcolor=QUIET, labelsize=8.5)


def defined(points: Sequence[Point]) -> list[tuple[int, float, float]]:
    """Index, recall and precision of the points that have both."""
    return [
        (index, recall, precision)
        for index, (recall, precision) in enumerate(points)
        if recall is not None and precision is not None
    ]


def window_around(points: Sequence[Point]) -> Window:
    """The part of the square that shows all defined points with some room; all of it where there are none."""
    shown = defined(points)
    if not shown:
        return 0.0, 1.0, 0.0, 1.0
    _, recalls, precisions = zip(*shown, strict=True)
    return (*_range(recalls), *_range(precisions))


def _range(values: Sequence[float]) -> tuple[float, float]:
    low, high = min(values), max(values)
    room = max(0.2 * (high - low), (_NARROWEST - (high - low)) / 2, 0.01)
    return max(0.0, low - room), min(1.0, high + room)


def _paint_equal_f1(axes: Axes, window: Window) -> None:
    """Draws lines of equal F1, precision = F1 recall / (2 recall - F1), each with its F1 at its end."""
    left, right, bottom, top = window
    lowest, highest = _f1(left, bottom), _f1(right, top)
    for f1 in _levels(lowest, highest):
        recall = np.linspace(max(left, f1 / 2 + 1e-6), right, 400)
        precision = f1 * recall / (2 * recall - f1)
        shown = (precision >= bottom) & (precision <= top)
        if shown.sum() < 2:
            continue
        axes.plot(recall[shown], precision[shown], color=LINE, linewidth=1, zorder=0)
        end = float(recall[shown][-1]), float(precision[shown][-1])
        at_right = right - end[0] < 0.004 * (right - left)
        shown_f1 = f"{f1:.3f}".removesuffix("0")  # two decimals, or three if the third is not zero
        axes.annotate(f"F1 {shown_f1}", end, color=QUIET, fontsize=7.5,
                      xytext=(3, 0) if at_right else (1, 2), textcoords="offset points", annotation_clip=False,
                      ha="left", va="center" if at_right else "bottom")  # fmt: skip


def _levels(lowest: float, highest: float) -> list[float]:
    """Round values strictly between two values, few enough to be told apart."""
    step = next((step for step in _STEPS if (highest - lowest) / step <= _MOST_LINES), _STEPS[-1])
    first, last = math.floor(lowest / step) + 1, math.ceil(highest / step)
    return [round(number * step, 6) for number in range(first, last)]


def _f1(recall: float, precision: float) -> float:
    return 2 * recall * precision / (recall + precision) if recall + precision else 0.0
