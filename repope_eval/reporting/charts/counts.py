"""True and false positives and F1 under each label set, as the RePOPE paper's Figure 2 has them."""

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from repope_eval.reporting.charts.drawing import Chart, add_axes, draw, label
from repope_eval.reporting.charts.palette import LINE, PAPER, QUIET, series_color, shortened
from repope_eval.reporting.figure_texts import figure_text, label_set_title
from repope_eval.scoring.scores import Scores

_PANELS = {"tp": "True positives", "fp": "False positives", "f1": "F1"}
_ROW, _HEAD, _FOOT, _TOP = 0.44, 0.3, 0.34, 0.32
"""Inches: of a variant, of a panel's title and axis, and of the legend."""
_APART = 0.36
"""How far a variant's label sets stand from one another, in rows."""


def counts_chart(scores: Scores) -> Chart:
    """A panel a figure, a row a variant: a dot for each label set, with its 95 % interval."""
    titles = [label_set_title(name) for name in scores.figures]
    both = f" under {' and '.join(titles)} labels" if titles else ""
    n_rows = max(len(by_variant) for by_variant in scores.figures.values())
    panel = _HEAD + n_rows * _ROW + _FOOT
    return draw(
        "counts",
        "True positives, false positives, F1",
        f"True positives, false positives and F1{both}, for each variant. Lines are 95 % intervals.",
        _TOP + len(_PANELS) * panel,
        lambda figure: _paint(figure, scores, titles, n_rows, panel),
    )


def _paint(figure: Figure, scores: Scores, titles: Sequence[str], n_rows: int, panel: float) -> None:
    height = _TOP + len(_PANELS) * panel
    variants = list(next(iter(scores.figures.values())))
    left = 0.3 + 0.082 * max(len(shortened(variant)) for variant in variants)
    for place, (name, title) in enumerate(_PANELS.items()):
        top = height - _TOP - place * panel - _HEAD
        axes = add_axes(figure, left, top - n_rows * _ROW, 0.75, top)
        axes.set_title(title, x=0, pad=5)
        _paint_panel(axes, scores, name, variants)
    handles = [
        Line2D([], [], color=series_color(place), marker="o", markersize=6, linewidth=1.4,
               markerfacecolor=_inside(place), label=label(title))
        for place, title in enumerate(titles)
    ]  # fmt: skip
    figure.legend(handles=handles, loc="upper right", ncols=len(handles), borderaxespad=0.4)


def _paint_panel(axes: Axes, scores: Scores, name: str, variants: Sequence[str]) -> None:
    n_sets = len(scores.figures)
    for row, variant in enumerate(variants):
        before: tuple[float, float] | None = None
        for place, label_set in enumerate(scores.figures):
            y = row + (place - (n_sets - 1) / 2) * _APART
            value = getattr(scores.figures[label_set][variant], name)
            axes.text(1.02, y, figure_text(name, value), transform=axes.get_yaxis_transform(), va="center",
                      fontsize=8.5, color=series_color(place))  # fmt: skip
            if value is None:
                continue
            interval = scores.intervals[label_set][variant].get(name)
            if interval is not None:
                axes.plot(interval, (y, y), color=series_color(place), linewidth=1.4, zorder=2)
            if before is not None:
                axes.plot(
                    (before[0], value), (before[1], y), color=QUIET, linewidth=0.8, linestyle=":", zorder=1
                )
            axes.plot([value], [y], "o", color=series_color(place), markerfacecolor=_inside(place), markersize=6,
                      zorder=3)  # fmt: skip
            before = value, y
    axes.set_ylim(len(variants) - 0.5, -0.5)
    axes.set_yticks(range(len(variants)), [label(shortened(variant)) for variant in variants])
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    axes.grid(axis="x")
    for row in range(1, len(variants)):
        axes.axhline(row - 0.5, color=LINE, linewidth=0.5)
    axes.margins(x=0.06)
    axes.locator_params(axis="x", nbins=5)


def _inside(place: int) -> str:
    """The first label set's dots are hollow, so that they are told apart without colours, too."""
    return PAPER if place == 0 else series_color(place)
