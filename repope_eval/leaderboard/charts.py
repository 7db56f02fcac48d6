"""Charts of many models: counts as the paper's Figure 2, precision against recall, and ranking under two label sets."""

import math
from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from repope_eval.benchmarks.sources import label_set_title
from repope_eval.leaderboard.entries import Entry, Leaderboard, file_word
from repope_eval.leaderboard.sentences import apart_note
from repope_eval.records import Variant
from repope_eval.reporting.charts.drawing import (
    FIRST,
    INK,
    QUIET,
    SECOND,
    WIDTH,
    Chart,
    add_axes,
    draw,
    fitting,
    label,
    label_set_legend,
    mark,
    mark_with_interval,
    name_rows,
    part_rows,
    shortened,
    width_of,
    write_in_percent,
)
from repope_eval.reporting.charts.figures import Point, defined, paint_frame, point_of

_PANELS = {"tp": "TP", "fp": "FP", "f1": "F1, %"}
_COUNTED_ROW, _COUNTED_HEAD, _COUNTED_FOOT = 0.24, 0.62, 0.34
"""Heights in inches of a model, of legend and titles, and of the axis."""
_LONGEST_COUNTED = 27
_GAP = 0.16


def model_counts_chart(board: Leaderboard, variant: Variant) -> Chart:
    """A row for each model, a panel for each figure, and a dot for each label set with its 95 % interval."""
    titles = [label_set_title(name) for name in board.label_sets]
    return draw(
        f"counts_{file_word(variant)}",
        f"True positives, false positives and F1, {variant}",
        f"True positives, false positives and F1 of every model under {' and '.join(titles)} labels ({variant}), "
        f"the best F1 under {titles[-1]} labels first. Lines are 95 % intervals.{apart_note(board)}",
        _COUNTED_HEAD + len(board.entries) * _COUNTED_ROW + _COUNTED_FOOT,
        lambda figure: _paint_counts(figure, board, variant),
    )


def _paint_counts(figure: Figure, board: Leaderboard, variant: Variant) -> None:
    entries = sorted(board.entries, key=lambda entry: _sorting_place(board, variant, entry.name))
    names = [label(shortened(entry.name, _LONGEST_COUNTED)) for entry in entries]
    height = _COUNTED_HEAD + len(entries) * _COUNTED_ROW + _COUNTED_FOOT
    start = 0.2 + 0.068 * max(len(name) for name in names)
    panel = (WIDTH - start - 0.1 - _GAP * (len(_PANELS) - 1)) / len(_PANELS)
    for index, (name, title) in enumerate(_PANELS.items()):
        left = start + index * (panel + _GAP)
        axes = add_axes(figure, left, _COUNTED_FOOT, WIDTH - left - panel, height - _COUNTED_HEAD)
        axes.set_title(title, x=0, pad=5)
        for row, entry in enumerate(entries):
            _paint_row(axes, board, entry, variant, name, row)
        name_rows(axes, names if index == 0 else [""] * len(names))
        axes.tick_params(axis="y", labelsize=8.5)
        for tick, entry in zip(axes.get_yticklabels(), entries, strict=False):
            tick.set_fontweight("bold" if board.has_paper and board.runs and not entry.is_paper else "normal")
        axes.tick_params(axis="x", labelsize=8)
        part_rows(axes, len(entries), 0.4)
        axes.margins(x=0.08)
        axes.xaxis.set_major_locator(MaxNLocator(nbins=3, integer=name != "f1"))
        if name == "f1":
            write_in_percent(axes.xaxis)
    label_set_legend(figure, board.label_sets, 0.3, markersize=5, linewidth=1.2)


def _paint_row(axes: Axes, board: Leaderboard, entry: Entry, variant: Variant, name: str, row: int) -> None:
    for index, label_set in enumerate(board.label_sets):
        y = row + (index - (len(board.label_sets) - 1) / 2) * 0.34
        estimate = entry.cells[label_set][variant].estimates[name]
        if estimate.value is None:
            axes.text(0.5, y, "undefined", transform=axes.get_yaxis_transform(), fontsize=7, color=QUIET,
                      va="center")  # fmt: skip
        else:
            mark_with_interval(axes, estimate.value, estimate.interval, y, index, size=4.2, width=1.1)


def _sorting_place(board: Leaderboard, variant: Variant, name: str) -> int:
    place = board.places[board.label_sets[-1]][variant][name]
    return len(board.entries) + 1 if place is None else place


_PLOT = 4.6
"""Height in inches of the square and what stands around it."""
_LISTED_ROW = 0.19
_LONGEST_MARKED = 30
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
        _PLOT + n_rows * _LISTED_ROW + 0.1,
        lambda figure: _paint_precision_recall(figure, board, variant),
    )


def _paint_precision_recall(figure: Figure, board: Leaderboard, variant: Variant) -> None:
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
    marks = [[_position_in_points(figure, axes, point) for point in of_entry] for of_entry in points]
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
        # The distance from the mark counts a little, so that the nearer of two positions with equal room is taken.
        rooms = [_room_around(position, taken) - 0.05 * math.dist(position, mark) for position in positions]
        best = positions[rooms.index(max(rooms))]
        taken.append(best)
        width, height = figure.get_size_inches() * 72
        figure.text(best[0] / width, best[1] / height, str(number), ha="center", va="center", fontsize=7.5,
                    color=INK, zorder=4)  # fmt: skip


