"""The tables of a leaderboard, for the page and for files alike."""

from collections.abc import Callable
from functools import partial
from itertools import product
from typing import NamedTuple

from repope_eval.leaderboard.cells import (
    Scored,
    answers_cell,
    difference_cell,
    f1_cell,
    figure_cell,
    paper_cell,
    place_cell,
    place_interval_cell,
    run_cell,
    total_cell,
    value_cell,
    whole_place_cell,
    with_interval,
)
from repope_eval.leaderboard.entries import Entry, Leaderboard, LeftOut, RankAgreement, Unranked
from repope_eval.leaderboard.sentences import GROUPS
from repope_eval.records import Variant
from repope_eval.reporting.figure_texts import (
    BALANCED_TITLES,
    COUNT_TITLES,
    FIGURE_TITLES,
    change_text,
    count_text,
    label_set_title,
    ratio_text,
)
from repope_eval.reporting.tables import Cell, Field, Table, interval_field, table, text_field, value_field
from repope_eval.scoring.agreement import RANKED_FIGURES, Overtaking
from repope_eval.scoring.differences import Difference

_FIGURES = ("precision", "recall", "accuracy", "tnr", *BALANCED_TITLES, *COUNT_TITLES)
_TOTALS = {"n_questions": "questions", "n_answered": "answered", "n_unparsed": "unparsed"}
_COMPARED = ("tp", "fp", "f1")


class _Pair(NamedTuple):
    """A difference between two runs, and where it is."""

    variant: Variant
    label_set: str
    difference: Difference


def leaderboard_tables(board: Leaderboard) -> tuple[Table, ...]:
    """All tables that have rows."""
    return tuple(shown for make in TABLES.values() if (shown := make(board)).rows)


def standings_table(board: Leaderboard) -> Table:
    """The order of the models, at a glance."""
    sets = [
        (f", {label_set_title(name)}", f"_{name}", (board, board.headline, name)) for name in board.label_sets
    ]
    return table(
        f"Models by F1 ({board.headline}) on {board.bench}, with 95 % intervals.",
        [
            *(
                value_field(f"rank{title}", partial(_place, *at), f"rank{key}")
                for title, key, at in sets[::-1]
            ),
            text_field("model", lambda entry: entry.name),
            *_answers_field(board),
            *(interval_field(f"F1{title}", f"f1{key}", partial(_f1, *at)) for title, key, at in sets),
        ],
        board.entries,
        name="standings",
    )


def _overview(board: Leaderboard) -> Table:
    """F1 and places under every label set and variant: a row a model, with the headline variant first."""
    fields: list[Field[Entry]] = []
    for variant, name in product(board.ordered_variants, board.label_sets):
        title, key = f"{variant}, {label_set_title(name)}", f"{variant}_{name}"
        names = (f"rank_{key}{end}" for end in ("", "_low", "_high", "_joint_low", "_joint_high"))
        fields += [
            interval_field(f"F1 {title}", f"f1_{key}", partial(_f1, board, variant, name)),
            value_field(f"rank {title}", partial(_whole_place, board, variant, name), *names),
        ]
    return table(
        f"F1 with 95 % intervals, and places by F1, on {board.bench}.",
        [text_field("model", lambda entry: entry.name, stays=True), *_answers_field(board), *fields],
        board.entries,
        name="leaderboard",
    )


def _answers_field(board: Leaderboard) -> list[Field[Entry]]:
    """How many questions the runs answered; of the paper's models it is not known."""
    return [value_field("answers", answers_cell, "n_answered", "n_questions")] if board.runs else []


def _f1(board: Leaderboard, variant: Variant, label_set: str, entry: Entry) -> Cell:
    return f1_cell(Scored(board, variant, label_set, entry))


def _place(board: Leaderboard, variant: Variant, label_set: str, entry: Entry) -> Cell:
    return place_cell(Scored(board, variant, label_set, entry))


def _whole_place(board: Leaderboard, variant: Variant, label_set: str, entry: Entry) -> Cell:
    return whole_place_cell(Scored(board, variant, label_set, entry))


def _every_figure(board: Leaderboard) -> Table:
    """A row for each model, variant and label set."""
    place_intervals: list[Field[Scored]] = [
        value_field("rank, 95 %", partial(place_interval_cell, False), "rank_low", "rank_high"),
        value_field(
            "all ranks, 95 %", partial(place_interval_cell, True), "rank_joint_low", "rank_joint_high"
        ),
    ]
    return table(
        f"Every figure on {board.bench}, protocol {board.protocol}, with 95 % intervals.",
        [
            text_field("model", lambda one: one.entry.name, stays=True),
            text_field("variant", lambda one: one.variant),
            text_field("labels", lambda one: label_set_title(one.label_set)),
            value_field("rank", place_cell, "rank"),
            *(place_intervals if board.runs else ()),
            interval_field("F1", "f1", f1_cell),
            *(interval_field(FIGURE_TITLES[name], name, partial(figure_cell, name)) for name in _FIGURES),
            *(value_field(title, partial(total_cell, name), name) for name, title in _TOTALS.items()),
        ],
        [
            Scored(board, variant, name, entry)
            for variant, name in product(board.ordered_variants, board.label_sets)
            for entry in board.entries
        ],
        name="every_figure",
    )


