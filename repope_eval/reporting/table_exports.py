"""Tables as LaTeX and Markdown, with the digits that are shown, and as CSV with all digits."""

import csv
import io
import re
from collections.abc import Sequence

from repope_eval.reporting.latex_texts import latex_text
from repope_eval.reporting.tables import Column, Table
from repope_eval.reporting.templates import one_line
from repope_eval.wording import visible

_MARKDOWN = re.compile(r"[\\`*|<>\[\]&~]|(?<!\w)_|_(?!\w)")
"""The characters that Markdown would take for its own; an underscore inside a word is none of them."""
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")
"""A spreadsheet computes cells that begin with one of these."""


def latex(table: Table, name: str) -> str:
    """A `table` with that label and rules of the package booktabs, to be put into a paper with `\\input`."""
    layout = "".join("l" if column.is_text else "r" for column in table.columns)
    titles = " & ".join(latex_text(column.title) for column in table.columns)
    lines = [
        "% needs \\usepackage{booktabs}",
        r"\begin{table}",
        r"\centering",
        rf"\caption{{{latex_text(table.caption)}}}",
        rf"\label{{tab:{name.replace('_', '-')}}}",
        rf"\begin{{tabular}}{{{layout}}}",
        r"\toprule",
        rf"{titles} \\",
        r"\midrule",
        *(rf"{' & '.join(latex_text(cell.full_text) for cell in row.cells)} \\" for row in table.rows),
        r"\bottomrule",
        r"\end{tabular}",
        r"\end{table}",
    ]
    return "\n".join(lines) + "\n"


def markdown(table: Table) -> str:
    """A table as Markdown, its columns padded so that the source is readable."""
    titles = [markdown_text(column.title) for column in table.columns]
    rows = [[markdown_text(cell.full_text) for cell in row.cells] for row in table.rows]
    widths = [max(3, *map(len, cells)) for cells in zip(titles, *rows, strict=True)]
    rules = [
        "-" * width if column.is_text else "-" * (width - 1) + ":"
        for column, width in zip(table.columns, widths, strict=True)
    ]
    padded = [_padded_row(cells, table.columns, widths) for cells in (titles, *rows)]
    return "\n".join([padded[0], f"| {' | '.join(rules)} |", *padded[1:]]) + "\n"


def markdown_text(text: str) -> str:
    """A text on one line of Markdown, with nothing in it that Markdown would take for its own."""
    return _MARKDOWN.sub(r"\\\g<0>", one_line(text))


def csv_text(table: Table) -> str:
    """A table as CSV with a heading; undefined values are empty.

    A text that a spreadsheet would compute has an apostrophe before it, which makes it a text there.
    """
    output = io.StringIO()
    writer = csv.writer(output, lineterminator="\n")
    writer.writerow(name for column in table.columns for name in column.names)
    for row in table.rows:
        writer.writerow(_csv_value(value) for cell in row.cells for value in cell.values)
    return output.getvalue()


def _padded_row(cells: Sequence[str], columns: Sequence[Column], widths: Sequence[int]) -> str:
    shown = [
        cell.ljust(width) if column.is_text else cell.rjust(width)
        for cell, column, width in zip(cells, columns, widths, strict=True)
    ]
    return f"| {' | '.join(shown)} |"


def _csv_value(value: str | float | None) -> str | float:
    if not isinstance(value, str):
        return "" if value is None else value
    text = visible(value)
    return f"'{text}" if value.startswith(_FORMULA) else text
