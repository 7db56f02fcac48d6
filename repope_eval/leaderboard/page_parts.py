"""What the leaderboard's page shows of what its files hold: all of it for few models, a part for many."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from repope_eval.leaderboard.entries import Leaderboard
from repope_eval.reporting.tables import Table

if TYPE_CHECKING:  # drawing needs matplotlib, which takes a while to import
    from repope_eval.reporting.charts.drawing import Chart

MANY_MODELS = 20
"""Of more models the page has charts and figures of the headline variant only: it would have megabytes."""
MOST_PAIRS = 20
"""The page has so many rows of pairs at most: heatmaps show more of them."""

MOST_MISSED = 30
"""The page has so many of the questions that most runs miss."""


@dataclass(frozen=True, slots=True)
class ShownCharts:
    """The charts of one kind that are on the page, and those that are in files alone."""

    shown: "Sequence[Chart]"
    in_files: "Sequence[Chart]"


def charts_on_page(board: Leaderboard, charts: "Sequence[Chart]") -> ShownCharts:
    """Which charts of one kind are on the page: of many models the first one, that of the headline variant."""
    n_shown = 1 if len(board.entries) > MANY_MODELS else len(charts)
    return ShownCharts(charts[:n_shown], charts[n_shown:])


def figures_on_page(board: Leaderboard, figures: Table | None) -> Table | None:
    """The table of every figure; of many models the rows of the headline variant, which are the first."""
    if figures is None or len(board.entries) <= MANY_MODELS:
        return figures
    return replace(figures, rows=figures.rows[: len(board.entries) * len(board.label_sets)])


def pairs_on_page(pairs: Table | None) -> Table | None:
    """The table of pairs if it is short, or else its first family, the primary one; None where that is long, too."""
    if pairs is None or len(pairs.rows) <= MOST_PAIRS:
        return pairs
    family = next(place for place, column in enumerate(pairs.columns) if column.title == "family")
    primary = tuple(row for row in pairs.rows if row.cells[family].text == "primary")
    return replace(pairs, rows=primary) if len(primary) <= MOST_PAIRS else None


def missed_on_page(missed: Table | None) -> Table | None:
    """The first of the questions that most runs miss."""
    return missed and replace(missed, rows=missed.rows[:MOST_MISSED])