def _differences(board: Leaderboard) -> Table:
    """Every pair of runs under every label set and variant."""
    of_runs = board.comparison.differences if board.comparison else {}
    pairs = [
        _Pair(variant, name, difference)
        for variant, name in product(board.ordered_variants, board.label_sets)
        for difference in of_runs.get(name, {}).get(variant, ())
    ]
    why_not: Field[_Pair] = text_field("why not", lambda pair: pair.difference.reason or "")

    def field(title: str, name: str, shown: Callable[[float], str]) -> Field[_Pair]:
        return value_field(title, lambda pair: value_cell(getattr(pair.difference, name), shown), name)

    return table(
        "Differences of F1 between runs on the questions that both answered, with 95 % intervals.",
        [
            text_field("first", lambda pair: pair.difference.first, stays=True),
            text_field("second", lambda pair: pair.difference.second),
            text_field("variant", lambda pair: pair.variant),
            text_field("labels", lambda pair: label_set_title(pair.label_set)),
            interval_field(
                "difference of F1",
                "difference",
                lambda pair: with_interval(
                    pair.difference.value, pair.difference.interval, partial(change_text, "f1")
                ),
            ),
            field("p", "p", ratio_text),
            field("p, adjusted", "p_adjusted", ratio_text),
            field("smallest that shows", "detectable", ratio_text),
            field("images for 0.01", "images_for_one_point", count_text),
            field("shared questions", "n_questions", count_text),
            field("shared images", "n_images", count_text),
            *([why_not] if any(pair.difference.reason for pair in pairs) else ()),
        ],
        pairs,
        name="differences",
    )


def _agreement(board: Leaderboard) -> Table:
    """How alike the rankings under the two label sets are."""

    def tau(figure: str, each: RankAgreement) -> Cell:
        found = each.agreement.taus[figure]
        return with_interval(found.value, found.interval, lambda value: f"{value:.2f}".replace("-", "−"))

    names = {figure: "tau" if figure == "f1" else f"tau_{figure}" for figure in RANKED_FIGURES}
    return table(
        "How alike the rankings under POPE and RePOPE are (Kendall's tau-b), by several figures.",
        [
            text_field("ranking of", lambda each: GROUPS[each.group], stays=True),
            text_field("variant", lambda each: each.variant),
            value_field("models", lambda each: value_cell(each.n_models), "n_models"),
            *(
                interval_field(f"tau by {FIGURE_TITLES[figure]}", names[figure], partial(tau, figure))
                for figure in RANKED_FIGURES
            ),
            value_field(
                "overtakings", lambda each: value_cell(len(each.agreement.overtakings)), "n_overtakings"
            ),
        ],
        board.agreements,
        name="rank_agreement",
    )


def _overtakings(board: Leaderboard) -> Table:
    """Which model overtakes which when the labels are corrected."""

    def probability(row: tuple[RankAgreement, Overtaking]) -> Cell:
        return value_cell(row[1].probability, lambda share: f"{100 * share:.1f} %")

    return table(
        "Models behind another under POPE and ahead of it under RePOPE, by F1.",
        [
            text_field("ranking of", lambda row: GROUPS[row[0].group], stays=True),
            text_field("variant", lambda row: row[0].variant),
            text_field("model", lambda row: row[1].model),
            text_field("overtakes", lambda row: row[1].overtaken),
            *([value_field("probability", probability, "probability")] if board.runs else ()),
        ],
        [(each, pair) for each in board.agreements for pair in each.agreement.overtakings],
        name="overtakings",
    )


def _beside_the_paper(board: Leaderboard) -> Table:
    """The runs of the paper's models, with the paper's figures of the same models."""
    fields: list[Field[tuple[Scored, Scored]]] = []
    for figure in _COMPARED:
        title = FIGURE_TITLES[figure]
        fields += [
            value_field(f"{title}, run", partial(run_cell, figure), figure),
            value_field(f"{title}, paper", partial(paper_cell, figure), f"{figure}_paper"),
            value_field(f"{title}, difference", partial(difference_cell, figure), f"{figure}_difference"),
        ]
    return table(
        "Runs of the paper's models beside the paper's counts.",
        [
            text_field("run", lambda pair: pair[0].entry.name, stays=True),
            text_field("variant", lambda pair: pair[0].variant),
            text_field("labels", lambda pair: label_set_title(pair[0].label_set)),
            *fields,
        ],
        [
            (Scored(board, variant, name, run), Scored(board, variant, name, paper))
            for run, paper in board.pairs
            for variant, name in product(board.variants, board.label_sets)
        ],
        name="beside_the_paper",
    )


def unranked_table(board: Leaderboard, *, reasons: bool = True) -> Table:
    """The runs without a place, and why."""

    def f1(name: str, each: Unranked) -> Cell:
        return f1_cell(Scored(board, board.headline, name, each.entry))

    why: Field[Unranked] = text_field("why", lambda each: each.reason)
    titles = {name: f"F1 {board.headline}, {label_set_title(name)}" for name in board.label_sets}
    return table(
        "Runs that are not ranked; figures and intervals are over the images they have answers about.",
        [
            text_field("model", lambda each: each.entry.name, stays=True),
            value_field("answers", lambda each: answers_cell(each.entry), "n_answered", "n_questions"),
            value_field("images", lambda each: value_cell(each.entry.n_images), "n_images"),
            *(interval_field(title, f"f1_{name}", partial(f1, name)) for name, title in titles.items()),
            *([why] if reasons else ()),
        ],
        board.unranked,
        name="unranked",
    )


def _left_out(board: Leaderboard) -> Table:
    folder: Field[LeftOut] = text_field("run folder", lambda run: run.folder, stays=True)
    why: Field[LeftOut] = text_field("why", lambda run: run.reason)
    return table("Run folders that are left out.", [folder, why], board.left_out, name="left_out")


def _settings(board: Leaderboard) -> Table:
    return table(
        "Settings that differ between runs.",
        [
            text_field("setting", lambda each: each.key, stays=True),
            text_field("value", lambda each: each.value),
            text_field("runs", lambda each: ", ".join(each.names)),
        ],
        board.differences,
        name="settings",
    )


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
"""The function that makes each table, by the table's name."""
