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
"""Columns of a console that no table fills: what is measured there is a table's own width."""

_STYLES: Mapping[Mark, str] = {"change": "cyan", "attention": "yellow", "quiet": "dim"}


def clear_screen() -> None:
    """Empties a terminal; does nothing where the output is none."""
    Console().clear()


class _TextConsole(Console):
    """A console on which cells and titles are text: what a terminal would obey in them is shown, and measured so."""

    def render_str(self, text: str, **options: Any) -> Text:
        """Every string of a table passes here, before its width is measured."""
        return super().render_str(visible(text), **options)


class _Drawn(io.StringIO):
    """What a table is drawn into: it shows what standard output can show. rich itself would write to that."""

    @property
    def encoding(self) -> str:  # type: ignore[override]  # nobody sets it
        """Of standard output."""
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
    """Text that ends in a new line."""
    write(f"{text}\n")


def print_document(document: Any) -> None:
    """A JSON document on a line of its own, for programs: in ASCII, which any output can show as it is."""
    write(json.dumps(document) + "\n")
