"""The tables of a leaderboard, for the page and for files alike."""

from collections.abc import Callable

from repope_eval.leaderboard.cells import (
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
    rank_interval_cells,
    share_cell,
    signed,
    text_column,
    total_cell,
    value_of,
    with_interval,
)
from repope_eval.leaderboard.entries import Entry, Leaderboard
from repope_eval.leaderboard.sentences import GROUPS
from repope_eval.reporting.table_exports import Cell, Column, Table, words

_COUNTS = {"tp": "TP", "fp": "FP", "tn": "TN", "fn": "FN"}
_RATIOS = {
    "precision": "precision",
    "recall": "recall",
    "accuracy": "accuracy",
    "tnr": "TNR",
    "f1_balanced": "F1 at 50 % yes",
    "balanced_accuracy": "balanced accuracy",
    "mcc": "MCC",
}
_TOTALS = {"n_questions": "questions", "n_answered": "answered", "n_unparsed": "unparsed"}
_COMPARED = ("tp", "fp", "f1")
_RANKED = {
    "f1": "F1",
    "f1_balanced": "F1 at 50 % yes",
    "balanced_accuracy": "balanced accuracy",
    "mcc": "MCC",
}
_RANK_INTERVALS = (
    number_column("rank, 95 %", "rank_low", "rank_high"),
    number_column("all ranks, 95 %", "rank_joint_low", "rank_joint_high"),
)


def leaderboard_tables(board: Leaderboard) -> tuple[Table, ...]:
    """All tables that have rows."""
    return tuple(table for make in TABLES.values() if (table := make(board)).rows)


