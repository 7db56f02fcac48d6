"""Charts of many models: counts as the paper's Figure 2, precision against recall, and F1 before and after."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from repope_eval.benchmarks.sources import label_set_title
from repope_eval.leaderboard.entries import Entry, Leaderboard, file_word
from repope_eval.leaderboard.moves import certain_moves, certainty_rules
from repope_eval.leaderboard.sentences import apart_note
from repope_eval.records import Variant
from repope_eval.reporting.charts.drawing import (
    FIRST,
    INK,
    MUTED,
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
    width_of,
    write_in_percent,
)
from repope_eval.reporting.charts.figures import Point, defined, paint_frame, point_of
from repope_eval.reporting.figure_texts import (
    percent_text,
    shortened_names,
)

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
    names = [label(name) for name in shortened_names([entry.name for entry in entries], _LONGEST_COUNTED)]
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
    names = [
        label(name) for name in shortened_names([entry.name for entry in board.entries], _LONGEST_MARKED)
    ]
    for index, name in enumerate(names):
        column, row = divmod(index, n_rows)
        x, y = 0.3 + column * width / _COLUMNS, height - _PLOT - (row + 0.2) * _LISTED_ROW
        figure.text(x / width, y / height, f"{index + 1}", fontsize=8, ha="right", va="center", color=QUIET)
        figure.text((x + 0.07) / width, y / height, name, fontsize=8, va="center", color=INK)


_SLOPE_ROW, _SLOPE_HEAD, _SLOPE_FOOT = 0.27, 0.42, 0.12
"""Heights in inches for a model, of the heading, and of the space below the last model."""
_NAME_ROW = 0.17
"""How far apart names are at least, in inches."""
_NAMES = 2.05
"""The width in inches of the names on each side."""
_APART, _EDGE = 0.2, 0.04
"""Inches between a name and its mark, and between a name and the edge of the figure."""
_NAME_SIZE, _TITLE_SIZE = 8.5, 9.5
"""Sizes of letters in points."""


SLOPE_COLOURS = (
    "Blue, unbroken lines: the model overtakes another, and that is more than chance. Orange, dashed ones: it is "
    "overtaken so. Grey: no change of rank is certain."
)
"""What the lines of `Slopes` say."""


def slopes_chart(board: Leaderboard, variant: Variant) -> Chart:
    """F1 of models in one variant, from the first of two label sets to the second."""
    before, after = (label_set_title(name) for name in board.label_sets)
    slopes = Slopes(
        figures=_f1_of_both(board, variant),
        titles=(before, after),
        moves=certain_moves(board, variant),
        stressed=frozenset(entry.name for entry in board.runs) if board.has_paper else frozenset(),
    )
    return draw_slopes(
        f"ranking_{file_word(variant)}",
        f"F1 before and after, {variant}",
        f"F1 in percent under {before} labels on the left and under {after} labels on the right ({variant}). "
        f"{SLOPE_COLOURS} More than chance: {certainty_rules(board)}.",
        slopes,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Slopes:
    """A share of each model before and after something, the best at the top."""

    figures: Mapping[str, tuple[float, float]]
    """By the model's name."""
    titles: tuple[str, str]
    """What stands over the two sides."""
    moves: tuple[set[str], set[str]]
    """The models that overtake another for certain, and those that are overtaken so."""
    stressed: frozenset[str] = frozenset()
    """The models whose names are bold."""
    lowest_is_best: bool = False


def draw_slopes(name: str, title: str, description: str, slopes: Slopes) -> Chart:
    """A chart with a line for each model, from its figure before to that after."""
    return draw(
        name,
        title,
        description,
        _SLOPE_HEAD + max(1, len(slopes.figures)) * _SLOPE_ROW + _SLOPE_FOOT,
        lambda figure: _paint_slopes(figure, slopes),
    )


def _f1_of_both(board: Leaderboard, variant: Variant) -> dict[str, tuple[float, float]]:
    """F1 under both label sets of the ranked models that have it, by name."""
    figures = {}
    for entry in board.entries:
        old, new = (entry.cells[name][variant].figures.f1 for name in board.label_sets)
        if old is not None and new is not None and board.places[board.label_sets[-1]][variant][entry.name]:
            figures[entry.name] = (old, new)
    return figures


