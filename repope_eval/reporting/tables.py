"""Tables of a page as rows of text, drawn by the macro of `table.html.j2`."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from repope_eval.reporting.score_table import UNDEFINED, change_text
from repope_eval.scoring.bootstrap import Interval

Row = TypeVar("Row")


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """One table, all in text."""

    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    n_texts: int = 1
    """How many columns, from the left, hold words; the others hold numbers."""
    wraps: bool = False
    """Whether words may be long, and are broken into lines."""
    n_left_out: int = 0
    """Rows that there were no room for."""


def table(
    caption: str,
    columns: Sequence[str],
    rows: Sequence[Row],
    cells: Callable[[Row], Sequence[str]],
    *,
    most: int = 500,
    n_texts: int = 1,
    wraps: bool = False,
) -> Table:
    """A table of records, of the first so many at most.

    Args:
        caption: what the rows are.
        columns: their titles.
        rows: the records.
        cells: the text of a record's cells, one a column.
        most: rows that are shown.
        n_texts: as of `Table`.
        wraps: as of `Table`.
    """
    shown = tuple(tuple(cells(row)) for row in rows[:most])
    return Table(
        caption=caption,
        columns=tuple(columns),
        rows=shown,
        n_texts=n_texts,
        wraps=wraps,
        n_left_out=max(0, len(rows) - most),
    )


def ratio_text(value: float | None, interval: Interval = None) -> str:
    """A ratio with four digits, and its interval in brackets where there is one."""
    return UNDEFINED if value is None else f"{value:.4f}{interval_text(interval, '.4f')}"


def amount_text(value: float | None, interval: Interval = None) -> str:
    """A count, with one digit where it is a mean that is no whole number, and its interval."""
    if value is None:
        return UNDEFINED
    return f"{value:.0f}{interval_text(interval, '.0f')}" if value == int(value) else (
        f"{value:.1f}{interval_text(interval, '.1f')}"
    )  # fmt: skip


def change_with_interval(name: str, difference: float | None, interval: Interval = None) -> str:
    """A difference of a figure with its sign, and its interval."""
    text = change_text(name, difference)
    return (
        text
        if interval is None or difference is None
        else f"{text} [{', '.join(change_text(name, end) for end in interval)}]"
    )


def interval_text(interval: Interval, digits: str) -> str:
    """An interval behind its figure; nothing where there is none."""
    return "" if interval is None else f" [{interval[0]:{digits}}, {interval[1]:{digits}}]"


def clipped(text: str, length: int = 300) -> str:
    """A text that may be of any length, cut to what a page has room for; the rest is counted."""
    return text if len(text) <= length else f"{text[:length]}… ({len(text) - length} more characters)"