def standings_table(board: Leaderboard) -> Table:
    """The order of the models, at a glance."""
    sets = board.label_sets
    columns = [
        *(number_column(f"rank, {labels_title(name)}", f"rank_{name}") for name in reversed(sets)),
        text_column("model"),
        *_answers_column(board),
        *(interval_column(f"F1, {labels_title(name)}", f"f1_{name}") for name in sets),
    ]
    rows = [
        (
            *(count_cell(board.ranks[name][board.headline][entry.name]) for name in reversed(sets)),
            words(entry.name),
            *_answers_cell(board, entry),
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
    columns = [text_column("model"), *_answers_column(board)]
    for variant, name in cells:
        title, key = f"{variant}, {labels_title(name)}", f"{variant}_{name}"
        columns += [
            interval_column(f"F1 {title}", f"f1_{key}"),
            number_column(
                f"rank {title}",
                *(f"rank_{key}{end}" for end in ("", "_low", "_high", "_joint_low", "_joint_high")),
            ),
        ]
    rows = []
    for entry in board.entries:
        row = [words(entry.name), *_answers_cell(board, entry)]
        for variant, name in cells:
            standing = board.standing(name, variant, entry.name)
            row += [
                f1_cell(entry, name, variant),
                rank_cell(board.ranks[name][variant][entry.name], standing),
            ]
        rows.append(tuple(row))
    caption = f"F1 with 95 % intervals, and places by F1, on {board.bench}."
    return Table(name="leaderboard", caption=caption, columns=tuple(columns), rows=tuple(rows))


def _answers_column(board: Leaderboard) -> list[Column]:
    """How much of the questions the runs answered; of the paper's models it is not known."""
    return [number_column("answers", "n_answered", "n_questions")] if board.runs else []


def _answers_cell(board: Leaderboard, entry: Entry) -> list[Cell]:
    return [answers_cell(entry)] if board.runs else []


def _every_figure(board: Leaderboard) -> Table:
    """A row a model, variant and label set."""
    columns = (
        *(text_column(title) for title in ("model", "variant", "labels")),
        number_column("rank", "rank"),
        *(_RANK_INTERVALS if board.runs else ()),
        interval_column("F1", "f1"),
        *(interval_column(title, name) for name, title in (_RATIOS | _COUNTS).items()),
        *(number_column(title, name) for name, title in _TOTALS.items()),
    )
    rows = tuple(
        (
            *(words(text) for text in (entry.name, variant, labels_title(name))),
            count_cell(board.ranks[name][variant][entry.name]),
            *(rank_interval_cells(board.standing(name, variant, entry.name)) if board.runs else ()),
            f1_cell(entry, name, variant),
            *(figure_cell(entry, name, variant, figure) for figure in (*_RATIOS, *_COUNTS)),
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
    of_runs = board.comparison.differences if board.comparison else {}
    pairs = [
        (variant, name, pair)
        for variant in (board.headline, *board.variants[:-1])
        for name in board.label_sets
        for pair in of_runs.get(name, {}).get(variant, ())
    ]
    lacking = any(pair.reason for _, _, pair in pairs)
    columns = (
        *(text_column(title) for title in ("first", "second", "variant", "labels")),
        interval_column("difference of F1", "difference"),
        number_column("p", "p"),
        number_column("p, adjusted", "p_adjusted"),
        number_column("smallest that shows", "detectable"),
        number_column("images for 0.01", "images_for_one_point"),
        number_column("shared questions", "n_questions"),
        number_column("shared images", "n_images"),
        *([text_column("why not")] if lacking else []),
    )
    rows = tuple(
        (
            *(words(text) for text in (pair.first, pair.second, variant, labels_title(name))),
            with_interval(pair.value, pair.interval, signed),
            p_cell(pair.p),
            p_cell(pair.p_adjusted),
            p_cell(pair.detectable),
            *(count_cell(each) for each in (pair.images_for_one_point, pair.n_questions, pair.n_images)),
            *([words(pair.reason or "")] if lacking else []),
        )
        for variant, name, pair in pairs
    )
    caption = "Differences of F1 between runs on the questions that both answered, with 95 % intervals."
    return Table(name="differences", caption=caption, columns=columns, rows=rows)


def _agreement(board: Leaderboard) -> Table:
    columns = (
        text_column("ranking of"),
        text_column("variant"),
        number_column("models", "n_models"),
        *(
            interval_column(f"tau by {title}", "tau" if figure == "f1" else f"tau_{figure}")
            for figure, title in _RANKED.items()
        ),
        number_column("overtakings", "n_overtakings"),
    )
    rows = tuple(
        (
            words(GROUPS[each.group]),
            words(each.variant),
            count_cell(each.n_models),
            *(
                with_interval(tau.value, tau.interval, lambda value: f"{value:.2f}".replace("-", "−"))
                for tau in (each.agreement.taus[figure] for figure in _RANKED)
            ),
            count_cell(len(each.agreement.overtakings)),
        )
        for each in board.agreements
    )
    caption = "How alike the rankings under POPE and RePOPE are (Kendall's tau-b), by several figures."
    return Table(name="rank_agreement", caption=caption, columns=columns, rows=rows)


def _overtakings(board: Leaderboard) -> Table:
    columns = (
        *(text_column(title) for title in ("ranking of", "variant", "model", "overtakes")),
        *([number_column("probability", "probability")] if board.runs else []),
    )
    rows = tuple(
        (
            *(words(text) for text in (GROUPS[each.group], each.variant, pair.model, pair.overtaken)),
            *([share_cell(pair.probability)] if board.runs else []),
        )
        for each in board.agreements
        for pair in each.agreement.overtakings
    )
    caption = "Models behind another under POPE and ahead of it under RePOPE, by F1."
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


def unranked_table(board: Leaderboard, *, reasons: bool = True) -> Table:
    """The runs without a place, and why."""
    columns = (
        text_column("model"),
        number_column("answers", "n_answered", "n_questions"),
        number_column("images", "n_images"),
        *(
            interval_column(f"F1 {board.headline}, {labels_title(name)}", f"f1_{name}")
            for name in board.label_sets
        ),
        *([text_column("why")] if reasons else []),
    )
    rows = tuple(
        (
            words(each.entry.name),
            answers_cell(each.entry),
            count_cell(each.entry.n_images),
            *(f1_cell(each.entry, name, board.headline) for name in board.label_sets),
            *([words(each.reason)] if reasons else []),
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
    "unranked": unranked_table,
    "left_out": _left_out,
    "settings": _settings,
}
"""What makes each table, by its name."""
