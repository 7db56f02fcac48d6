"""Charts of a run's figures: counts and F1, precision against recall, and reliability."""

import math
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from repope_eval.benchmarks.sources import label_set_title
from repope_eval.records import Variant
from repope_eval.reporting.charts.drawing import (
    INK,
    LINE,
    QUIET,
    WIDTH,
    Chart,
    add_axes,
    draw,
    label,
    label_set_handles,
    label_set_legend,
    mark,
    mark_with_interval,
    name_rows,
    part_rows,
    series_color,
    single_variants,
    variant_handles,
    variant_shape,
    write_in_percent,
)
from repope_eval.reporting.figure_texts import (
    COUNT_TITLES,
    figure_text,
    shortened,
)
from repope_eval.scoring.calibration import FEWEST_DRAWN, ReliabilityBin, drawn_bins
from repope_eval.scoring.evidence import Evidence
from repope_eval.scoring.protocol_scores import CellScores
from repope_eval.scoring.scores import Scores

_PANELS = {"tp": "True positives", "fp": "False positives", "f1": "F1, %"}
_ROW, _HEAD, _FOOT, _TOP = 0.44, 0.3, 0.34, 0.32
"""Heights in inches of a variant, of the title and the axis of a panel, and of the legend."""
_APART = 0.36
"""The distance of the label sets of a variant, in rows."""
_VALUES = 0.55
"""The width in inches of the column of values, which stands left of the axes: a phone shows that side first."""


def counts_chart(scores: Scores) -> Chart:
    """A panel for each figure, a row for each variant, and a dot for each label set with its 95 % interval."""
    titles = [label_set_title(name) for name in scores.cells]
    both = f" under {' and '.join(titles)} labels" if titles else ""
    n_rows = max(len(by_variant) for by_variant in scores.cells.values())
    panel = _HEAD + n_rows * _ROW + _FOOT
    return draw(
        "counts",
        "True positives, false positives, F1",
        f"True positives, false positives and F1{both}, for each variant. Lines are 95 % intervals.",
        _TOP + len(_PANELS) * panel,
        lambda figure: _paint_counts(figure, scores, n_rows, panel),
    )


def _paint_counts(figure: Figure, scores: Scores, n_rows: int, panel: float) -> None:
    height = _TOP + len(_PANELS) * panel
    variants = list(next(iter(scores.cells.values())))
    left = 0.2 + 0.082 * max(len(shortened(variant)) for variant in variants) + _VALUES
    for index, (name, title) in enumerate(_PANELS.items()):
        top = height - _TOP - index * panel - _HEAD
        axes = add_axes(figure, left, top - n_rows * _ROW, 0.2, top)
        axes.set_title(title, x=0, pad=5)
        for row, variant in enumerate(variants):
            _paint_row(axes, scores, name, variant, row)
        name_rows(axes, [label(shortened(variant)) for variant in variants])
        axes.tick_params(axis="y", pad=72 * _VALUES)
        part_rows(axes, len(variants), 0.5)
        axes.margins(x=0.06)
        axes.locator_params(axis="x", nbins=5)
        if name not in COUNT_TITLES:
            write_in_percent(axes.xaxis)
    handles = label_set_handles(scores.cells, markersize=6, linewidth=1.4)
    figure.legend(handles=handles, loc="upper left", ncols=len(handles), borderaxespad=0.4)


def _paint_row(axes: Axes, scores: Scores, name: str, variant: str, row: int) -> None:
    before: tuple[float, float] | None = None
    for index, label_set in enumerate(scores.cells):
        y = row + (index - (len(scores.cells) - 1) / 2) * _APART
        estimate = scores.cells[label_set][variant].estimates[name]
        axes.annotate(figure_text(name, estimate.value), (0, y), (-6, 0), xycoords=axes.get_yaxis_transform(),
                      textcoords="offset points", ha="right", va="center", fontsize=8.5,
                      color=series_color(index))  # fmt: skip
        if estimate.value is None:
            continue
        if before is not None:
            ends = (before[0], estimate.value), (before[1], y)
            axes.plot(*ends, color=QUIET, linewidth=0.8, linestyle=":", zorder=1)
        mark_with_interval(axes, estimate.value, estimate.interval, y, index, size=6, width=1.4)
        before = estimate.value, y


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
        lambda figure: _paint_precision_recall(figure, scores),
    )


def _paint_precision_recall(figure: Figure, scores: Scores) -> None:
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
    axes.set_xlabel("recall, %")
    axes.set_ylabel("precision, %", color=INK)
    write_in_percent(axes.xaxis)
    write_in_percent(axes.yaxis)
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
    return (*_shown_range(recalls), *_shown_range(precisions))


def _shown_range(values: Sequence[float]) -> tuple[float, float]:
    low, high = min(values), max(values)
    room = max(0.2 * (high - low), (_NARROWEST - (high - low)) / 2, 0.01)
    return max(0.0, low - room), min(1.0, high + room)


