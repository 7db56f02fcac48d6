"""DASH-B's charts: how often a model sees an object in images that show it, and in images that lack it.

A model that always says yes is right about all images with the object, and one that always says no about all without
it. What tells a model that looks at the image is the distance of the two shares. Those of objects with few images are
drawn towards the mean of all (`scoring.object_rates`): nearly half of DASH-B's have ten images that lack them or fewer.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from repope_eval.reporting.charts.drawing import (
    INK,
    LINE,
    PAPER,
    QUIET,
    SECOND,
    WIDTH,
    Chart,
    add_axes,
    draw,
    label,
    mark_with_interval,
    name_rows,
    series_color,
)
from repope_eval.reporting.figure_texts import shortened
from repope_eval.scoring.detection import ALL_OBJECTS, Detection
from repope_eval.scoring.estimates import Interval
from repope_eval.scoring.object_rates import shrunken_rates

_MOST_OBJECTS = 20
_ROW, _HEAD, _FOOT = 0.3, 0.42, 0.55
"""Heights in inches of an object, of the legend, and of the axis."""
_SHARES = ((0, 0.25, 0.5, 0.75, 1), ("0", "25", "50", "75", "100"))
_WITHOUT, _WITH = "images that lack it", "images that show it"


class _Seen(NamedTuple):
    """The shares of images in which the model sees an object, with their intervals."""

    name: str
    without: float
    within: float
    without_interval: Interval
    within_interval: Interval
    n_without: int
    """The number of images that lack it."""
    n_within: int

    @property
    def distance(self) -> float:
        """How much more often the object is seen where it is."""
        return self.within - self.without


def detection_charts(detections: Mapping[str, Detection]) -> list[Chart]:
    """All objects in one plane, and the objects that the model tells apart least; none where a label has no answer."""
    seen = [shares for name, one in detections.items() if (shares := _seen_shares(name, one))]
    whole = next((one for one in seen if one.name == ALL_OBJECTS), None)
    if whole is None:
        return []
    objects = _drawn_towards_mean([one for one in seen if one is not whole])
    objects.sort(key=lambda one: (one.distance, one.name))
    least = [whole, *objects[:_MOST_OBJECTS]]
    return [
        draw(
            "detections",
            "Objects seen where they are, and where they are not",
            "A mark for each object: the share of images that lack it and show it in which the model says yes, drawn "
            "towards the mean where there are few. Upper left is right; on the dotted line the model says yes as "
            "often without the object as with it. The large mark is of all objects together, with its 95 % intervals "
            "for other images.",
            WIDTH - 0.6,
            lambda figure: _paint_plane(figure, whole, objects),
        ),
        draw(
            "confused_objects",
            "The objects that the model tells apart least",
            f"How often the model says yes, of all objects together and of the {len(least) - 1} objects with the "
            "smallest difference between images that show and that lack them, with 95 % intervals. Shares of objects "
            "with few images are drawn towards the mean. Where the hollow mark stands to the right, the model sees "
            "the object more often where it is not.",
            _HEAD + len(least) * _ROW + _FOOT,
            lambda figure: _paint_rows(figure, least),
        ),
    ]


def _seen_shares(name: str, detection: Detection) -> _Seen | None:
    """The shares of an object; None where one has nothing to divide by."""
    tpr, tnr = detection.estimates["tpr"], detection.estimates["tnr"]
    if tpr.value is None or tnr.value is None:
        return None
    without = None if tnr.interval is None else (1 - tnr.interval[1], 1 - tnr.interval[0])
    return _Seen(
        name,
        1 - tnr.value,
        tpr.value,
        without,
        tpr.interval,
        detection.n_negatives,
        detection.n_positives,
    )


def _drawn_towards_mean(objects: Sequence[_Seen]) -> list[_Seen]:
    """The objects with their shares drawn towards the mean, and the intervals of these."""

    def drawn(shares: list[float], numbers: list[int]) -> list[tuple[float, Interval]]:
        n = np.array(numbers, dtype=np.int64)
        rates = shrunken_rates(np.rint(np.array(shares) * n).astype(np.int64), n)
        return [(one.value, one.interval) for one in rates if one.value is not None]

    without = drawn([one.without for one in objects], [one.n_without for one in objects])
    within = drawn([one.within for one in objects], [one.n_within for one in objects])
    return [
        one._replace(without=lacking, without_interval=ends, within=showing, within_interval=other_ends)
        for one, (lacking, ends), (showing, other_ends) in zip(objects, without, within, strict=True)
    ]


def _paint_plane(figure: Figure, whole: _Seen, objects: Sequence[_Seen]) -> None:
    height = float(figure.get_size_inches()[1])
    axes = add_axes(figure, 0.7, 0.6, 0.5, height - 0.4)
    axes.plot((0, 1), (0, 1), color=QUIET, linewidth=0.8, linestyle=":")
    axes.plot([one.without for one in objects], [one.within for one in objects], "o", color=SECOND, markersize=5,
              markerfacecolor=PAPER, markeredgewidth=1)  # fmt: skip
    if whole.without_interval and whole.within_interval:
        axes.plot(whole.without_interval, (whole.within,) * 2, color=INK, linewidth=1.4, zorder=4)
        axes.plot((whole.without,) * 2, whole.within_interval, color=INK, linewidth=1.4, zorder=4)
    axes.plot([whole.without], [whole.within], "D", color=INK, markersize=8, zorder=5)
    for x, y, text, side, vertical in (
        (0, 1.06, "all right", "left", "bottom"),
        (1, 1.06, "always yes", "right", "bottom"),
        (0.06, 0.02, "always no", "left", "bottom"),
        (0.98, 0.02, "all wrong", "right", "bottom"),
    ):
        axes.text(x, y, text, ha=side, va=vertical, fontsize=8.5, color=QUIET, zorder=2)
    axes.set_xlim(-0.04, 1.04)
    axes.set_ylim(-0.04, 1.04)
    axes.set_xticks(*_SHARES)
    axes.set_yticks(*_SHARES)
    axes.tick_params(axis="y", labelcolor=QUIET, labelsize=8.5)
    axes.grid(color=LINE, linewidth=0.5)
    axes.set_xlabel(f"share of yes, %, {_WITHOUT}")
    axes.set_ylabel(f"share of yes, %, {_WITH}")


def _paint_rows(figure: Figure, rows: Sequence[_Seen]) -> None:
    height = float(figure.get_size_inches()[1])
    names = [label(shortened(one.name)) for one in rows]
    axes = add_axes(figure, 0.25 + 0.08 * max(len(name) for name in names), _FOOT, 0.3, height - _HEAD)
    for row, one in enumerate(rows):
        mark_with_interval(axes, one.without, one.without_interval, row - 0.18, 0, size=5, width=1.2)
        mark_with_interval(axes, one.within, one.within_interval, row + 0.18, 1, size=5, width=1.2)
    axes.axhline(0.5, color=LINE, linewidth=0.8)
    name_rows(axes, names)
    axes.get_yticklabels()[0].set_fontweight("bold")
    axes.set_xlim(-0.03, 1.03)
    axes.set_xticks(*_SHARES)
    axes.set_xlabel("share of yes, %")
    handles = [
        Line2D([], [], marker="o", color=series_color(index), markerfacecolor=face, label=text)
        for index, (face, text) in enumerate(((PAPER, _WITHOUT), (SECOND, _WITH)))
    ]
    axes.legend(handles=handles, loc="lower left", bbox_to_anchor=(0, 1), ncols=2, borderaxespad=0.2)
