"""Tables, texts and documents on the console."""

import io
import json
import sys
from collections.abc import Mapping
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table as RichTable
from rich.text import Text

from repope_eval.process.output import write, write_styled
from repope_eval.reporting.tables import Mark, Table
from repope_eval.wording import visible

_AS_WIDE_AS_NEEDED = 10_000
"""The width of a console that no table fills, so that the own width of a table can be measured."""

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
    """Prints a table at its own width: where a terminal is narrower its lines wrap, and no figure is cut.

    Args:
        table: to be printed, with its caption as the title.
        padded: whether a space stands before the first column.
    """
    drawn = _Drawn()
    console = _TextConsole(
        file=drawn,
        width=_AS_WIDE_AS_NEEDED,
        height=1,  # says nothing of the table, but a plain terminal (TERM=dumb) is asked for both or 80 columns
        markup=False,
        emoji=False,
        highlight=False,
    )
    shown = _rich(table, padded)
    console.width = console.measure(shown).maximum
    console.print(shown)
    write_styled("".join(f"{line.rstrip()}\n" for line in drawn.getvalue().splitlines()))


def _rich(table: Table, padded: bool) -> RichTable:
    shown = RichTable(box=SIMPLE_HEAD, collapse_padding=True, pad_edge=padded, title=table.caption or None)
    for column in table.columns:
        shown.add_column(
            column.title, justify="left" if column.is_text else "right", no_wrap=not column.is_text
        )
    for index, row in enumerate(table.rows):
        if index and row.starts_group:
            shown.add_section()
        shown.add_row(*(cell.text for cell in row.cells), style=_STYLES.get(row.mark))
    return shown


def print_text(text: str) -> None:
    """Prints a text and a line feed."""
    write(f"{text}\n")


def print_document(document: Any) -> None:
    """Prints a JSON document on one line in ASCII, which any output can show."""
    write(json.dumps(document) + "\n")
