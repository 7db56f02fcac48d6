"""Reliability diagrams: the share of label yes against the model's confidence in yes."""

import math
from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from repope_eval.records import Variant
from repope_eval.reporting.charts.drawing import WIDTH, Chart, add_axes, draw, label
from repope_eval.reporting.charts.marks import (
    label_set_legend,
    mark,
    series_color,
    shortened,
    single_variants,
)
from repope_eval.reporting.charts.palette import LINE, QUIET
from repope_eval.scoring.calibration import FEWEST_DRAWN, ReliabilityBin, drawn_bins
from repope_eval.scoring.evidence import Evidence

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
        lambda figure: _paint(figure, evidence, variants),
    )


def _paint(
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
        axes.set_xticks((0, 0.25, 0.5, 0.75, 1), ("0", ".25", ".5", ".75", "1"))
        axes.set_yticks((0, 0.25, 0.5, 0.75, 1), ("0", ".25", ".5", ".75", "1"))
        axes.tick_params(axis="y", labelcolor=QUIET, labelsize=8.5)
        axes.grid(color=LINE, linewidth=0.5)
        axes.set_xlabel("confidence in yes")
        if column == 0:
            axes.set_ylabel("share of label yes")
    label_set_legend(figure, evidence, 0.3, linewidth=1)


def _paint_bins(axes: Axes, bins: Sequence[ReliabilityBin], index: int) -> None:
    n_questions = sum(part.n for part in bins)
    shown = [
        (part.confidence, part.yes_share, part.n)
        for part in bins
        if part.confidence is not None and part.yes_share is not None
    ]
    axes.plot([x for x, _, _ in shown], [y for _, y, _ in shown], color=series_color(index), linewidth=0.9)
    for x, y, n in shown:
        mark(axes, x, y, index, max(_SMALLEST, _LARGEST * math.sqrt(n / n_questions)))
