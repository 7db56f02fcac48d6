"""True positives, false positives and F1 of all models under both label sets, as the RePOPE paper's Figure 2."""

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from repope_eval.leaderboard.entries import Entry, Leaderboard, file_word
from repope_eval.leaderboard.sentences import apart_note
from repope_eval.records import Variant, label_set_title
from repope_eval.reporting.charts.drawing import WIDTH, Chart, add_axes, draw, label
from repope_eval.reporting.charts.marks import (
    label_set_legend,
    mark_with_interval,
    name_rows,
    part_rows,
    shortened,
)
from repope_eval.reporting.charts.palette import QUIET

_PANELS = {"tp": "TP", "fp": "FP", "f1": "F1"}
_ROW, _HEAD, _FOOT = 0.24, 0.62, 0.34
"""Heights in inches of a model, of legend and titles, and of the axis."""
_LONGEST = 27
_GAP = 0.16


def model_counts_chart(board: Leaderboard, variant: Variant) -> Chart:
    """A row for each model, a panel for each figure, and a dot for each label set with its 95 % interval."""
    titles = [label_set_title(name) for name in board.label_sets]
    return draw(
        f"counts_{file_word(variant)}",
        f"True positives, false positives and F1, {variant}",
        f"True positives, false positives and F1 of every model under {' and '.join(titles)} labels ({variant}), "
        f"the best F1 under {titles[-1]} labels first. Lines are 95 % intervals.{apart_note(board)}",
        _HEAD + len(board.entries) * _ROW + _FOOT,
        lambda figure: _paint(figure, board, variant),
    )


def _paint(figure: Figure, board: Leaderboard, variant: Variant) -> None:
    entries = sorted(board.entries, key=lambda entry: _order(board, variant, entry.name))
    names = [label(shortened(entry.name, _LONGEST)) for entry in entries]
    height = _HEAD + len(entries) * _ROW + _FOOT
    start = 0.2 + 0.068 * max(len(name) for name in names)
    panel = (WIDTH - start - 0.1 - _GAP * (len(_PANELS) - 1)) / len(_PANELS)
    for index, (name, title) in enumerate(_PANELS.items()):
        left = start + index * (panel + _GAP)
        axes = add_axes(figure, left, _FOOT, WIDTH - left - panel, height - _HEAD)
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
    label_set_legend(figure, board.label_sets, 0.3, markersize=5, linewidth=1.2)


def _paint_row(axes: Axes, board: Leaderboard, entry: Entry, variant: Variant, name: str, row: int) -> None:
    for index, label_set in enumerate(board.label_sets):
        y = row + (index - (len(board.label_sets) - 1) / 2) * 0.34
        found = entry.cells[label_set][variant].estimates[name]
        if found.value is None:
            axes.text(0.5, y, "undefined", transform=axes.get_yaxis_transform(), fontsize=7, color=QUIET,
                      va="center")  # fmt: skip
        else:
            mark_with_interval(axes, found.value, found.interval, y, index, size=4.2, width=1.1)


def _order(board: Leaderboard, variant: Variant, name: str) -> int:
    place = board.places[board.label_sets[-1]][variant][name]
    return len(board.entries) + 1 if place is None else place