def _position_in_points(figure: Figure, axes: Axes, point: Point) -> tuple[float, float] | None:
    """The position of a mark in the figure in points; None if the mark is undefined."""
    recall, precision = point
    if recall is None or precision is None:
        return None
    x, y = axes.transData.transform((recall, precision)) * 72 / figure.dpi
    return float(x), float(y)


def _room_around(position: tuple[float, float], taken: Sequence[tuple[float, float]]) -> float:
    """The distance in points from a position to the nearest that is taken, up to what is enough."""
    return min([_ENOUGH, *(math.dist(position, other) for other in taken)])


def _paint_list(figure: Figure, board: Leaderboard) -> None:
    width, height = figure.get_size_inches()
    n_rows = math.ceil(len(board.entries) / _COLUMNS)
    for index, entry in enumerate(board.entries):
        column, row = divmod(index, n_rows)
        x, y = 0.3 + column * width / _COLUMNS, height - _PLOT - (row + 0.2) * _LISTED_ROW
        name = label(shortened(entry.name, _LONGEST_MARKED))
        figure.text(x / width, y / height, f"{index + 1}", fontsize=8, ha="right", va="center", color=QUIET)
        figure.text((x + 0.07) / width, y / height, name, fontsize=8, va="center", color=INK)


_PLACED_ROW, _PLACED_HEAD, _PLACED_FOOT = 0.235, 0.42, 0.12
"""Heights in inches of a model, of the heading, and of the space below the last model."""
_NAMES = 2.05
"""The width in inches of the names on each side."""
_APART, _EDGE = 0.1, 0.04
"""Inches between a name and its line, and between a name and the edge of the figure."""
_NAME_SIZE, _TITLE_SIZE = 8.5, 9.5
"""Sizes of letters in points."""


def ranking_chart(board: Leaderboard, variant: Variant) -> Chart:
    """The places of models by F1 in one variant, under each of two label sets."""
    before, after = (label_set_title(name) for name in board.label_sets)
    n_models = len(_places(board, variant))
    return draw(
        f"ranking_{file_word(variant)}",
        f"Ranking by F1, {variant}",
        f"Places by F1 under {before} labels on the left and under {after} labels on the right ({variant}). Blue, "
        "unbroken lines rise, orange, dashed ones fall.",
        _PLACED_HEAD + max(1, n_models) * _PLACED_ROW + _PLACED_FOOT,
        lambda figure: _paint_ranking(figure, board, variant, (before, after)),
    )


def _places(board: Leaderboard, variant: Variant) -> dict[str, tuple[int, int]]:
    """The places of the models that have both, by name."""
    before, after = (board.places[name][variant] for name in board.label_sets)
    both = {name: (before[name], after[name]) for name in before}
    return {name: (old, new) for name, (old, new) in both.items() if old is not None and new is not None}


def _paint_ranking(figure: Figure, board: Leaderboard, variant: Variant, titles: tuple[str, str]) -> None:
    places = _places(board, variant)
    height = _PLACED_HEAD + max(1, len(places)) * _PLACED_ROW + _PLACED_FOOT
    axes = add_axes(figure, _NAMES, _PLACED_FOOT, _NAMES, height - _PLACED_HEAD)
    axes.set_axis_off()
    axes.set_xlim(0, WIDTH - 2 * _NAMES)
    axes.set_ylim(len(places) - 0.5, -0.5)
    right = WIDTH - 2 * _NAMES
    # Equal places get rows of their own, one below the other, and keep their number.
    rows = [
        {name: row for row, name in enumerate(sorted(places, key=lambda name: places[name][side]))}
        for side in range(2)
    ]
    stressed = {entry.name for entry in board.runs} if board.has_paper else set()
    for name, (old, new) in places.items():
        color, style = (QUIET, "-") if old == new else (SECOND, "-") if new < old else (FIRST, (0, (3, 1.5)))
        axes.plot((0, right), (rows[0][name], rows[1][name]), color=color, linewidth=1.3, linestyle=style,
                  marker="o", markersize=4, clip_on=False)  # fmt: skip
        weight = "bold" if name in stressed else "normal"
        for x, side, row, text in (
            (-_APART, "right", rows[0][name], f"{_fitting_name(name, weight, f' {old}')} {old}"),
            (right + _APART, "left", rows[1][name], f"{new} {_fitting_name(name, weight, f'{new} ')}"),
        ):
            axes.text(x, row, text, ha=side, va="center", fontsize=_NAME_SIZE, color=INK, fontweight=weight)
    for x, title, side in ((-_APART, titles[0], "right"), (right + _APART, titles[1], "left")):
        shown = fitting(label(title), _NAMES - _APART - _EDGE, _TITLE_SIZE, "bold")
        axes.text(x, -1.1, shown, ha=side, va="center", fontsize=_TITLE_SIZE, fontweight="bold", color=INK)


def _fitting_name(name: str, weight: str, place: str) -> str:
    """A name, cut to the room that its place leaves."""
    room = _NAMES - _APART - _EDGE - width_of(place, _NAME_SIZE, weight)
    return fitting(label(name), room, _NAME_SIZE, weight)
