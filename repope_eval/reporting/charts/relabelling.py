"""What the relabelling made of a model's errors."""

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from repope_eval.reporting.charts.drawing import Chart, add_axes, draw, label
from repope_eval.reporting.charts.palette import FIRST, MUTED, PAPER, QUIET, SECOND, shortened
from repope_eval.reporting.charts.rows import name_rows
from repope_eval.scoring.relabelling_effect import Effect

_FP, _FN = 1, 3
"""Places in the counts of an `Effect`."""
_ROW = 0.27
_STAYS = "error under both"
_PARTS = {_STAYS: QUIET, "the label's error": SECOND, "ambiguous, removed": MUTED}
_NEW_PARTS = {_STAYS: QUIET, "hit under POPE": FIRST}


def relabelling_chart(effects: Sequence[Effect]) -> Chart:
    """Bars: POPE's errors by what became of them, and RePOPE's by what they were before."""
    panel = 0.62 + 2 * len(effects) * _ROW + 0.34
    return draw(
        "relabelling",
        "What the relabelling made of errors",
        "For each variant, how many of the errors under POPE stay errors, were the label's, or fell away as "
        "ambiguous; and how many of the errors under RePOPE were hits before.",
        2 * panel,
        lambda figure: _paint_effects(figure, effects, panel),
    )


def _paint_effects(figure: Figure, effects: Sequence[Effect], panel: float) -> None:
    names = [
        (f"{label(shortened(effect.group))}, {error}", effect, place)
        for effect in effects
        for error, place in (("FP", _FP), ("FN", _FN))
    ]
    left = 0.25 + 0.08 * max(len(name) for name, _, _ in names)
    right = 2 * panel
    before = add_axes(figure, left, right - panel + 0.34, 0.5, right - 0.62)
    after = add_axes(figure, left, 0.34, 0.5, panel - 0.62)
    before.set_title("Errors under POPE", x=0, pad=22)
    after.set_title("Errors under RePOPE", x=0, pad=22)
    before_bars, after_bars = [], []
    for _, effect, place in names:
        excused = effect.fp_to_tp if place == _FP else effect.fn_to_tn
        fresh = effect.tp_to_fp if place == _FP else effect.tn_to_fn
        stays = effect.before[place] - excused - effect.removed[place]
        before_bars.append((stays, excused, effect.removed[place]))
        after_bars.append((effect.after[place] - fresh, fresh))
    titles = [name for name, _, _ in names]
    _stacked(before, titles, before_bars, _PARTS)
    _stacked(after, titles, after_bars, _NEW_PARTS)
    widest = max(before.get_xlim()[1], after.get_xlim()[1])
    before.set_xlim(0, widest)
    after.set_xlim(0, widest)


def _stacked(
    axes: Axes, titles: Sequence[str], bars: Sequence[tuple[int, ...]], parts: dict[str, str]
) -> None:
    rows = range(len(titles))
    starts = [0] * len(titles)
    for place, color in enumerate(parts.values()):
        lengths = [bar[place] for bar in bars]
        axes.barh(rows, lengths, left=starts, color=color, height=0.7, edgecolor=PAPER, linewidth=0.6)
        starts = [start + length for start, length in zip(starts, lengths, strict=True)]
    for row, total in zip(rows, starts, strict=True):
        axes.annotate(
            str(total), (total, row), xytext=(3, 0), textcoords="offset points", va="center", fontsize=8.5
        )
    axes.legend(
        handles=[Patch(color=color, label=name) for name, color in parts.items()], loc="lower left",
        bbox_to_anchor=(0, 1), ncols=len(parts), borderaxespad=0.2, fontsize=8.5, handlelength=1, handletextpad=0.5,
        columnspacing=1, borderpad=0,
    )  # fmt: skip
    name_rows(axes, titles)
