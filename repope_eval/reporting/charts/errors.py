"""A model's errors: what the relabelling made of them, and which objects they are about."""

from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from repope_eval.reporting.charts.drawing import (
    FIRST,
    INK,
    MUTED,
    PAPER,
    QUIET,
    SECOND,
    Chart,
    add_axes,
    draw,
    label,
    name_rows,
)
from repope_eval.reporting.figure_texts import shortened
from repope_eval.reporting.run_tables import error_text
from repope_eval.scoring.relabelling_effect import Effect

_FP, _FN = 1, 3
"""Indexes into the counts of an `Effect`."""

_ROW = 0.27
"""Height of a row of bars in inches."""
_TOTALS, _RATES = 0.42, 0.72
"""The widths in inches of the columns of numbers, which stand left of the bars: a phone shows that side first."""
_STAYS = "error under both"
_PARTS = {_STAYS: QUIET, "label error": SECOND, "ambiguous, removed": MUTED}
_NEW_PARTS = {_STAYS: QUIET, "right before": FIRST}

_MOST_OBJECTS = 12
_OBJECTS_CHARTS = (
    (_FP, "False positives", "hallucinated_objects", "Objects seen where there are none"),
    (_FN, "False negatives", "missed_objects", "Objects that are missed"),
)
"""For each chart of objects the error, the error in words, and the chart's name and title."""


def relabelling_chart(effects: Sequence[Effect], label_sets: Sequence[str]) -> Chart:
    """Bars of the errors before by what became of them, and of the errors after by what they were."""
    before, after = label_sets
    panel = 0.62 + 2 * len(effects) * _ROW + 0.34
    return draw(
        "relabelling",
        "What the relabelling made of errors",
        f"For each variant, how many of the errors under {before} stay errors, were label errors, or are removed as "
        f"ambiguous; and how many of the errors under {after} were right before.",
        2 * panel,
        lambda figure: _paint_effects(figure, effects, label_sets, panel),
    )


def _paint_effects(
    figure: Figure, effects: Sequence[Effect], label_sets: Sequence[str], panel: float
) -> None:
    names = [f"{label(shortened(effect.group))}, {error}" for effect in effects for error in ("FP", "FN")]
    left = 0.2 + 0.08 * max(len(name) for name in names) + _TOTALS
    right = 2 * panel
    before = add_axes(figure, left, right - panel + 0.34, 0.2, right - 0.62)
    after = add_axes(figure, left, 0.34, 0.2, panel - 0.62)
    for axes, label_set in zip((before, after), label_sets, strict=True):
        axes.set_title(f"Errors under {label_set}", x=0, pad=22)
    before_bars, after_bars = [], []
    for effect in effects:
        for error, excused, fresh in (
            (_FP, effect.fp_to_tp, effect.tp_to_fp),
            (_FN, effect.fn_to_tn, effect.tn_to_fn),
        ):
            stays = effect.before[error] - excused - effect.removed[error]
            before_bars.append((stays, excused, effect.removed[error]))
            after_bars.append((effect.after[error] - fresh, fresh))
    _paint_stacked_bars(before, names, before_bars, _PARTS)
    _paint_stacked_bars(after, names, after_bars, _NEW_PARTS)
    widest = max(before.get_xlim()[1], after.get_xlim()[1])
    before.set_xlim(0, widest)
    after.set_xlim(0, widest)


def _paint_stacked_bars(
    axes: Axes, names: Sequence[str], bars: Sequence[tuple[int, ...]], parts: dict[str, str]
) -> None:
    rows = range(len(names))
    starts = [0] * len(names)
    for index, color in enumerate(parts.values()):
        lengths = [bar[index] for bar in bars]
        axes.barh(rows, lengths, left=starts, color=color, height=0.7, edgecolor=PAPER, linewidth=0.6)
        starts = [start + length for start, length in zip(starts, lengths, strict=True)]
    _number_bars(axes, rows, list(map(str, starts)), fontsize=8.5)
    axes.legend(
        handles=[Patch(color=color, label=name) for name, color in parts.items()], loc="lower left",
        bbox_to_anchor=(0, 1), ncols=len(parts), borderaxespad=0.2, fontsize=8.5, handlelength=1, handletextpad=0.5,
        columnspacing=1, borderpad=0,
    )  # fmt: skip
    _name_bars(axes, names, _TOTALS)


