"""The ranking of models under two label sets, with a line from the old place of each model to its new one."""

from matplotlib.figure import Figure

from repope_eval.leaderboard.entries import Leaderboard, file_word
from repope_eval.records import Variant, label_set_title
from repope_eval.reporting.charts.drawing import WIDTH, Chart, add_axes, draw, label
from repope_eval.reporting.charts.marks import fitting, width_of
from repope_eval.reporting.charts.palette import FIRST, INK, QUIET, SECOND

_ROW, _HEAD, _FOOT = 0.235, 0.42, 0.12
"""Heights in inches of a model, of the heading, and of the space below the last model."""
_NAMES = 2.05
"""The width in inches of the names on each side."""
_APART, _EDGE = 0.1, 0.04
"""Inches between a name and its line, and between a name and the edge of the figure."""
_NAME_SIZE, _TITLE_SIZE = 8.5, 9.5
"""Sizes of letters in points."""


def ranking_chart(board: Leaderboard, variant: Variant) -> Chart:
    """The places of models by F1 in one variant, under each of two label sets."""
    before, after = (label_set_title(name) for name in board.label_sets)
    n_models = len(_places(board, variant))
    return draw(
        f"ranking_{file_word(variant)}",
        f"Ranking by F1, {variant}",
        f"Places by F1 under {before} labels on the left and under {after} labels on the right ({variant}). Blue, "
        "unbroken lines rise, orange, dashed ones fall.",
        _HEAD + max(1, n_models) * _ROW + _FOOT,
        lambda figure: _paint(figure, board, variant, (before, after)),
    )


def _places(board: Leaderboard, variant: Variant) -> dict[str, tuple[int, int]]:
    """The places of the models that have both, by name."""
    before, after = (board.places[name][variant] for name in board.label_sets)
    both = {name: (before[name], after[name]) for name in before}
    return {name: (old, new) for name, (old, new) in both.items() if old is not None and new is not None}


def _paint(figure: Figure, board: Leaderboard, variant: Variant, titles: tuple[str, str]) -> None:
    places = _places(board, variant)
    height = _HEAD + max(1, len(places)) * _ROW + _FOOT
    axes = add_axes(figure, _NAMES, _FOOT, _NAMES, height - _HEAD)
    axes.set_axis_off()
    axes.set_xlim(0, WIDTH - 2 * _NAMES)
    axes.set_ylim(len(places) - 0.5, -0.5)
    right = WIDTH - 2 * _NAMES
    # Equal places get rows of their own, one below the other, and keep their number.
    rows = [
        {name: row for row, name in enumerate(sorted(places, key=lambda name: places[name][side]))}
        for side in range(2)
    ]
    stressed = {entry.name for entry in board.runs} if board.has_paper else set()
    for name, (old, new) in places.items():
        color, style = (QUIET, "-") if old == new else (SECOND, "-") if new < old else (FIRST, (0, (3, 1.5)))
        axes.plot((0, right), (rows[0][name], rows[1][name]), color=color, linewidth=1.3, linestyle=style,
                  marker="o", markersize=4, clip_on=False)  # fmt: skip
        weight = "bold" if name in stressed else "normal"
        for x, side, row, text in (
            (-_APART, "right", rows[0][name], f"{_fitting(name, weight, f' {old}')} {old}"),
            (right + _APART, "left", rows[1][name], f"{new} {_fitting(name, weight, f'{new} ')}"),
        ):
            axes.text(x, row, text, ha=side, va="center", fontsize=_NAME_SIZE, color=INK, fontweight=weight)
    for x, title, side in ((-_APART, titles[0], "right"), (right + _APART, titles[1], "left")):
        shown = fitting(label(title), _NAMES - _APART - _EDGE, _TITLE_SIZE, "bold")
        axes.text(x, -1.1, shown, ha=side, va="center", fontsize=_TITLE_SIZE, fontweight="bold", color=INK)


def _fitting(name: str, weight: str, place: str) -> str:
    """A name, cut to the room that its place leaves."""
    room = _NAMES - _APART - _EDGE - width_of(place, _NAME_SIZE, weight)
    return fitting(label(name), room, _NAME_SIZE, weight)
