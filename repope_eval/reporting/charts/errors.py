"""A model's errors: what the relabelling made of them, and which objects they are about."""

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from repope_eval.benchmarks.sources import label_set_title
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
    label_set_handles,
    mark_with_interval,
    name_rows,
    write_in_percent,
)
from repope_eval.reporting.figure_texts import shortened
from repope_eval.reporting.run_tables import error_text
from repope_eval.scoring.object_rates import OBJECT_ERRORS, ObjectError, ObjectRate, ObjectRates, worst_first
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
_LEGEND, _AXIS = 0.4, 0.4
"""Heights in inches above and below the rows of objects."""
_OBJECTS_CHARTS: Mapping[ObjectError, tuple[str, str, str]] = {
    "hallucinated": ("hallucinated_objects", "Objects seen where there are none", "False positives"),
    "missed": ("missed_objects", "Objects that are missed", "False negatives"),
}
"""For each error of objects the chart's name and title, and the error in words."""


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
    _name_rows(axes, names, _TOTALS)
    axes.locator_params(axis="x", integer=True)


def objects_charts(rates: ObjectRates) -> list[Chart]:
    """The objects that the model most often sees where they are not, and those that it most often misses.

    An error that the model never makes has no chart.
    """
    return [
        _objects_chart(rates, error, ranked)
        for error in OBJECT_ERRORS
        if (ranked := _with_errors(rates, error))
    ]


def _with_errors(rates: ObjectRates, error: ObjectError) -> list[str]:
    """The objects with such an error under a label set, the worst first: without one, a rate is all of the others."""
    return [
        name
        for name in worst_first(rates, error)
        if any(by_error[error][name].n_wrong for by_error in rates.values())
    ]


def _objects_chart(rates: ObjectRates, error: ObjectError, ranked: Sequence[str]) -> Chart:
    titles = [label_set_title(each) for each in rates]
    name, title, kind = _OBJECTS_CHARTS[error]
    worst = ranked[:_MOST_OBJECTS]
    return draw(
        name,
        f"{title}: rates drawn towards the mean, with 95 % intervals",
        f"{kind} under {' and '.join(titles)} labels of {_most_text(len(worst), len(ranked), titles[-1])}, in percent "
        "of the answers that could be such an error. Beside each name are the number of errors and that of these "
        "answers; each distinct question counts once.",
        _LEGEND + (0.1 + 0.17 * len(titles)) * len(worst) + _AXIS,
        lambda figure: _paint_objects(figure, worst, {each: rates[each][error] for each in rates}),
    )


def _most_text(number: int, total: int, title: str) -> str:
    if total == 1:
        return "the only object with any"
    if number == total:
        return f"the {total} objects with any"
    return f"the {number} objects with the highest rates under {title}, of {total} with any"


def _paint_objects(
    figure: Figure, objects: Sequence[str], by_label_set: Mapping[str, Mapping[str, ObjectRate]]
) -> None:
    names = [label(shortened(name)) for name in objects]
    left = 0.2 + 0.08 * max(len(name) for name in names) + _RATES
    height = float(figure.get_size_inches()[1])
    axes = add_axes(figure, left, _AXIS, 0.2, height - _LEGEND)
    thick = 0.8 / len(by_label_set)
    for index, rates in enumerate(by_label_set.values()):
        rows = [row + (index - (len(by_label_set) - 1) / 2) * thick for row in range(len(objects))]
        for row, name in zip(rows, objects, strict=True):
            rate = rates[name].rate
            if rate.value is not None:
                mark_with_interval(axes, rate.value, rate.interval, row, index, size=5, width=1.2)
        _number_bars(axes, rows, [error_text(rates[name]) for name in objects], fontsize=7.5, color=INK)
    handles = label_set_handles(by_label_set)
    figure.legend(handles=handles, loc="upper left", ncols=len(handles), borderaxespad=0.4)
    _name_rows(axes, names, _RATES)
    write_in_percent(axes.xaxis)


def _number_bars(axes: Axes, rows: Sequence[float], texts: Sequence[str], **look: Any) -> None:
    """Writes a text before the beginning of each row."""
    for row, text in zip(rows, texts, strict=True):
        axes.annotate(text, (0, row), (-5, 0), textcoords="offset points", ha="right", va="center", **look)


def _name_rows(axes: Axes, names: Sequence[str], room: float) -> None:
    """Names the rows, `room` inches before their numbers, and begins the axis below at 0."""
    name_rows(axes, names)
    axes.tick_params(axis="y", pad=72 * room)
    axes.margins(x=0.03)
    axes.set_xlim(left=0)
    axes.locator_params(axis="x", nbins=6)