def _paint_slopes(figure: Figure, slopes: Slopes) -> None:
    figures = slopes.figures
    height = max(1, len(figures)) * _SLOPE_ROW
    axes = add_axes(figure, _NAMES, _SLOPE_FOOT, _NAMES, height + _SLOPE_FOOT)
    axes.set_axis_off()
    right = WIDTH - 2 * _NAMES
    axes.set_xlim(0, right)
    axes.set_ylim(height, 0)
    heights = _heights([value for both in figures.values() for value in both], height, slopes.lowest_is_best)
    rising, falling = slopes.moves
    for name, both in figures.items():
        color, style = (
            (SECOND, "-") if name in rising else (FIRST, (0, (3, 1.5))) if name in falling else (MUTED, "-")
        )
        axes.plot((0, right), [heights[value] for value in both], color=color, linewidth=1.3, linestyle=style,
                  marker="o", markersize=3.5, clip_on=False, zorder=1 if color == MUTED else 2)  # fmt: skip
    for side, (x, align, title) in enumerate(
        ((0.0, "right", slopes.titles[0]), (right, "left", slopes.titles[1]))
    ):
        _name_slopes(
            axes, slopes.stressed, {name: both[side] for name, both in figures.items()}, heights, x, align
        )
        shown = fitting(label(title), _NAMES - _APART - _EDGE, _TITLE_SIZE, "bold")
        outside = x - _APART if align == "right" else x + _APART
        axes.text(
            outside, -0.2, shown, ha=align, va="center", fontsize=_TITLE_SIZE, fontweight="bold", color=INK
        )


def _heights(figures: Sequence[float], height: float, lowest_is_best: bool) -> dict[float, float]:
    """How far below the upper edge each figure is, in inches; the best and the worst are half a row from the edges."""
    low, high = min(figures, default=0.0), max(figures, default=1.0)
    best, worst = (low, high) if lowest_is_best else (high, low)
    room = height - _SLOPE_ROW
    return {
        value: _SLOPE_ROW / 2 + (room * (best - value) / (best - worst) if high > low else room / 2)
        for value in figures
    }


def _name_slopes(
    axes: Axes,
    stressed: frozenset[str],
    figures: Mapping[str, float],
    heights: Mapping[float, float],
    x: float,
    align: str,
) -> None:
    """Writes names and figures beside one end of the lines; those of near figures move apart and keep a pointer."""
    names = sorted(figures, key=lambda name: heights[figures[name]])
    places = spread([heights[figures[name]] for name in names], _NAME_ROW, axes.get_ylim()[0])
    sign = -1 if align == "right" else 1
    for name, place in zip(names, places, strict=True):
        value, weight = percent_text(figures[name]), "bold" if name in stressed else "normal"
        shown = _fitting_name(name, weight, f" {value} ")
        text = f"{shown} {value}" if align == "right" else f"{value} {shown}"
        axes.text(x + sign * _APART, place, text, ha=align, va="center", fontsize=_NAME_SIZE, color=INK,
                  fontweight=weight)  # fmt: skip
        axes.plot((x, x + sign * (_APART - 0.04)), (heights[figures[name]], place), color=QUIET, linewidth=0.5,
                  clip_on=False)  # fmt: skip


def spread(places: Sequence[float], least: float, end: float) -> list[float]:
    """Ascending places moved as little as it takes for neighbours to be at least so far apart, between 0 and the end.

    Groups of neighbours that are too near are centred on their mean place, joined with the next group while they
    overlap (pool adjacent violators, which minimises the sum of squared moves).
    """
    lowest, highest = least / 2, end - least / 2 - (len(places) - 1) * least
    groups: list[tuple[float, int]] = []  # the place of the first, as if no room were needed, and the number
    for number, place in enumerate(places):
        mean, size = place - number * least, 1
        while groups and groups[-1][0] > mean:
            other, more = groups.pop()
            mean, size = (mean * size + other * more) / (size + more), size + more
        groups.append((mean, size))
    flat = [min(max(mean, lowest), highest) for mean, size in groups for _ in range(size)]
    return [mean + number * least for number, mean in enumerate(flat)]


def _fitting_name(name: str, weight: str, figure: str) -> str:
    """A name, cut to the room that its figure leaves."""
    room = _NAMES - _APART - _EDGE - width_of(figure, _NAME_SIZE, weight)
    return fitting(label(name), room, _NAME_SIZE, weight)