def _paint_equal_f1(axes: Axes, window: Window) -> None:
    """Draws lines of equal F1, precision = F1 recall / (2 recall - F1), each with its F1 at its end."""
    left, right, bottom, top = window
    lowest, highest = _f1(left, bottom), _f1(right, top)
    for f1 in _round_levels(lowest, highest):
        recall = np.linspace(max(left, f1 / 2 + 1e-6), right, 400)
        precision = f1 * recall / (2 * recall - f1)
        shown = (precision >= bottom) & (precision <= top)
        if shown.sum() < 2:
            continue
        axes.plot(recall[shown], precision[shown], color=LINE, linewidth=1, zorder=0)
        end = float(recall[shown][-1]), float(precision[shown][-1])
        at_right = right - end[0] < 0.004 * (right - left)
        shown_f1 = f"{100 * f1:.1f}".removesuffix(".0")
        axes.annotate(f"F1 {shown_f1}", end, color=QUIET, fontsize=7.5,
                      xytext=(3, 0) if at_right else (1, 2), textcoords="offset points", annotation_clip=False,
                      ha="left", va="center" if at_right else "bottom")  # fmt: skip


def _round_levels(lowest: float, highest: float) -> list[float]:
    """Round values strictly between two values, few enough to be told apart."""
    step = next((step for step in _STEPS if (highest - lowest) / step <= _MOST_LINES), _STEPS[-1])
    first, last = math.floor(lowest / step) + 1, math.ceil(highest / step)
    return [round(number * step, 6) for number in range(first, last)]


def _f1(recall: float, precision: float) -> float:
    return 2 * recall * precision / (recall + precision) if recall + precision else 0.0


_COLUMNS = 2
_PANEL = 2.72
_SMALLEST, _LARGEST = 2.5, 11.0
"""Diameters in points of the mark of a bin with hardly any question, and of one with all of them."""


def reliability_chart(evidence: Mapping[str, Mapping[Variant, Evidence]]) -> Chart:
    """A panel for each variant; a mark for each range of confidence, whose area is its number of questions."""
    variants = single_variants(next(iter(evidence.values())))
    n_rows = math.ceil(len(variants) / _COLUMNS)
    return draw(
        "reliability",
        "Reliability",
        "Share of questions whose label is yes against the model's confidence in yes, in up to ten ranges of "
        "confidence; the area of a mark is its share of the questions. On the dotted line the two are equal. Ranges "
        f"with fewer than {FEWEST_DRAWN} questions are joined with neighbours that have as few, or left out, since "
        "their shares would be chance.",
        0.4 + n_rows * _PANEL,
        lambda figure: _paint_reliability(figure, evidence, variants),
    )


def _paint_reliability(
    figure: Figure, evidence: Mapping[str, Mapping[Variant, Evidence]], variants: Sequence[Variant]
) -> None:
    height = float(figure.get_size_inches()[1])
    n_columns = min(_COLUMNS, len(variants))
    for number, variant in enumerate(variants):
        row, column = divmod(number, n_columns)
        left = 0.6 + column * 2.45 + (1.0 if n_columns == 1 else 0.0)
        top = height - 0.65 - row * _PANEL
        axes = add_axes(figure, left, top - 1.95, WIDTH - left - 1.95, top)
        axes.set_title(label(shortened(variant, 24)), x=0)
        axes.plot((0, 1), (0, 1), color=QUIET, linewidth=0.8, linestyle=":")
        for index, by_variant in enumerate(evidence.values()):
            bins = drawn_bins(by_variant[variant].reliability) if variant in by_variant else ()
            _paint_bins(axes, bins, index)
        axes.set_xlim(-0.04, 1.04)
        axes.set_ylim(-0.04, 1.04)
        axes.set_xticks((0, 0.25, 0.5, 0.75, 1), ("0", "25", "50", "75", "100"))
        axes.set_yticks((0, 0.25, 0.5, 0.75, 1), ("0", "25", "50", "75", "100"))
        axes.tick_params(axis="y", labelcolor=QUIET, labelsize=8.5)
        axes.grid(color=LINE, linewidth=0.5)
        axes.set_xlabel("confidence in yes, %")
        if column == 0:
            axes.set_ylabel("share of label yes, %")
    label_set_legend(figure, evidence, 0.3, linewidth=1)


def _paint_bins(axes: Axes, bins: Sequence[ReliabilityBin], index: int) -> None:
    n_questions = sum(part.n for part in bins)
    line: list[tuple[float, float]] = []
    end = 0.0
    for part in bins:
        if part.confidence is None or part.yes_share is None:
            continue
        # A line across a range without questions would show a share where there is none.
        line += [(math.nan, math.nan)] if part.low > end else []
        line.append((part.confidence, part.yes_share))
        end = part.high
        size = max(_SMALLEST, _LARGEST * math.sqrt(part.n / n_questions))
        mark(axes, part.confidence, part.yes_share, index, size)
    axes.plot([x for x, _ in line], [y for _, y in line], color=series_color(index), linewidth=0.9)
