"""Columns and cells of a leaderboard's tables."""

from collections.abc import Callable, Iterator
from dataclasses import replace

from repope_eval.leaderboard.entries import Entry
from repope_eval.records import Variant
from repope_eval.reporting.score_table import LABEL_SET_TITLES, UNDEFINED, cell_text, count_text
from repope_eval.reporting.table_exports import Cell, Column
from repope_eval.scoring.bootstrap import Interval
from repope_eval.scoring.comparison import Standing

PARTIAL = "†"
"""Follows an F1 that is about another mix of labels than the benchmark's (see `Coverage`)."""


def signed(value: float, figure: str = "f1") -> str:
    """A difference of a figure with its sign, and without one where it rounds to nothing."""
    text = cell_text(figure, abs(value))
    return text if float(text) == 0 else ("+" if value > 0 else "−") + text


def labels_title(name: str) -> str:
    """A label set's name as people write it."""
    return LABEL_SET_TITLES.get(name, name)


def text_column(title: str) -> Column:
    """A column of words."""
    return Column(title=title, names=(title.replace(" ", "_"),), is_text=True)


def number_column(title: str, *names: str) -> Column:
    """A column of numbers, of one or several parts."""
    return Column(title=title, names=names)


def interval_column(title: str, name: str) -> Column:
    """A column of figures with their 95 % intervals."""
    return Column(title=title, names=(name, f"{name}_low", f"{name}_high"))


def value_of(entry: Entry, name: str, variant: Variant, figure: str) -> float | None:
    """One figure of an entry."""
    value: float | None = getattr(entry.figures[name][variant], figure)
    return value


def figure_cell(entry: Entry, name: str, variant: Variant, figure: str) -> Cell:
    """One figure of an entry with its interval."""
    interval = entry.intervals[name][variant].get(figure)
    return with_interval(
        value_of(entry, name, variant, figure), interval, lambda value: cell_text(figure, value)
    )


def f1_cell(entry: Entry, name: str, variant: Variant) -> Cell:
    """F1 of an entry with its interval, marked where it is about another mix of labels."""
    cell = figure_cell(entry, name, variant, "f1")
    return replace(cell, text=cell.text + PARTIAL) if entry.is_partial(name, variant) else cell


def total_cell(entry: Entry, name: str, variant: Variant, total: str) -> Cell:
    """The paper does not say how many answers were neither yes nor no."""
    unknown = entry.is_paper and total == "n_unparsed"
    return count_cell(None if unknown else value_of(entry, name, variant, total))


def with_interval(value: float | None, interval: Interval, shown: Callable[[float], str]) -> Cell:
    """A value with the interval below it."""
    low, high = (None, None) if interval is None else interval
    note = "" if interval is None else " to ".join(shown(end) for end in interval)
    return Cell(text=UNDEFINED if value is None else shown(value), values=(value, low, high), note=note)


def count_cell(value: float | None) -> Cell:
    """A count, or a rank."""
    return Cell(text=UNDEFINED if value is None else count_text(value), values=(value,))


def rank_cell(rank: int | None, standing: Standing | None) -> Cell:
    """A rank, with the ranks it may be below it: for the model alone, and for all models at once."""
    alone, joint = rank_interval_cells(standing)
    known = standing is not None and standing.interval is not None
    return Cell(
        text=count_cell(rank).text,
        values=(rank, *alone.values, *joint.values),
        note=f"{alone.text}; all: {joint.text}" if known else "",
    )


def rank_interval_cells(standing: Standing | None) -> tuple[Cell, Cell]:
    """The ranks that a model may have: alone, and all models at once."""
    if standing is None:
        return _rank_interval_cell(None), _rank_interval_cell(None)
    return _rank_interval_cell(standing.interval), _rank_interval_cell(standing.joint_interval)


def _rank_interval_cell(interval: tuple[int, int] | None) -> Cell:
    if interval is None:
        return Cell(text=UNDEFINED, values=(None, None))
    low, high = interval
    return Cell(text=str(low) if low == high else f"{low} to {high}", values=interval)


def answers_cell(entry: Entry) -> Cell:
    """How many questions are answered, of how many."""
    if entry.n_answered is None or entry.n_questions is None:
        return Cell(text=UNDEFINED, values=(None, None))
    return Cell(
        text=f"{entry.n_answered:,} of {entry.n_questions:,}", values=(entry.n_answered, entry.n_questions)
    )


def share_cell(value: float | None) -> Cell:
    """A share in per cent."""
    text = UNDEFINED if value is None else f"{value:.1%}".replace("%", " %")
    return Cell(text=text, values=(value,))


def p_cell(value: float | None) -> Cell:
    """A p value."""
    text = UNDEFINED if value is None else f"{value:.4f}"
    return Cell(text=text, values=(value,))


def beside_cells(figure: str, run: float | None, paper: float | None) -> Iterator[Cell]:
    """A run's figure, the paper's, and the first less the second."""
    for value in (run, paper):
        yield Cell(text=cell_text(figure, value), values=(value,))
    if run is None or paper is None:
        yield Cell(text=UNDEFINED, values=(None,))
        return
    difference = run - paper
    yield Cell(text=signed(difference, figure), values=(difference,))
