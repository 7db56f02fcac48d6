"""Precision against recall of all models, with lines of equal F1."""

import math
from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from repope_eval.leaderboard.entries import Leaderboard, file_word
from repope_eval.leaderboard.sentences import apart_note
from repope_eval.records import Variant, label_set_title
from repope_eval.reporting.charts.drawing import Chart, add_axes, draw, label
from repope_eval.reporting.charts.marks import label_set_legend, mark, shortened
from repope_eval.reporting.charts.palette import INK, QUIET
from repope_eval.reporting.charts.precision_recall import Point, defined, paint_frame, point_of

_PLOT = 4.6
"""Height in inches of the square and what stands around it."""
_ROW = 0.19
_LONGEST = 30
_COLUMNS = 2

_DISTANCES = (9, 14)
_DIRECTIONS = 12
"""A number stands about its mark at one of these distances in points, in one of so many directions."""
_ENOUGH = 9.0
"""More room than this, in points, makes no position better."""


def model_precision_recall_chart(board: Leaderboard, variant: Variant) -> Chart:
    """A mark for each model and label set; a number beside the last mark leads to the model's name in a list below."""
    titles = [label_set_title(name) for name in board.label_sets]
    lines = "; a line joins the two of a model" if len(titles) == 2 else ""
    n_rows = math.ceil(len(board.entries) / _COLUMNS)
    return draw(
        f"precision_recall_{file_word(variant)}",
        f"Precision against recall, {variant}",
        f"Precision against recall of every model under {' and '.join(titles)} labels ({variant}){lines}. Along a "
        f"grey line F1 is the same.{apart_note(board)}",
        _PLOT + n_rows * _ROW + 0.1,
        lambda figure: _paint(figure, board, variant),
    )


def _paint(figure: Figure, board: Leaderboard, variant: Variant) -> None:
    height = float(figure.get_size_inches()[1])
    axes = add_axes(figure, 0.7, height - _PLOT + 0.55, 0.55, height - 0.35)
    points = [[point_of(entry.cells[name][variant]) for name in board.label_sets] for entry in board.entries]
    paint_frame(axes, points)
    for of_entry in points:
        _paint_points(axes, of_entry)
    _paint_numbers(figure, axes, points)
    label_set_legend(figure, board.label_sets, 0.2, linestyle="")
    _paint_list(figure, board)


def _paint_points(axes: Axes, points: Sequence[Point]) -> None:
    shown = defined(points)
    _, recalls, precisions = zip(*shown, strict=True) if shown else ((), (), ())
    axes.plot(recalls, precisions, color=QUIET, linewidth=0.6, alpha=0.6, zorder=1)
    for index, recall, precision in shown:
        mark(axes, recall, precision, index, 5, clip_on=False)


def _paint_numbers(figure: Figure, axes: Axes, points: Sequence[Sequence[Point]]) -> None:
    """Writes the number of each model beside its last mark, at the position around it that has the most room."""
    marks = [[_in_points(figure, axes, point) for point in of_entry] for of_entry in points]
    taken = [mark for of_entry in marks for mark in of_entry if mark is not None]
    offsets = [
        (distance * math.cos(angle), distance * math.sin(angle))
        for distance in _DISTANCES
        for angle in (2 * math.pi * part / _DIRECTIONS for part in range(_DIRECTIONS))
    ]
    for number, of_entry in enumerate(marks, 1):
        mark = of_entry[-1]
        if mark is None:
            continue
        positions = [(mark[0] + right, mark[1] + up) for right, up in offsets]
        rooms = [_room(position, taken) - 0.05 * math.dist(position, mark) for position in positions]
        best = positions[rooms.index(max(rooms))]
        taken.append(best)
        width, height = figure.get_size_inches() * 72
        figure.text(best[0] / width, best[1] / height, str(number), ha="center", va="center", fontsize=7.5,
                    color=INK, zorder=4)  # fmt: skip


def _in_points(figure: Figure, axes: Axes, point: Point) -> tuple[float, float] | None:
    """The position of a mark in the figure in points; None if the mark is undefined."""
    recall, precision = point
    if recall is None or precision is None:
        return None
    x, y = axes.transData.transform((recall, precision)) * 72 / figure.dpi
    return float(x), float(y)


def _room(position: tuple[float, float], taken: Sequence[tuple[float, float]]) -> float:
    """The distance in points from a position to the nearest that is taken, up to what is enough."""
    return min([_ENOUGH, *(math.dist(position, other) for other in taken)])


def _paint_list(figure: Figure, board: Leaderboard) -> None:
    width, height = figure.get_size_inches()
    n_rows = math.ceil(len(board.entries) / _COLUMNS)
    for index, entry in enumerate(board.entries):
        column, row = divmod(index, n_rows)
        x, y = 0.3 + column * width / _COLUMNS, height - _PLOT - (row + 0.2) * _ROW
        name = label(shortened(entry.name, _LONGEST))
        figure.text(x / width, y / height, f"{index + 1}", fontsize=8, ha="right", va="center", color=QUIET)
        figure.text((x + 0.07) / width, y / height, name, fontsize=8, va="center", color=INK)
