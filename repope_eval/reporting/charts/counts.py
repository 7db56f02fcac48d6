"""True and false positives and F1 under each label set, as in Figure 2 of the RePOPE paper."""

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from repope_eval.records import label_set_title
from repope_eval.reporting.charts.drawing import Chart, add_axes, draw, label
from repope_eval.reporting.charts.marks import (
    label_set_legend,
    mark_with_interval,
    name_rows,
    part_rows,
    series_color,
    shortened,
)
from repope_eval.reporting.charts.palette import QUIET
from repope_eval.reporting.figure_texts import figure_text
from repope_eval.scoring.scores import Scores

_PANELS = {"tp": "True positives", "fp": "False positives", "f1": "F1"}
_ROW, _HEAD, _FOOT, _TOP = 0.44, 0.3, 0.34, 0.32
"""Heights in inches of a variant, of the title and the axis of a panel, and of the legend."""
_APART = 0.36
"""The distance of the label sets of a variant, in rows."""


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
        lambda figure: _paint(figure, scores, n_rows, panel),
    )


def _paint(figure: Figure, scores: Scores, n_rows: int, panel: float) -> None:
    height = _TOP + len(_PANELS) * panel
    variants = list(next(iter(scores.cells.values())))
    left = 0.3 + 0.082 * max(len(shortened(variant)) for variant in variants)
    for index, (name, title) in enumerate(_PANELS.items()):
        top = height - _TOP - index * panel - _HEAD
        axes = add_axes(figure, left, top - n_rows * _ROW, 0.75, top)
        axes.set_title(title, x=0, pad=5)
        for row, variant in enumerate(variants):
            _paint_row(axes, scores, name, variant, row)
        name_rows(axes, [label(shortened(variant)) for variant in variants])
        part_rows(axes, len(variants), 0.5)
        axes.margins(x=0.06)
        axes.locator_params(axis="x", nbins=5)
    label_set_legend(figure, scores.cells, 0.4, markersize=6, linewidth=1.4)


def _paint_row(axes: Axes, scores: Scores, name: str, variant: str, row: int) -> None:
    before: tuple[float, float] | None = None
    for index, label_set in enumerate(scores.cells):
        y = row + (index - (len(scores.cells) - 1) / 2) * _APART
        found = scores.cells[label_set][variant].estimates[name]
        axes.text(1.02, y, figure_text(name, found.value), transform=axes.get_yaxis_transform(), va="center",
                  fontsize=8.5, color=series_color(index))  # fmt: skip
        if found.value is None:
            continue
        if before is not None:
            ends = (before[0], found.value), (before[1], y)
            axes.plot(*ends, color=QUIET, linewidth=0.8, linestyle=":", zorder=1)
        mark_with_interval(axes, found.value, found.interval, y, index, size=6, width=1.4)
        before = found.value, y
