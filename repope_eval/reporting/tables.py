"""Tables in text, wherever they are drawn: on a page, on the console, or by `table_exports` in files."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Generic, Literal, TypeVar

from repope_eval.reporting.figure_texts import change_interval_text, change_text, interval_text, percent_text
from repope_eval.scoring.estimates import Estimate, Interval

Record = TypeVar("Record")
Other = TypeVar("Other")

Mark = Literal["", "change", "attention", "quiet", "own"]
"""Why a row looks different: it holds differences, asks for attention, matters less, or is the user's own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A value and its interval on a scale that all cells of a column have in common, from 0 to 1."""

    value: float
    interval: Interval = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One cell: the text that is read, and the values behind it."""

    text: str
    values: tuple[str | float | None, ...] = ()
    """One for each of the column's `names`; None where undefined. A page sorts rows by the first one."""
    note: str = ""
    """An interval, for example: smaller and below the text on a page, in brackets after it elsewhere."""
    span: Span | None = None
    """What a page draws beside the text, as a dot and a line. The text and the note must say it, too."""
    address: str = ""
    """Where the text leads to on a page, relative to the page and quoted as addresses are; empty: nowhere."""

    @property
    def full_text(self) -> str:
        """The text with its note."""
        return f"{self.text} ({self.note})" if self.note else self.text


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """The title of a column, and how its cells are set."""

    title: str
    names: tuple[str, ...] = ()
    """Names of its columns in CSV; a figure with its interval has three."""
    is_text: bool = False
    """Words are set to the left, numbers to the right."""
    wraps: bool = False
    """Whether words are broken into lines on a page, even short ones."""
    stays: bool = False
    """Whether it stays in sight on a page while a wide table is scrolled."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One row of a table."""

    cells: tuple[Cell, ...]
    mark: Mark = ""
    starts_group: bool = False
    """Whether it is set apart from the row above."""
    group: str = ""
    """The name of the rows that it is one of, which follow one another; a page writes it above them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table, ready to be drawn."""

    caption: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    n_naming: int = 1
    """Number of first columns that together name a row: each part of a table that is parted has them."""
    n_left_out: int = 0
    """Number of rows that there was no room for."""

    @property
    def groups(self) -> list[tuple[str, list[Row]]]:
        """The rows by the name of their group; a single one without a name where there are no groups."""
        return [(name, list(rows)) for name, rows in groupby(self.rows, lambda row: row.group)]


@dataclass(frozen=True, slots=True)
class Field(Generic[Record]):
    """A column of a table of records, with the function that makes its cell from a record."""

    column: Column
    cell: Callable[[Record], Cell]

    def read_from(self, part: Callable[[Other], Record]) -> "Field[Other]":
        """The same column in a table of other records, of which the record is a part."""
        return Field(self.column, lambda other: self.cell(part(other)))


def text_field(
    title: str, text: Callable[[Record], str], *, wraps: bool = False, stays: bool = False
) -> Field[Record]:
    """A column of words; `wraps` and `stays` are those of `Column`."""

    def cell(record: Record) -> Cell:
        words = text(record)
        return Cell(text=words, values=(words,))

    names = (title.replace(" ", "_"),)
    return Field(Column(title=title, names=names, is_text=True, wraps=wraps, stays=stays), cell)


def number_field(title: str, text: Callable[[Record], str]) -> Field[Record]:
    """A column of numbers as they are shown, for tables that are written to no file."""
    return Field(Column(title=title), lambda record: Cell(text=text(record)))


def value_field(title: str, cell: Callable[[Record], Cell], *names: str) -> Field[Record]:
    """A column of numbers with the values behind them, and the names of these in CSV."""
    return Field(Column(title=title, names=names), cell)


def interval_field(title: str, name: str, cell: Callable[[Record], Cell]) -> Field[Record]:
    """A column of figures with the ends of their intervals."""
    return value_field(title, cell, name, f"{name}_low", f"{name}_high")


def estimate_field(
    title: str, estimate: Callable[[Record], Estimate], shown: Callable[[float | None], str] = percent_text
) -> Field[Record]:
    """A column of estimates with their 95 % intervals as notes, for tables that are written to no file."""
    return Field(Column(title=title), lambda record: estimate_cell(estimate(record), shown))


def estimate_cell(estimate: Estimate, shown: Callable[[float | None], str] = percent_text) -> Cell:
    """An estimate, by default a share in percent, with its interval as a note."""
    note = "" if estimate.interval is None else interval_text(estimate.interval, shown)
    return Cell(text=shown(estimate.value), note=note, values=_values(estimate))


def _values(estimate: Estimate) -> tuple[float | None, ...]:
    """The value and the ends of its interval, as an `interval_field` has them."""
    return (estimate.value, *(estimate.interval or (None, None)))


def points_cell(difference: Estimate) -> Cell:
    """A difference of two shares in points, with its interval as a note."""
    note = "" if difference.interval is None else change_interval_text("f1", difference.interval)
    return Cell(text=change_text("f1", difference.value), note=note, values=_values(difference))


def table(
    caption: str,
    fields: Sequence[Field[Record]],
    records: Sequence[Record],
    *,
    n_naming: int = 1,
    most: int | None = None,
    mark: Callable[[Record], Mark] = lambda _: "",
    starts_group: Callable[[Record], bool] = lambda _: False,
    group: Callable[[Record], str] = lambda _: "",
) -> Table:
    """A table with a row for each record; of more than `most` records, the further ones are counted."""
    rows = (
        Row(
            cells=tuple(field.cell(record) for field in fields),
            mark=mark(record),
            starts_group=starts_group(record),
            group=group(record),
        )
        for record in records[:most]
    )
    return Table(
        caption=caption,
        columns=tuple(field.column for field in fields),
        rows=tuple(rows),
        n_naming=n_naming,
        n_left_out=0 if most is None else max(0, len(records) - most),
    )
