"""Fits a table into the width of a terminal: texts are broken between words, and columns that do not fit stand below.

Notes go below what they are about. No number is broken. Where a table is parted, the columns that name a row stand in
each part.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from rich.cells import cell_len

from repope_eval.reporting.tables import Cell, Column, Table
from repope_eval.wording import visible

BETWEEN = 2
"""Characters between two columns."""


class Fitted(NamedTuple):
    """A table, or a part of its columns, with the width of each column in characters."""

    table: Table
    widths: tuple[int, ...]


def natural(table: Table) -> Fitted:
    """The table with columns as wide as their widest cell."""
    return Fitted(table, tuple(_widest(column, cells) for column, cells in _columns(table)))


def fitted(table: Table, room: int) -> list[Fitted]:
    """The parts of a table that fit, one below the other; the whole where there is room for it.

    Args:
        table: with any number of columns.
        room: characters from the first column's beginning to the last one's end.
    """
    whole = natural(table)
    if _total(whole.widths) <= room:
        return [whole]
    least = [_least(column, cells, room // 2) for column, cells in _columns(table)]
    parts = _parts(least, table.n_naming, room)
    return [_part(whole, least, places, room, is_first=part == 0) for part, places in enumerate(parts)]


def _parts(least: Sequence[int], n_naming: int, room: int) -> list[list[int]]:
    """The places of the columns of each part: as many as there is room for, at least one beside those that name."""
    naming = list(range(n_naming))
    parts = [list(naming)]
    for place in range(n_naming, len(least)):
        if len(parts[-1]) > n_naming and _total([least[each] for each in (*parts[-1], place)]) > room:
            parts.append(list(naming))
        parts[-1].append(place)
    return parts


def _part(whole: Fitted, least: Sequence[int], places: Sequence[int], room: int, *, is_first: bool) -> Fitted:
    table = whole.table
    rows = tuple(replace(row, cells=tuple(row.cells[place] for place in places)) for row in table.rows)
    columns = tuple(table.columns[place] for place in places)
    part = replace(table, caption=table.caption if is_first else "", columns=columns, rows=rows)
    # Notes stand below their figures, so that more room is of no use there.
    has_notes = [any(row.cells[place].note for row in table.rows) for place in range(len(least))]
    most = [least[place] if has_notes[place] else whole.widths[place] for place in places]
    widths = _shared([least[place] for place in places], most, room)
    return Fitted(part, tuple(widths))


def _shared(least: Sequence[int], most: Sequence[int], room: int) -> list[int]:
    """Widths from the least to the most that a column may use; those that want least more get it first."""
    widths, left = list(least), room - _total(least)
    wanting = sorted(range(len(least)), key=lambda place: most[place] - least[place])
    for number, place in enumerate(wanting):
        more = max(0, min(most[place] - least[place], left // (len(wanting) - number)))
        widths[place] += more
        left -= more
    return widths


def _total(widths: Sequence[int]) -> int:
    return sum(widths) + BETWEEN * (len(widths) - 1)


def _columns(table: Table) -> list[tuple[Column, list[Cell]]]:
    return [(column, [row.cells[place] for row in table.rows]) for place, column in enumerate(table.columns)]


def _widest(column: Column, cells: Sequence[Cell]) -> int:
    return max(map(_length, (column.title, *(cell.full_text for cell in cells))))


def _least(column: Column, cells: Sequence[Cell], longest_word: int) -> int:
    """The width below which a number would be broken, or a word that is no longer than the longest."""
    if column.is_text:
        words = [
            word for text in (column.title, *(cell.full_text for cell in cells)) for word in text.split()
        ]
        return min(longest_word, max(map(_length, words), default=1))
    notes = [f"({cell.note})" for cell in cells if cell.note]
    return max(map(_length, (*column.title.split(), *(cell.text for cell in cells), *notes)), default=1)


def _length(text: str) -> int:
    return cell_len(visible(text))
