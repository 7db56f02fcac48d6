"""True positives, false positives and F1 of all models under both label sets, as the RePOPE paper's Figure 2."""

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from repope_eval.leaderboard.entries import Leaderboard, file_word
from repope_eval.records import Variant
from repope_eval.reporting.charts.drawing import WIDTH, Chart, add_axes, draw, label
from repope_eval.reporting.charts.palette import LINE, PAPER, QUIET, series_color, shortened
from repope_eval.reporting.figure_texts import label_set_title

_PANELS = {"tp": "TP", "fp": "FP", "f1": "F1"}
_ROW, _HEAD, _FOOT = 0.24, 0.62, 0.34
"""Inches: of a model, of legend and titles, and of the axis."""
_LONGEST = 27
_GAP = 0.16


def model_counts_chart(board: Leaderboard, variant: Variant) -> Chart:
    """A row a model, a panel a figure: a dot for each label set with its 95 % interval."""
    titles = [label_set_title(name) for name in board.label_sets]
    return draw(
        f"counts_{file_word(variant)}",
        f"True positives, false positives and F1, {variant}",
        f"True positives, false positives and F1 of every model under {' and '.join(titles)} labels ({variant}), "
        f"the best F1 under {titles[-1]} labels first. Lines are 95 % intervals.",
        _HEAD + len(board.entries) * _ROW + _FOOT,
        lambda figure: _paint(figure, board, variant, titles),
    )


def _paint(figure: Figure, board: Leaderboard, variant: Variant, titles: list[str]) -> None:
    entries = sorted(board.entries, key=lambda entry: _order(board, variant, entry.name))
    names = [label(shortened(entry.name, _LONGEST)) for entry in entries]
    height = _HEAD + len(entries) * _ROW + _FOOT
    start = 0.2 + 0.068 * max(len(name) for name in names)
    panel = (WIDTH - start - 0.1 - _GAP * (len(_PANELS) - 1)) / len(_PANELS)
    for place, (name, title) in enumerate(_PANELS.items()):
        left = start + place * (panel + _GAP)
        axes = add_axes(figure, left, _FOOT, WIDTH - left - panel, height - _HEAD)
        axes.set_title(title, x=0, pad=5)
        for row, entry in enumerate(entries):
            for number, label_set in enumerate(board.label_sets):
                value = getattr(entry.figures[label_set][variant], name)
                y = row + (number - (len(board.label_sets) - 1) / 2) * 0.34
                _paint_value(axes, value, entry.intervals[label_set][variant].get(name), y, number)
        axes.set_ylim(len(entries) - 0.5, -0.5)
        axes.set_yticks(range(len(entries)), names if place == 0 else [])
        axes.tick_params(axis="y", length=0, labelsize=8.5)
        for tick, entry in zip(axes.get_yticklabels(), entries, strict=False):
            tick.set_fontweight("bold" if board.has_paper and board.runs and not entry.is_paper else "normal")
        axes.tick_params(axis="x", labelsize=8)
        axes.spines["left"].set_visible(False)
        for row in range(1, len(entries)):
            axes.axhline(row - 0.5, color=LINE, linewidth=0.4)
        axes.margins(x=0.08)
        axes.xaxis.set_major_locator(MaxNLocator(nbins=3, integer=name != "f1"))
        axes.grid(axis="x")
    handles = [
        Line2D([], [], color=series_color(number), marker="o", markersize=5, linewidth=1.2, label=label(title),
               markerfacecolor=PAPER if number == 0 else series_color(number))
        for number, title in enumerate(titles)
    ]  # fmt: skip
    figure.legend(handles=handles, loc="upper right", ncols=len(handles), borderaxespad=0.3)


def _paint_value(
    axes: Axes, value: float | None, interval: tuple[float, float] | None, y: float, number: int
) -> None:
    if value is None:
        axes.text(
            0.5, y, "undefined", transform=axes.get_yaxis_transform(), fontsize=7, color=QUIET, va="center"
        )
        return
    color = series_color(number)
    if interval is not None:
        axes.plot(interval, (y, y), color=color, linewidth=1.1, zorder=2)
    axes.plot([value], [y], "o", color=color, markersize=4.2, zorder=3,
              markerfacecolor=PAPER if number == 0 else color)  # fmt: skip


def _order(board: Leaderboard, variant: Variant, name: str) -> int:
    rank = board.places[board.label_sets[-1]][variant][name]
    return len(board.entries) + 1 if rank is None else rank
