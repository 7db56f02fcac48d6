"""`leaderboard.html`: one self-contained page about many runs."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from repope_eval.leaderboard.entries import Leaderboard
from repope_eval.leaderboard.sentences import leader_sentence, paper_sentence, sentences
from repope_eval.leaderboard.tables import TABLES
from repope_eval.records import label_set_title
from repope_eval.reporting.citations import citations
from repope_eval.reporting.tables import Table
from repope_eval.reporting.templates import render
from repope_eval.scoring.agreement import FEWEST_MODELS
from repope_eval.scoring.bootstrap import FEWEST_IMAGES, MEAN, REPLICATES
from repope_eval.scoring.intervals import FEWEST_EVENTS

if TYPE_CHECKING:  # drawing needs matplotlib, which takes a while to import
    from repope_eval.reporting.charts.drawing import Chart

FIGURE_PREFIXES = ("ranking_", "counts_", "precision_recall_")
"""The names of charts begin with one of these, which says the kind of the chart."""


def leaderboard_charts(board: Leaderboard) -> "tuple[Chart, ...]":
    """The charts that have something to show, each kind beginning with the chart of the headline variant."""
    from repope_eval.leaderboard.charts.counts import model_counts_chart
    from repope_eval.leaderboard.charts.precision_recall import model_precision_recall_chart
    from repope_eval.leaderboard.charts.ranking import ranking_chart

    if not board.entries:
        return ()
    variants = board.ordered_variants
    charts = [model_counts_chart(board, variant) for variant in variants]
    if len(board.label_sets) == 2 and len(board.entries) > 1:
        charts += [ranking_chart(board, variant) for variant in variants]
    charts += [model_precision_recall_chart(board, variant) for variant in variants if variant != MEAN]
    return tuple(charts)


def render_leaderboard(
    board: Leaderboard, tables: Mapping[str, Table], charts: "Sequence[Chart]", command: str
) -> str:
    """The page as HTML.

    Args:
        board: what it is about.
        tables: as of `leaderboard_tables`.
        charts: as of `leaderboard_charts`.
        command: by which it was made.
    """
    kinds = {
        prefix: [chart for chart in charts if chart.name.startswith(prefix)] for prefix in FIGURE_PREFIXES
    }
    return render(
        "leaderboard.html.j2",
        board=board,
        tables={**dict.fromkeys(TABLES), **tables},
        counts=kinds["counts_"],
        rankings=kinds["ranking_"],
        precision_recall=kinds["precision_recall_"],
        leader=leader_sentence(board),
        paper_sentence=paper_sentence(board),
        sentences=sentences(board),
        label_titles=[label_set_title(name) for name in board.label_sets],
        replicates=f"{REPLICATES:,}",
        fewest_images=FEWEST_IMAGES,
        fewest_events=FEWEST_EVENTS,
        fewest_models=FEWEST_MODELS,
        citations=citations(board.source),
        command=command,
    )
