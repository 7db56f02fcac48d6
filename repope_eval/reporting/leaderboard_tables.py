"""The tables of a leaderboard, for the page and for files alike."""

from collections.abc import Callable

from repope_eval.reporting.leaderboard_cells import (
    answers_cell,
    beside_cells,
    count_cell,
    f1_cell,
    figure_cell,
    interval_column,
    labels_title,
    number_column,
    p_cell,
    rank_cell,
    rank_interval_cell,
    share_cell,
    signed,
    text_column,
    total_cell,
    value_of,
    with_interval,
)
from repope_eval.reporting.leaderboard_entries import Leaderboard
from repope_eval.reporting.table_exports import Table, words

_COUNTS = {"tp": "TP", "fp": "FP", "tn": "TN", "fn": "FN"}
_RATIOS = {"precision": "precision", "recall": "recall", "accuracy": "accuracy", "tnr": "TNR"}
_TOTALS = {"n_questions": "questions", "n_answered": "answered", "n_unparsed": "unparsed"}
_GROUPS = {"runs": "the runs", "paper": "the paper's models"}
_COMPARED = ("tp", "fp", "f1")


def leaderboard_tables(board: Leaderboard) -> tuple[Table, ...]:
    """All tables that have rows."""
    return tuple(table for make in TABLES.values() if (table := make(board)).rows)


def standings_table(board: Leaderboard) -> Table:
    """The order of the models, at a glance."""
    sets = board.label_sets
    columns = [
        *(number_column(f"rank, {labels_title(name)}", f"rank_{name}") for name in reversed(sets)),
        text_column("model"),
        *(interval_column(f"F1, {labels_title(name)}", f"f1_{name}") for name in sets),
    ]
    rows = [
        (
            *(count_cell(board.ranks[name][board.headline][entry.name]) for name in reversed(sets)),
            words(entry.name),
            *(f1_cell(entry, name, board.headline) for name in sets),
        )
        for entry in board.entries
    ]
    caption = f"Models by F1 ({board.headline}) on {board.bench}, with 95 % intervals."
    return Table(name="standings", caption=caption, columns=tuple(columns), rows=tuple(rows))


def _overview(board: Leaderboard) -> Table:
    """F1 and places under every label set and variant, a row a model, the headline variant first."""
    variants = (board.headline, *board.variants[:-1])
    cells = [(variant, name) for variant in variants for name in board.label_sets]
    columns = [text_column("model")]
    for variant, name in cells:
        title, key = f"{variant}, {labels_title(name)}", f"{variant}_{name}"
        columns += [
            interval_column(f"F1 {title}", f"f1_{key}"),
            interval_column(f"rank {title}", f"rank_{key}"),
        ]
    counted = [number_column("answers", "n_answered", "n_questions")] if board.runs else []
    rows = []
    for entry in board.entries:
        row = [words(entry.name)]
        for variant, name in cells:
            interval = board.rank_interval(name, variant, entry.name)
            row += [
                f1_cell(entry, name, variant),
                rank_cell(board.ranks[name][variant][entry.name], interval),
            ]
        rows.append((*row, *([answers_cell(entry)] if counted else [])))
    caption = f"F1 with 95 % intervals, and places by F1, on {board.bench}."
    return Table(name="leaderboard", caption=caption, columns=(*columns, *counted), rows=tuple(rows))


def _every_figure(board: Leaderboard) -> Table:
    """A row a model, variant and label set."""
    columns = (
        *(text_column(title) for title in ("model", "variant", "labels")),
        number_column("rank", "rank"),
        *([number_column("rank, 95 %", "rank_low", "rank_high")] if board.runs else []),
        interval_column("F1", "f1"),
        *(interval_column(title, name) for name, title in (_RATIOS | _COUNTS).items()),
        *(number_column(title, name) for name, title in _TOTALS.items()),
    )
    rows = tuple(
        (
            *(words(text) for text in (entry.name, variant, labels_title(name))),
            count_cell(board.ranks[name][variant][entry.name]),
            *([rank_interval_cell(board.rank_interval(name, variant, entry.name))] if board.runs else []),
            *(figure_cell(entry, name, variant, figure) for figure in ("f1", *_RATIOS, *_COUNTS)),
            *(total_cell(entry, name, variant, total) for total in _TOTALS),
        )
        for variant in (board.headline, *board.variants[:-1])
        for name in board.label_sets
        for entry in board.entries
    )
    caption = f"Every figure on {board.bench}, protocol {board.protocol}, with 95 % intervals."
    return Table(name="every_figure", caption=caption, columns=columns, rows=rows)