def objects_charts(effects: Sequence[Effect], titles: Sequence[str]) -> list[Chart]:
    """The objects that the model most often sees where they are not, and those that it most often misses.

    An error that the model never makes has no chart.

    Args:
        effects: by object.
        titles: of the label sets: of `before` and, where there is a second, of `after`.
    """
    charts = []
    for error, kind, name, title in _OBJECTS_CHARTS:
        if most := most_frequent(effects, error):
            charts.append(_objects_chart(most, titles, error, kind, name, title))
    return charts


def _objects_chart(
    most: Sequence[Effect], titles: Sequence[str], error: int, kind: str, name: str, title: str
) -> Chart:
    return draw(
        name,
        title,
        f"{kind} under {' and '.join(titles)} labels of {_most_text(len(most))}, of the "
        "answers that could be such an error; each distinct question counts once.",
        0.4 + (0.1 + 0.15 * len(titles)) * len(most) + 0.4,
        lambda figure: _paint_objects(figure, most, titles, error),
    )


def _most_text(number: int) -> str:
    return "the only object with any" if number == 1 else f"the {number} objects with the most of them"


def most_frequent(effects: Sequence[Effect], outcome: int) -> list[Effect]:
    """The effects with the most of one outcome under either label set, without those that have none."""
    some = [effect for effect in effects if effect.before[outcome] or effect.after[outcome]]
    some.sort(
        key=lambda effect: (
            -max(effect.before[outcome], effect.after[outcome]),
            -effect.after[outcome],
            effect.group,
        )
    )
    return some[:_MOST_OBJECTS]


def _paint_objects(figure: Figure, effects: Sequence[Effect], titles: Sequence[str], error: int) -> None:
    names = [label(shortened(effect.group)) for effect in effects]
    left = 0.2 + 0.08 * max(len(name) for name in names) + _RATES
    height = float(figure.get_size_inches()[1])
    axes = add_axes(figure, left, 0.4, 0.2, height - 0.4)
    thick = 0.8 / len(titles)
    for index, (title, color) in enumerate(zip(titles, (FIRST, SECOND), strict=False)):
        rows = [row + (index - (len(titles) - 1) / 2) * thick for row in range(len(effects))]
        counts = [effect.after if index else effect.before for effect in effects]
        values = [each[error] for each in counts]
        axes.barh(rows, values, color=color if index else PAPER, edgecolor=color, height=thick * 0.85,
                  linewidth=0.9, label=label(title))  # fmt: skip
        texts = [error_text(each, error) for each in counts]
        _number_bars(axes, rows, texts, fontsize=7.5, color=INK)
    figure.legend(loc="upper left", ncols=len(titles), borderaxespad=0.4)
    _name_bars(axes, names, _RATES)


def _number_bars(axes: Axes, rows: Sequence[float], texts: Sequence[str], **look: Any) -> None:
    """Writes a text before the beginning of each bar."""
    for row, text in zip(rows, texts, strict=True):
        axes.annotate(text, (0, row), (-5, 0), textcoords="offset points", ha="right", va="center", **look)


def _name_bars(axes: Axes, names: Sequence[str], room: float) -> None:
    """Names the rows of bars, `room` inches before their numbers, and has whole numbers along the axis below."""
    name_rows(axes, names)
    axes.tick_params(axis="y", pad=72 * room)
    axes.margins(x=0.03)
    axes.set_xlim(left=0)
    axes.locator_params(axis="x", integer=True, nbins=6)
