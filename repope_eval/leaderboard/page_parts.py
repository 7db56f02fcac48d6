"""What the leaderboard's page shows of what its files hold: all of it for few models, a part for many."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from repope_eval.leaderboard.entries import Leaderboard
from repope_eval.reporting.tables import Table

if TYPE_CHECKING:  # drawing needs matplotlib, which takes a while to import
    from repope_eval.reporting.charts.drawing import Chart

MANY_MODELS = 17
"""Of more models than the paper's the page has charts and figures of the headline variant only, for its size."""
MOST_PAIRS = 20
"""The page has so many rows of pairs at most: heatmaps show more of them."""
_FAMILY_COLUMNS = ("variant", "labels", "family")
"""What is the same in every row of one family."""

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
    """The table of pairs if it is short, or else its primary family; None where that is long, too."""
    if pairs is None or len(pairs.rows) <= MOST_PAIRS:
        return pairs
    titles = [column.title for column in pairs.columns]
    primary = [row for row in pairs.rows if row.cells[titles.index("family")].text == "primary"]
    if len(primary) > MOST_PAIRS:
        return None
    kept = [place for place, title in enumerate(titles) if title not in _FAMILY_COLUMNS]
    return replace(
        pairs,
        columns=tuple(pairs.columns[place] for place in kept),
        rows=tuple(replace(row, cells=tuple(row.cells[place] for place in kept)) for row in primary),
    )


def missed_on_page(missed: Table | None) -> Table | None:
    """The first of the questions that most runs miss."""
    return missed and replace(missed, rows=missed.rows[:MOST_MISSED])
