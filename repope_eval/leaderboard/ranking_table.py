"""The page's table of the ranking: for each variant who leads, how sure that is, and what the relabelling changed."""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial

from repope_eval.benchmarks.sources import label_set_phrase, label_set_title
from repope_eval.leaderboard.entries import Leaderboard
from repope_eval.leaderboard.moves import certain_moves
from repope_eval.leaderboard.sentences import apart_note
from repope_eval.leaderboard.tables import (
    Scored,
    answer_fields,
    change_cell,
    f1_cell,
    model_cell,
    model_mark,
    place_cell,
    value_cell,
    whole_place_cell,
)
from repope_eval.records import Variant
from repope_eval.reporting.figure_texts import UNDEFINED
from repope_eval.reporting.tables import Cell, Field, Span, Table, table, text_field, value_field
from repope_eval.scoring.comparison import Standing
from repope_eval.scoring.estimates import Estimate, minus

Moves = Mapping[Variant, tuple[set[str], set[str]]]
"""By variant, the models that overtake another for certain, and those that are overtaken so."""


def ranking_table(board: Leaderboard, addresses: Mapping[str, str]) -> Table:
    """A row for each model and variant, the headline variant first, and in each the best under the last label set.

    Args:
        addresses: of the pages of runs, relative to the page, by the run's name; a run without a page has none.
    """
    last = board.label_sets[-1]
    variants = board.ordered_variants
    return table(
        f"Models by F1 on {board.bench}, with 95 % intervals; the rank is under {label_set_phrase(last)}."
        f"{apart_note(board)}",
        [
            value_field("rank", _drawn_place_cell),
            _model_field(addresses),
            *(
                value_field(f"F1, {label_set_title(name)}", partial(_f1_cell, name))
                for name in board.label_sets
            ),
            *_change_fields(board),
            *(field.read_from(lambda one: one.entry) for field in answer_fields(board)),
        ],
        [one for variant in variants for one in _ranked(board, variant)],
        mark=lambda one: model_mark(board, one.entry),
        group=lambda one: one.variant if len(variants) > 1 else "",
    )


def has_spans(shown: Table) -> bool:
    """Whether any rank has been drawn: among the paper's models none has an interval."""
    return any(cell.span for row in shown.rows for cell in row.cells)


def _ranked(board: Leaderboard, variant: Variant) -> list[Scored]:
    """The models by their place in one variant; those without a place after them, the highest F1 first."""
    name = board.label_sets[-1]
    places = board.places[name][variant]

    def order(one: Scored) -> tuple[float, float]:
        place = places[one.entry.name]
        return (float("inf") if place is None else place, -(one.value("f1") or 0))

    return sorted((Scored(board, variant, name, entry) for entry in board.entries), key=order)


def _drawn_place_cell(one: Scored) -> Cell:
    """The rank, with a drawing of the rank among the runs and its interval, from the first to the last place."""
    cell = whole_place_cell(one)
    standing = one.board.standing(one.label_set, one.variant, one.entry.name)
    return replace(cell, span=place_span(standing, len(one.board.runs)))


def place_span(standing: Standing | None, n_runs: int) -> Span | None:
    """The drawing of a rank and its interval, from the first to the last place; None without an interval."""
    if standing is None or standing.place is None or standing.interval is None or n_runs < 2:
        return None
    value, low, high = ((place - 1) / (n_runs - 1) for place in (standing.place, *standing.interval))
    return Span(value=value, interval=(low, high))


def _model_field(addresses: Mapping[str, str]) -> Field[Scored]:
    named: Field[Scored] = text_field("model", lambda one: one.entry.name, stays=True)

    def cell(one: Scored) -> Cell:
        return replace(model_cell(one.board, one.entry), address=addresses.get(one.entry.name, ""))

    return Field(named.column, cell)


def _f1_cell(label_set: str, one: Scored) -> Cell:
    return f1_cell(replace(one, label_set=label_set))


def _change_fields(board: Leaderboard) -> list[Field[Scored]]:
    """What changes from the first of two label sets to the second; nothing where there are not two."""
    if len(board.label_sets) != 2:
        return []
    before, after = board.label_sets
    moves = {variant: certain_moves(board, variant) for variant in board.variants}
    return [
        value_field("change of F1", partial(_change_cell, before, after)),
        value_field(
            f"rank, {label_set_title(before)}", lambda one: place_cell(replace(one, label_set=before))
        ),
        value_field("move", partial(_move_cell, moves, before)),
    ]


def _change_cell(before: str, after: str, one: Scored) -> Cell:
    """The change of F1; of the paper's models there are counts alone, and so no interval."""
    cells = one.entry.cells
    if any(cells[name][one.variant].figures.is_unread for name in (before, after)):
        return value_cell(None)
    change = one.entry.changes.get(one.variant)
    if change is not None:
        return change_cell("f1", change.estimates["f1"])
    old, new = (cells[name][one.variant].figures.f1 for name in (before, after))
    return change_cell("f1", Estimate(value=minus(new, old)))


def _move_cell(moves: Moves, before: str, one: Scored) -> Cell:
    """By how many places a model moves up or down when the labels are corrected, and whether that may be chance."""
    name = one.entry.name
    old, new = (one.board.places[label_set][one.variant][name] for label_set in (before, one.label_set))
    return move_cell(name, old, new, moves[one.variant])


def move_cell(name: str, old: int | None, new: int | None, moves: tuple[set[str], set[str]]) -> Cell:
    """A model's move from one rank to another; `moves` has who overtakes for certain, and who is overtaken so."""
    if old is None or new is None:
        return Cell(text=UNDEFINED, values=(None,))
    move = old - new
    if move == 0:
        return Cell(text="0", values=(0,))
    rising, falling = moves
    is_certain = name in (rising if move > 0 else falling)
    arrow = "↑" if move > 0 else "↓"
    return Cell(text=f"{arrow} {abs(move)}", values=(move,), note="" if is_certain else "may be chance")
