"""Tables in a terminal: what is broken, what stands below, and what is never broken."""

from dataclasses import replace

import pytest

from repope_eval.reporting.console import BETWEEN, Fitted, fitted, natural
from repope_eval.reporting.tables import Cell, Column, Row, Table

NAME = Column(title="model", is_text=True, stays=True)
WORDS = Column(title="what it takes", is_text=True)


def a_table(columns: tuple[Column, ...], *rows: tuple[str | Cell, ...]) -> Table:
    cells = [[Cell(text=cell) if isinstance(cell, str) else cell for cell in row] for row in rows]
    return Table(caption="title", columns=columns, rows=tuple(Row(cells=tuple(row)) for row in cells))


def numbers(count: int) -> Table:
    columns = (NAME, *(Column(title=f"figure {place}") for place in range(count)))
    return a_table(columns, ("a-model", *["+0.1234"] * count))


def width(part: Fitted) -> int:
    return sum(part.widths) + BETWEEN * (len(part.widths) - 1)


def test_where_there_is_room_columns_are_as_wide_as_they_want() -> None:
    table = numbers(3)
    assert fitted(table, 7 + 3 * (BETWEEN + 8)) == [natural(table)] == [Fitted(table, (7, 8, 8, 8))]


def test_headings_are_broken_before_columns_are_parted() -> None:
    (part,) = fitted(numbers(3), 7 + 3 * (BETWEEN + 7))
    assert part.widths == (7, 7, 7, 7)


@pytest.mark.parametrize("room", range(16, 60))
def test_parts_fit_have_each_figure_once_and_name_their_rows(room: int) -> None:
    parts = fitted(numbers(5), room)
    assert all(width(part) <= room for part in parts)
    assert all(part.table.columns[0] == NAME for part in parts)
    figures = [column.title for part in parts for column in part.table.columns[1:]]
    assert figures == [f"figure {place}" for place in range(5)]
    assert all(width >= len("+0.1234") for part in parts for width in part.widths[1:])
    assert [part.table.caption for part in parts] == ["title", *[""] * (len(parts) - 1)]


def test_each_part_has_all_columns_that_name_a_row() -> None:
    cells = ("a-model", "mean", *["+0.1234"] * 4)
    table = a_table((NAME, WORDS, *(Column(title=f"figure {place}") for place in range(4))), cells)
    parts = fitted(replace(table, n_naming=2), 34)
    assert len(parts) > 1
    assert all(part.table.columns[:2] == (NAME, WORDS) for part in parts)
    figures = [column.title for part in parts for column in part.table.columns[2:]]
    assert figures == [f"figure {place}" for place in range(4)]


def test_texts_are_broken_between_words() -> None:
    table = a_table((NAME, WORDS), ("a-model", "as much memory as there is, and more than that"))
    ((_, widths),) = fitted(table, 30)
    assert widths == (7, 30 - 7 - BETWEEN)


def test_a_word_that_is_longer_than_half_a_line_is_broken() -> None:
    table = a_table((NAME, WORDS), ("a-model", "x" * 64))
    ((_, widths),) = fitted(table, 40)
    assert 7 + BETWEEN + widths[1] <= 40


def test_a_note_goes_below_its_figure_before_columns_are_parted() -> None:
    cell = Cell(text="0.8989", note="0.8881 to 0.9093")
    table = a_table((NAME, Column(title="F1")), ("a-model", cell))
    assert natural(table).widths == (7, len("0.8989 (0.8881 to 0.9093)"))
    ((_, widths),) = fitted(table, 30)
    assert widths[1] >= len("(0.8881 to 0.9093)")


def test_a_table_without_rows_fits() -> None:
    assert len(fitted(Table(caption="", columns=(NAME,), rows=()), 3)) == 1
