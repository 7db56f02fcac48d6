"""Tables, texts and documents on the console, fitted into the width of a terminal.

Notes go below what they are about. No number is broken. Where a table is parted, the columns that name a row stand in
each part.
"""

import io
import json
import re
import shutil
import sys
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from rich.box import SIMPLE_HEAD
from rich.cells import cell_len
from rich.console import Console, JustifyMethod
from rich.table import Table as RichTable
from rich.text import Text

from repope_eval.reporting.tables import Cell, Column, Mark, Table
from repope_eval.system.output import write, write_styled
from repope_eval.wording import visible

COLUMN_GAP = 2
"""Characters between two columns."""


class Fitted(NamedTuple):
    """A table, or a part of its columns, with the width of each column in characters."""

    table: Table
    widths: tuple[int, ...]


def natural(table: Table) -> Fitted:
    """The table with columns as wide as their widest cell."""
    return Fitted(
        table, tuple(_width_of_widest(column, cells) for column, cells in _columns_with_cells(table))
    )


def fitted(table: Table, room: int) -> list[Fitted]:
    """The parts of a table that fit, one below the other; the whole where `room`, in characters, has room for it."""
    whole = natural(table)
    if _total_width(whole.widths) <= room:
        return [whole]
    # A single word may not take more than half of the line: a longer one is broken.
    least = [_least_width(column, cells, room // 2) for column, cells in _columns_with_cells(table)]
    parts = _parts_of_columns(least, table.n_naming, room)
    return [
        _part_of_table(whole, least, places, room, is_first=part == 0) for part, places in enumerate(parts)
    ]


def _parts_of_columns(least: Sequence[int], n_naming: int, room: int) -> list[list[int]]:
    """The places of the columns of each part: as many as there is room for, at least one beside those that name."""
    naming = list(range(n_naming))
    parts = [list(naming)]
    for place in range(n_naming, len(least)):
        if len(parts[-1]) > n_naming and _total_width([least[each] for each in (*parts[-1], place)]) > room:
            parts.append(list(naming))
        parts[-1].append(place)
    return parts


def _part_of_table(
    whole: Fitted, least: Sequence[int], places: Sequence[int], room: int, *, is_first: bool
) -> Fitted:
    table = whole.table
    rows = tuple(replace(row, cells=tuple(row.cells[place] for place in places)) for row in table.rows)
    columns = tuple(table.columns[place] for place in places)
    part = replace(table, caption=table.caption if is_first else "", columns=columns, rows=rows)
    # Notes stand below their figures, so that more room is of no use there.
    has_notes = [any(row.cells[place].note for row in table.rows) for place in range(len(least))]
    most = [least[place] if has_notes[place] else whole.widths[place] for place in places]
    widths = _shared_widths([least[place] for place in places], most, room)
    return Fitted(part, tuple(widths))


def _shared_widths(least: Sequence[int], most: Sequence[int], room: int) -> list[int]:
    """Widths from the least to the most that a column may use; those that want least more get it first."""
    widths, left = list(least), room - _total_width(least)
    wanting = sorted(range(len(least)), key=lambda place: most[place] - least[place])
    for number, place in enumerate(wanting):
        more = max(0, min(most[place] - least[place], left // (len(wanting) - number)))
        widths[place] += more
        left -= more
    return widths


def _total_width(widths: Sequence[int]) -> int:
    return sum(widths) + COLUMN_GAP * (len(widths) - 1)


def _columns_with_cells(table: Table) -> list[tuple[Column, list[Cell]]]:
    return [(column, [row.cells[place] for row in table.rows]) for place, column in enumerate(table.columns)]


def _width_of_widest(column: Column, cells: Sequence[Cell]) -> int:
    return max(map(_shown_length, (column.title, *(cell.full_text for cell in cells))))


def _least_width(column: Column, cells: Sequence[Cell], longest_word: int) -> int:
    """The width below which a number would be broken, or a word that is no longer than the longest."""
    if column.is_text:
        words = [
            word for text in (column.title, *(cell.full_text for cell in cells)) for word in text.split()
        ]
        return min(longest_word, max(map(_shown_length, words), default=1))
    notes = [f"({cell.note})" for cell in cells if cell.note]
    return max(map(_shown_length, (*column.title.split(), *(cell.text for cell in cells), *notes)), default=1)


def _shown_length(text: str) -> int:
    return cell_len(visible(text))


_UNLIMITED_WIDTH = 10_000
"""The width of a console that no table fills, so that the own width of a table can be measured."""

_EDGE = 1
"""Characters before the first column."""

_LAST_SPACES = re.compile(r" +((?:\x1b\[[0-9;]*m)*)$")
"""Spaces at the end of a line, and the end of their style: beyond the width they would begin another line."""

_SENTENCES_WIDTH = 100
"""The most characters of a line of sentences."""

_STYLES: Mapping[Mark, str] = {"change": "cyan", "attention": "yellow", "quiet": "dim", "own": "bold"}


def clear_screen() -> None:
    """Empties the terminal; does nothing if the output is no terminal."""
    Console().clear()


class _TextConsole(Console):
    """A console that shows, and measures, cells and titles as text, with the characters that a terminal would obey."""

    def render_str(self, text: str, **options: Any) -> Text:
        """Makes a string visible. Every string of a table passes here before its width is measured."""
        return super().render_str(visible(text), **options)


class _Drawn(io.StringIO):
    """A buffer that a table is drawn into, and that can show what standard output can show."""

    @property
    def encoding(self) -> str:  # type: ignore[override]  # nobody sets it
        """The encoding of standard output."""
        return sys.stdout.encoding or "utf-8"

    def isatty(self) -> bool:
        """Whether standard output is a terminal."""
        return sys.stdout.isatty()


def print_table(table: Table, *, padded: bool = False) -> None:
    """Prints a table, fitted to the width of the terminal; at its own width if the output is no terminal."""
    width = terminal_width()
    parts = [natural(table)] if width is None else fitted(table, width - (_EDGE + 2 * padded))
    for part in parts:
        _print_part(part, padded)


def terminal_width() -> int | None:
    """The characters of a line of the terminal; None if the output is no terminal."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def _print_part(part: Fitted, padded: bool) -> None:
    drawn = _Drawn()
    console = _TextConsole(
        file=drawn,
        width=_UNLIMITED_WIDTH,
        height=1,  # no table needs it, but on a plain terminal (TERM=dumb) rich ignores a width without a height
        markup=False,
        emoji=False,
        highlight=False,
    )
    shown = _rich_table(part, padded)
    console.width = console.measure(shown).maximum
    console.print(shown)
    lines = (_LAST_SPACES.sub(r"\1", line) for line in drawn.getvalue().splitlines())
    write_styled("".join(f"{line}\n" for line in lines))


def _rich_table(part: Fitted, padded: bool) -> RichTable:
    table = part.table
    shown = RichTable(box=SIMPLE_HEAD, collapse_padding=True, pad_edge=padded, title=table.caption or None)
    first, *others = part.widths
    widths = (first + padded, *others)  # rich takes the space before the first column out of its width
    for column, width in zip(table.columns, widths, strict=True):
        justify: JustifyMethod = "left" if column.is_text else "right"
        shown.add_column(column.title, justify=justify, width=width, overflow="fold")
    for index, row in enumerate(table.rows):
        if index and row.starts_group:
            shown.add_section()
        cells = map(_cell_text, row.cells, part.widths)
        shown.add_row(*cells, style=_STYLES.get(row.mark))
    return shown


def _cell_text(cell: Cell, width: int) -> str:
    """A cell with its note behind it, or below it where there is no room."""
    has_room = cell_len(visible(cell.full_text)) <= width
    return cell.full_text if has_room or not cell.note else f"{cell.text}\n({cell.note})"


def print_text(text: str) -> None:
    """Prints a text and a line feed."""
    write(f"{text}\n")


def print_sentences(text: str) -> None:
    """Prints sentences, broken between words at the width of the terminal, or before if it is wide."""
    width = min(_SENTENCES_WIDTH, terminal_width() or _SENTENCES_WIDTH)
    print_text(textwrap.fill(visible(text), width, break_long_words=False, break_on_hyphens=False))


def print_document(document: Any) -> None:
    """Prints a JSON document on one line in ASCII, which any output can show."""
    write(json.dumps(document) + "\n")
