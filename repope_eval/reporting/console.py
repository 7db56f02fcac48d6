"""Tables, texts and documents on the console."""

import io
import json
import sys
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from repope_eval.process.output import write, write_styled
from repope_eval.wording import visible

_AS_WIDE_AS_NEEDED = 10_000
"""Columns of a console that no table fills: what is measured there is a table's own width."""


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


def print_table(table: Table) -> None:
    """Prints at the table's own width: where a terminal is narrower its lines wrap, and no figure is cut."""
    drawn = _Drawn()
    console = _TextConsole(
        file=drawn,
        width=_AS_WIDE_AS_NEEDED,
        height=1,  # says nothing of the table, but a plain terminal (TERM=dumb) is asked for both or 80 columns
        markup=False,
        emoji=False,
        highlight=False,
    )
    console.width = console.measure(table).maximum
    console.print(table)
    write_styled("".join(f"{line.rstrip()}\n" for line in drawn.getvalue().splitlines()))


def print_text(text: str) -> None:
    """Text that ends in a new line."""
    write(f"{text}\n")


def print_document(document: Any) -> None:
    """A JSON document on a line of its own, for programs: in ASCII, which any output can show as it is."""
    write(json.dumps(document) + "\n")
