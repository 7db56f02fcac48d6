"""The cells of a leaderboard's tables: what is read, and the values behind it."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

from repope_eval.leaderboard.entries import Entry, Leaderboard
from repope_eval.quantities import percentage
from repope_eval.records import Variant
from repope_eval.reporting.figure_texts import PARTIAL, UNDEFINED, change_text, count_text, figure_text
from repope_eval.reporting.tables import Cell, Mark
from repope_eval.scoring.differences import Difference
from repope_eval.scoring.estimates import Estimate, less
from repope_eval.scoring.protocol_scores import CellScores


@dataclass(frozen=True, slots=True)
class Scored:
    """A model of a leaderboard in one variant and under one label set."""

    board: Leaderboard
    variant: Variant
    label_set: str
    entry: Entry

    @property
    def cell(self) -> CellScores:
        """The model's scores there."""
        return self.entry.cells[self.label_set][self.variant]

    def value(self, figure: str) -> float | None:
        """A figure of the model."""
        return self.cell.estimates[figure].value


def model_mark(board: Leaderboard, entry: Entry) -> Mark:
    """The mark of the row of a user's run beside models of the paper."""
    return "own" if board.has_paper and not entry.is_paper else ""


def model_cell(board: Leaderboard, entry: Entry) -> Cell:
    """The name of a model; it is noted which ones are the user's, if models of the paper stand beside them."""
    note = "your run" if model_mark(board, entry) else ""
    return Cell(text=entry.name, values=(entry.name,), note=note)


def value_cell(value: float | None, shown: Callable[[float], str] = count_text) -> Cell:
    """A value, by default a count."""
    return Cell(text=UNDEFINED if value is None else shown(value), values=(value,))


def estimate_cell(found: Estimate | Difference, shown: Callable[[float], str]) -> Cell:
    """A value with its interval below it."""
    ends = (None, None) if found.interval is None else found.interval
    note = "" if found.interval is None else " to ".join(shown(end) for end in found.interval)
    cell = value_cell(found.value, shown)
    return replace(cell, values=(*cell.values, *ends), note=note)


def plain_cell(figure: str, one: Scored) -> Cell:
    """A figure without its interval."""
    return value_cell(one.value(figure), partial(figure_text, figure))


def figure_cell(figure: str, one: Scored) -> Cell:
    """A figure with its interval."""
    return estimate_cell(one.cell.estimates[figure], partial(figure_text, figure))


def f1_cell(one: Scored) -> Cell:
    """F1 with its interval, marked where it is about another mix of labels; none where no answer was read."""
    if one.cell.figures.is_unread:
        return Cell(text=UNDEFINED, values=(None, None, None))
    cell = figure_cell("f1", one)
    return (
        replace(cell, text=cell.text + PARTIAL) if one.entry.is_partial(one.label_set, one.variant) else cell
    )


def total_cell(total: str, one: Scored) -> Cell:
    """A number of questions or answers. The paper does not say how many answers were unparsed."""
    is_unknown = one.entry.is_paper and total == "n_unparsed"
    return value_cell(None if is_unknown else getattr(one.cell.figures, total))


def place_cell(one: Scored) -> Cell:
    """The place by F1 among all models."""
    return value_cell(one.board.places[one.label_set][one.variant][one.entry.name])


def place_interval_cell(joint: bool, one: Scored) -> Cell:
    """The places that a run may have: of this run alone, or `joint`, of all runs at once."""
    standing = one.board.standing(one.label_set, one.variant, one.entry.name)
    interval = None if standing is None else standing.joint_interval if joint else standing.interval
    if interval is None:
        return Cell(text=UNDEFINED, values=(None, None))
    low, high = interval
    return Cell(text=str(low) if low == high else f"{low} to {high}", values=interval)


def whole_place_cell(one: Scored) -> Cell:
    """The place by F1 with the places that the run may have, taken by itself, below it."""
    place, alone, joint = place_cell(one), place_interval_cell(False, one), place_interval_cell(True, one)
    among = f" of {len(one.board.runs)} runs" if one.board.has_paper else ""
    return Cell(
        text=place.text,
        values=(*place.values, *alone.values, *joint.values),
        note="" if alone.text == UNDEFINED else f"{alone.text}{among}",
    )


def answers_cell(entry: Entry) -> Cell:
    """The share of the questions that are answered, cut to one decimal, with both numbers below it."""
    answered, total = entry.n_answered, entry.n_questions
    if answered is None or total is None:
        return Cell(text=UNDEFINED, values=(answered, total))
    return Cell(
        text=f"{percentage(answered, total):g} %", values=(answered, total), note=f"{answered:,} of {total:,}"
    )


def difference_cell(figure: str, pair: tuple[Scored, Scored]) -> Cell:
    """The figure of the first model less that of the second."""
    first, second = (one.value(figure) for one in pair)
    return value_cell(less(first, second), partial(change_text, figure))
