"""What several charts draw alike: the marks of label sets and variants, their legends, and rows with names."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from unicodedata import east_asian_width

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.lines import Line2D
from matplotlib.textpath import text_to_path

from repope_eval.records import label_set_title
from repope_eval.reporting.charts.drawing import label
from repope_eval.reporting.charts.palette import LINE, PAPER, QUIET, SERIES
from repope_eval.scoring.bootstrap import MEAN
from repope_eval.scoring.estimates import Interval

_MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
"""The shapes of variants in their order."""

_MOST_LETTERS = 60
"""The most letters of a text that is cut to a width, however narrow they are."""


def series_color(index: int) -> str:
    """The colour of the label set with that index."""
    return SERIES[index % len(SERIES)]


def _look(index: int) -> dict[str, Any]:
    """The marks of the first label set are hollow, so that they are told apart without colours, too."""
    color = series_color(index)
    return {"color": color, "markerfacecolor": PAPER if index == 0 else color}


def mark(axes: Axes, x: float, y: float, index: int, size: float, shape: str = "o", **look: Any) -> None:
    """Draws the mark of the label set with that index: its size in points, and its shape that of a variant."""
    axes.plot([x], [y], shape, markersize=size, zorder=3, **_look(index), **look)


def mark_with_interval(
    axes: Axes, x: float, interval: Interval, y: float, index: int, size: float, width: float
) -> None:
    """Draws a mark and, where there is an interval, a horizontal line of that width in points through it."""
    if interval is not None:
        axes.plot(interval, (y, y), color=series_color(index), linewidth=width, zorder=2)
    mark(axes, x, y, index, size)


def label_set_handles(names: Iterable[str], **look: Any) -> list[Line2D]:
    """The entries of a legend of label sets."""
    return [
        Line2D([], [], marker="o", label=label(label_set_title(name)), **_look(index), **look)
        for index, name in enumerate(names)
    ]


def label_set_legend(figure: Figure, names: Iterable[str], room: float, **look: Any) -> None:
    """Draws a legend of label sets into the upper right corner, with that room around it."""
    handles = label_set_handles(names, **look)
    figure.legend(handles=handles, loc="upper right", ncols=len(handles), borderaxespad=room)


def variant_handles(variants: Sequence[str]) -> list[Line2D]:
    """The entries of a legend of variants."""
    return [
        Line2D(
            [], [], linestyle="", color=QUIET, marker=variant_shape(index), label=label(shortened(variant))
        )
        for index, variant in enumerate(variants)
    ]


def variant_shape(index: int) -> str:
    """The shape of the marks of the variant with that index."""
    return _MARKERS[index % len(_MARKERS)]


def name_rows(axes: Axes, names: Sequence[str]) -> None:
    """Gives the axes a row for each name, from the top down."""
    axes.set_ylim(max(1, len(names)) - 0.5, -0.5)
    axes.set_yticks(range(len(names)), names)
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="x")


def part_rows(axes: Axes, n_rows: int, width: float) -> None:
    """Draws lines of that width in points between rows, in place of the vertical axis."""
    axes.spines["left"].set_visible(False)
    for row in range(1, n_rows):
        axes.axhline(row - 0.5, color=LINE, linewidth=width)


def shortened(text: str, length: int = 18) -> str:
    """A name on one line, cut where a chart has no room for it."""
    line = " ".join(text.split())
    return line if len(line) <= length else f"{line[: length - 1]}…"


def fitting(text: str, room: float, size: float, weight: str) -> str:
    """A text on one line, cut to a width.

    Args:
        text: to be cut.
        room: its largest width in inches.
        size: of its letters in points.
        weight: `normal` or `bold`.
    """
    lengths = range(min(len(text), _MOST_LETTERS), 1, -1)
    cut = (shortened(text, length) for length in lengths)
    return next((short for short in cut if width_of(short, size, weight) <= room), shortened(text, 1))


def width_of(text: str, size: float, weight: str) -> float:
    """The width in inches of a text in letters of that size in points, and of that weight."""
    font = FontProperties(size=size, weight=weight)
    # A browser takes letters of East Asia from another font, where each is as wide as it is high; so is a W, about.
    in_browser = "".join("W" if east_asian_width(letter) in "WF" else letter for letter in text)
    points = (
        text_to_path.get_text_width_height_descent(each, font, ismath=False)[0] for each in (text, in_browser)
    )
    return float(max(points)) / 72


def single_variants(variants: Mapping[str, object]) -> list[str]:
    """The variants without their mean."""
    return [variant for variant in variants if variant != MEAN]