def _differences(board: Leaderboard) -> Table:
    """Every pair of runs under every label set and variant."""
    columns = (
        *(text_column(title) for title in ("first", "second", "variant", "labels")),
        interval_column("difference of F1", "difference"),
        number_column("p", "p"),
        number_column("p, Holm", "p_holm"),
    )
    of_runs = board.comparison.differences if board.comparison else {}
    rows = tuple(
        (
            *(words(text) for text in (pair.first, pair.second, variant, labels_title(name))),
            with_interval(pair.value, pair.interval, signed),
            p_cell(pair.p),
            p_cell(pair.p_holm),
        )
        for variant in (board.headline, *board.variants[:-1])
        for name in board.label_sets
        for pair in of_runs.get(name, {}).get(variant, ())
    )
    caption = "Differences of F1 between runs on the same drawn images, with 95 % intervals."
    return Table(name="differences", caption=caption, columns=columns, rows=rows)


def _agreement(board: Leaderboard) -> Table:
    columns = (
        text_column("ranking of"),
        text_column("variant"),
        number_column("models", "n_models"),
        interval_column("Kendall's tau", "tau"),
        number_column("overtakings", "n_overtakings"),
    )
    rows = tuple(
        (
            words(_GROUPS[each.group]),
            words(each.variant),
            count_cell(each.n_models),
            with_interval(each.tau, each.interval, lambda value: f"{value:.2f}".replace("-", "−")),
            count_cell(len(each.overtakers)),
        )
        for each in board.agreements
    )
    caption = "How alike the rankings under POPE and RePOPE are (Kendall's tau-b)."
    return Table(name="rank_agreement", caption=caption, columns=columns, rows=rows)


def _overtakings(board: Leaderboard) -> Table:
    columns = (
        *(text_column(title) for title in ("ranking of", "variant", "model", "overtakes")),
        *([number_column("share of replicates", "share")] if board.runs else []),
    )
    rows = tuple(
        (
            *(words(text) for text in (_GROUPS[each.group], each.variant, pair.model, pair.overtaken)),
            *([share_cell(pair.share)] if board.runs else []),
        )
        for each in board.agreements
        for pair in each.overtakers
    )
    caption = "Models behind another under POPE and ahead of it under RePOPE."
    return Table(name="overtakings", caption=caption, columns=columns, rows=rows)


def _beside_the_paper(board: Leaderboard) -> Table:
    columns = [*(text_column(title) for title in ("run", "variant", "labels"))]
    for figure in _COMPARED:
        title = {"tp": "TP", "fp": "FP", "f1": "F1"}[figure]
        columns += [
            number_column(f"{title}, run", figure),
            number_column(f"{title}, paper", f"{figure}_paper"),
            number_column(f"{title}, difference", f"{figure}_difference"),
        ]
    rows = []
    for run, paper in board.pairs:
        for variant in board.variants:
            for name in board.label_sets:
                row = [words(text) for text in (run.name, variant, labels_title(name))]
                for figure in _COMPARED:
                    row += beside_cells(
                        figure, *(value_of(entry, name, variant, figure) for entry in (run, paper))
                    )
                rows.append(tuple(row))
    caption = "Runs of the paper's models beside the paper's counts."
    return Table(name="beside_the_paper", caption=caption, columns=tuple(columns), rows=tuple(rows))


def _unranked(board: Leaderboard) -> Table:
    columns = (
        text_column("model"),
        number_column("answers", "n_answered", "n_questions"),
        number_column("images", "n_images"),
        *(
            interval_column(f"F1 {board.headline}, {labels_title(name)}", f"f1_{name}")
            for name in board.label_sets
        ),
        text_column("why"),
    )
    rows = tuple(
        (
            words(each.entry.name),
            answers_cell(each.entry),
            count_cell(each.entry.n_images),
            *(f1_cell(each.entry, name, board.headline) for name in board.label_sets),
            words(each.reason),
        )
        for each in board.unranked
    )
    caption = "Runs that are not ranked; figures and intervals are over the images they have answers about."
    return Table(name="unranked", caption=caption, columns=columns, rows=rows)


def _left_out(board: Leaderboard) -> Table:
    columns = (text_column("run folder"), text_column("why"))
    rows = tuple((words(run.place), words(run.reason)) for run in board.left_out)
    return Table(name="left_out", caption="Run folders that are left out.", columns=columns, rows=rows)


def _settings(board: Leaderboard) -> Table:
    columns = (text_column("setting"), text_column("value"), text_column("runs"))
    rows = tuple(
        (words(each.key), words(each.value), words(", ".join(each.names))) for each in board.differences
    )
    return Table(name="settings", caption="Settings that differ between runs.", columns=columns, rows=rows)


TABLES: dict[str, Callable[[Leaderboard], Table]] = {
    "standings": standings_table,
    "leaderboard": _overview,
    "every_figure": _every_figure,
    "rank_agreement": _agreement,
    "overtakings": _overtakings,
    "differences": _differences,
    "beside_the_paper": _beside_the_paper,
    "unranked": _unranked,
    "left_out": _left_out,
    "settings": _settings,
}
"""What makes each table, by its name."""
