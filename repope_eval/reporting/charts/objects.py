"""Which objects a model's errors are about."""

from collections.abc import Sequence

from matplotlib.figure import Figure

from repope_eval.reporting.charts.drawing import Chart, add_axes, draw, label
from repope_eval.reporting.charts.palette import FIRST, INK, PAPER, SECOND, shortened
from repope_eval.reporting.charts.rows import name_rows
from repope_eval.scoring.relabelling_effect import Effect

_FP, _FN = 1, 3
"""Places in the counts of an `Effect`."""
_MOST_OBJECTS = 12


def hallucinated_chart(effects: Sequence[Effect], titles: Sequence[str]) -> Chart:
    """The objects that the model most often sees where they are not.

    Args:
        effects: by object.
        titles: of the label sets: of `before` and, where there is a second, of `after`.
    """
    return _objects_chart(effects, titles, _FP, "hallucinated_objects", "Objects seen where there are none")


def missed_chart(effects: Sequence[Effect], titles: Sequence[str]) -> Chart:
    """The objects that the model most often misses; arguments as of `hallucinated_chart`."""
    return _objects_chart(effects, titles, _FN, "missed_objects", "Objects that are missed")


def _objects_chart(
    effects: Sequence[Effect], titles: Sequence[str], place: int, name: str, title: str
) -> Chart:
    most = most_frequent(effects, place)
    kind = "False positives" if place == _FP else "False negatives"
    return draw(
        name,
        title,
        f"{kind} under {' and '.join(titles)} labels of the {len(most)} objects with the most of them; each "
        "distinct question counts once.",
        0.4 + (0.1 + 0.15 * len(titles)) * max(1, len(most)) + 0.4,
        lambda figure: _paint_objects(figure, most, titles, place),
    )


def most_frequent(effects: Sequence[Effect], place: int) -> list[Effect]:
    """Those with the most of one outcome under either label set, none without any."""
    some = [effect for effect in effects if effect.before[place] or effect.after[place]]
    some.sort(
        key=lambda effect: (
            -max(effect.before[place], effect.after[place]),
            -effect.after[place],
            effect.group,
        )
    )
    return some[:_MOST_OBJECTS]


def _paint_objects(figure: Figure, effects: Sequence[Effect], titles: Sequence[str], place: int) -> None:
    names = [label(shortened(effect.group)) for effect in effects]
    left = 0.25 + 0.08 * max((len(name) for name in names), default=4)
    height = float(figure.get_size_inches()[1])
    axes = add_axes(figure, left, 0.4, 0.45, height - 0.4)
    thick = 0.8 / len(titles)
    for number, (title, color) in enumerate(zip(titles, (FIRST, SECOND), strict=False)):
        rows = [row + (number - (len(titles) - 1) / 2) * thick for row in range(len(effects))]
        values = [(effect.before if number == 0 else effect.after)[place] for effect in effects]
        axes.barh(rows, values, color=color if number else PAPER, edgecolor=color, height=thick * 0.85,
                  linewidth=0.9, label=label(title))  # fmt: skip
        for row, value in zip(rows, values, strict=True):
            axes.annotate(str(value), (value, row), xytext=(3, 0), textcoords="offset points", va="center",
                          fontsize=7.5, color=INK)  # fmt: skip
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=len(titles), borderaxespad=0.2)
    name_rows(axes, names)
