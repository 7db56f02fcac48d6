"""Tables, texts and documents on the console."""

import io
import json
import re
import shutil
import sys
import textwrap
from collections.abc import Mapping
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.cells import cell_len
from rich.console import Console, JustifyMethod
from rich.table import Table as RichTable
from rich.text import Text

from repope_eval.process.output import write, write_styled
from repope_eval.reporting.fitting import Fitted, fitted, natural
from repope_eval.reporting.tables import Cell, Mark, Table
from repope_eval.wording import visible

_AS_WIDE_AS_NEEDED = 10_000
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
    """Prints a table, fitted to the width of the terminal; at its own width if the output is no terminal.

    Args:
        table: to be printed, with its caption as the title.
        padded: whether a space stands before the first column.
    """
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
        width=_AS_WIDE_AS_NEEDED,
        height=1,  # says nothing of the table, but a plain terminal (TERM=dumb) is asked for both or 80 columns
        markup=False,
        emoji=False,
        highlight=False,
    )
    shown = _rich(part, padded)
    console.width = console.measure(shown).maximum
    console.print(shown)
    lines = (_LAST_SPACES.sub(r"\1", line) for line in drawn.getvalue().splitlines())
    write_styled("".join(f"{line}\n" for line in lines))


def _rich(part: Fitted, padded: bool) -> RichTable:
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
