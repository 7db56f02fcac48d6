"""Tables in LaTeX that can be put into a paper as they are."""

import math
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from repope_eval.reporting.figure_texts import PARTIAL
from repope_eval.reporting.latex_texts import (
    breakable_text,
    caption_text,
    latex_text,
    unknown_comments,
    width_in_letters,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PaperColumn:
    """A column of figures."""

    title: str
    interval: Literal["none", "below", "beside"] = "none"
    """Where the intervals of its values stand."""

    @property
    def layout(self) -> str:
        """The column, or the two of values and intervals, as `tabular` takes them."""
        return {"none": "r", "below": "c", "beside": r"r@{\hspace{4pt}}l"}[self.interval]

    @property
    def n_parts(self) -> int:
        """How many columns of `tabular` it takes."""
        return 2 if self.interval == "beside" else 1


@dataclass(frozen=True, slots=True, kw_only=True)
class PaperCell:
    """A value as it is shown, with its interval."""

    text: str
    interval: str = ""
    is_best: bool = False


ColumnGroup = tuple[str, Sequence[PaperColumn]]
"""Columns with a title over them."""
PaperRow = tuple[str, Sequence[PaperCell]]
"""What a row is about, and its figures."""
RowGroup = tuple[str, Sequence[PaperRow]]
"""Rows with a title over them, which may be empty."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PaperTable:
    """A table for a paper; all of its texts are plain ones."""

    caption: str
    label: str
    """What `\\ref` calls it, behind `tab:`, in any characters."""
    naming: str
    """The title of the first column."""
    naming_share: float
    """The most of `\\textwidth` that the first column takes; names that need more are broken into lines."""
    columns: Sequence[ColumnGroup]
    rows: Sequence[RowGroup]
    """The rows, with a rule between two groups."""


MOST_LINES = 30
"""So many lines have room on a page below a long caption; the rows of more go into several tables of one number."""


def latex_document(name: str, table: PaperTable) -> str:
    r"""The file of that name, to be put into a paper with `\input`; its first lines say what it needs."""
    parts = list(_parts(_drawn_rows(table)))
    body = "\n\n".join(_drawn(table, lines, number) for number, lines in enumerate(parts)) + "\n"
    comments = [
        f"For a paper: \\input{{{name}}}, or paste it. It needs \\usepackage{{booktabs}}.",
        "It fits \\textwidth of an article of 10 or 11 pt; of two columns, table* spans both.",
        *(
            [f"There are {len(parts)} tables of one number, since one page has no room for all rows."]
            if len(parts) > 1
            else []
        ),
        *unknown_comments(body),
    ]
    return "".join(f"% {line}\n" for line in comments) + body


_RULE = r"\midrule"


@dataclass(frozen=True, slots=True)
class _DrawnRow:
    """The lines of LaTeX of a row, and how many lines of a page it takes."""

    lines: Sequence[str]
    height: int


def _drawn_rows(table: PaperTable) -> Iterator[_DrawnRow]:
    """The rows; a rule and a title stand before the first one of a group."""
    columns = [column for _, of_group in table.columns for column in of_group]
    n_parts = 1 + sum(column.n_parts for column in columns)
    for number, (title, of_group) in enumerate(table.rows):
        over = [_RULE] if number else []
        if title:
            over.append(rf"\multicolumn{{{n_parts}}}{{@{{}}l@{{}}}}{{\emph{{{latex_text(title)}}}}} \\")
        for name, cells in of_group:
            lines = [*over, *_row_lines(_naming_cell(table, name), columns, cells)]
            yield _DrawnRow(lines, len(lines) - 1 + _height(table, name))
            over = []


def _row_lines(name: str, columns: Sequence[PaperColumn], cells: Sequence[PaperCell]) -> list[str]:
    """The line of a row's values, and that of the intervals below them where there are any."""
    values, below = [name], [""]
    for column, cell in zip(columns, cells, strict=True):
        interval = rf"{{\scriptsize {latex_text(cell.interval)}}}" if cell.interval else ""
        values += [_value(cell), *([interval] if column.interval == "beside" else [])]
        below += [
            interval if column.interval == "below" else "",
            *([""] if column.interval == "beside" else []),
        ]
    if not any(below):
        return [rf"{' & '.join(values)} \\"]
    return [rf"{' & '.join(values)} \\[-2pt]", rf"{' & '.join(below)} \\[1pt]"]


def _value(cell: PaperCell) -> str:
    """A value, whose mark takes no room, so that values stand in line."""
    value = latex_text(cell.text.removesuffix(PARTIAL))
    mark = r"\rlap{$^\dagger$}" if cell.text.endswith(PARTIAL) else ""
    return (rf"\textbf{{{value}}}" if cell.is_best else value) + mark


def _parts(rows: Iterable[_DrawnRow]) -> Iterator[list[str]]:
    """The lines of each table; no row is divided."""
    part: list[str] = []
    height = 0
    for row in rows:
        if part and height + row.height > MOST_LINES:
            yield part
            part, height = [], 0
        # The titles of columns have a rule of their own below them.
        part.extend(row.lines if part or row.lines[0] != _RULE else row.lines[1:])
        height += row.height
    yield part


def _drawn(table: PaperTable, lines: Sequence[str], number: int) -> str:
    caption = caption_text(table.caption)
    label = re.sub(r"[^A-Za-z0-9]+", "-", table.label)
    return "\n".join(
        [
            r"\begin{table*}",
            r"\centering",
            r"\sloppy",
            *(
                [r"\addtocounter{table}{-1}", r"\caption{Continued.}"]
                if number
                else [rf"\caption{{{caption}}}", rf"\label{{tab:{label}}}"]
            ),
            r"\medskip",
            r"\footnotesize",
            r"\setlength{\tabcolsep}{2.5pt}",
            rf"\begin{{tabular}}{{@{{}}{_layout(table)}@{{}}}}",
            r"\toprule",
            *_head(table),
            _RULE,
            *lines,
            r"\bottomrule",
            r"\end{tabular}",
            r"\end{table*}",
        ]
    )


def _layout(table: PaperTable) -> str:
    groups = ["".join(column.layout for column in columns) for _, columns in table.columns]
    name = rf"p{{{table.naming_share:g}\textwidth}}" if _is_broken(table) else "l"
    return name + r"@{\hspace{7pt}}".join(groups)


def _head(table: PaperTable) -> Iterator[str]:
    """The titles of groups of columns, a rule below each, and the titles of columns."""
    over, rules, titles = [""], [], [latex_text(table.naming)]
    end = 1
    for title, columns in table.columns:
        start, end = end + 1, end + sum(column.n_parts for column in columns)
        over.append(rf"\multicolumn{{{end - start + 1}}}{{c}}{{{latex_text(title)}}}")
        rules.append(rf"\cmidrule(lr){{{start}-{end}}}")
        titles += [rf"\multicolumn{{{each.n_parts}}}{{c}}{{{latex_text(each.title)}}}" for each in columns]
    yield rf"{' & '.join(over)} \\"
    yield " ".join(rules)
    yield rf"{' & '.join(titles)} \\"


def _is_broken(table: PaperTable) -> bool:
    """Whether a name has to be broken into lines."""
    return any(width_in_letters(name) > _most_letters(table) for _, rows in table.rows for name, _ in rows)


def _naming_cell(table: PaperTable, name: str) -> str:
    if not _is_broken(table):
        return latex_text(name)
    return rf"\raggedright\hspace{{0pt}}{breakable_text(name, _most_letters(table))}"


def _height(table: PaperTable, name: str) -> int:
    """How many lines a name takes at most, since it fills half of each but the last."""
    width, room = width_in_letters(name), _most_letters(table)
    return 1 if width <= room else math.ceil(width / (room // 2))


def _most_letters(table: PaperTable) -> int:
    """How many letters the first column has room for, in the narrowest article."""
    return int(83 * table.naming_share)
