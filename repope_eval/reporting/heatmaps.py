"""Heatmaps of pairs: a square of coloured cells, a row and a column for each of several things, ready to be drawn.

They are tables, so that they work without a script, can be read aloud, and are printed. The colours are in
`heatmaps.css`: blue above zero, orange below, the paler the nearer to it, and none for what may be chance.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from repope_eval.reporting.figure_texts import shortened_names

MOST_WITH_ROOM = 20
"""With more things than this, cells have room for three or four characters only, and the heatmap is dense."""
LONGEST_NAME = 40
"""Names of rows have so many characters at most; the whole name is shown where it is pointed at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HeatCell:
    """One pair."""

    text: str
    """The number in the cell, as short as its heatmap needs it."""
    shade: str
    """The class of its colour, as `Scale.shade` gives it."""
    told: str = ""
    """All that is known of the pair, for whoever points at the cell; empty where it is the number alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """The steps of colour, on either side of zero."""

    steps: tuple[float, ...]
    """Where each step but the first begins, as distances from zero, in ascending order."""
    texts: tuple[str, ...]
    """What the legend says of each step."""
    ahead: str
    """What a value above zero means."""
    behind: str
    """What one below zero means."""
    chance: str
    """What a cell without colour means."""

    def shade(self, value: float, *, is_chance: bool) -> str:
        """The class of a cell's colour: `up1` to `up5`, `down1` to `down5`, or `chance`."""
        if is_chance:
            return "chance"
        step = 1 + sum(abs(value) >= start for start in self.steps)
        return f"{'up' if value >= 0 else 'down'}{step}"

    @property
    def legend(self) -> list[tuple[str, str]]:
        """The classes with what they mean, from the lowest to the highest."""
        numbered = list(enumerate(self.texts, 1))
        down = [(f"down{step}", text) for step, text in reversed(numbered)] if self.behind else []
        return [*down, ("chance", self.chance), *((f"up{step}", text) for step, text in numbered)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Heatmap:
    """A square of pairs."""

    caption: str
    names: tuple[str, ...]
    """Of the rows, and of the columns, which have their numbers."""
    rows: tuple[tuple[HeatCell | None, ...], ...]
    """None where nothing is shown: where a thing meets itself, and below the diagonal where above it all is said."""

    @property
    def is_dense(self) -> bool:
        """Whether cells have room for few characters."""
        return len(self.names) > MOST_WITH_ROOM

    @property
    def labels(self) -> list[str]:
        """The names as there is room for them."""
        return shortened_names(self.names, LONGEST_NAME)

    @property
    def n_empty(self) -> list[int]:
        """How many places of each row are empty before its first cell, or in all, which one wide cell stands for."""
        return [next((place for place, cell in enumerate(row) if cell), len(row)) for row in self.rows]


def heatmap(
    caption: str,
    names: Sequence[str],
    cell: Callable[[str, str], HeatCell | None],
    *,
    is_whole: bool,
) -> Heatmap:
    """A heatmap of all pairs of some things.

    Args:
        caption: what it shows.
        names: in the order of rows and columns.
        cell: a function that makes the cell of the names of a row and of a column; None where there is none.
        is_whole: whether the half below the diagonal is shown, too.
    """
    return Heatmap(
        caption=caption,
        names=tuple(names),
        rows=tuple(
            tuple(
                cell(row, column) if at_row < at_column or (is_whole and at_row != at_column) else None
                for at_column, column in enumerate(names)
            )
            for at_row, row in enumerate(names)
        ),
    )
