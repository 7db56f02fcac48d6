"""Tables on the console."""

import sys
from collections.abc import Sequence

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from repope_eval.benchmarks.relabelling import LabelChange
from repope_eval.reporting.score_table import COLUMNS, score_rows
from repope_eval.scoring.scores import Scores

_WIDTH_OF_A_FILE = 120
"""Columns where the output is no terminal, so that a log is not cut to 80."""


def print_scores(scores: Scores) -> None:
    """Both label sets, one under the other for each variant, and what the relabelling changed."""
    table = Table(box=SIMPLE_HEAD, title=f"{scores.model} on {scores.bench}, protocol {scores.protocol}")
    table.add_column("variant")
    table.add_column("labels")
    for title in ("questions", "no answer", *COLUMNS.values()):
        table.add_column(title, justify="right", no_wrap=True)
    previous = None
    for row in score_rows(scores):
        if previous not in (None, row.variant):
            table.add_section()
        style = "cyan" if row.labels == "change" else None
        first = "" if row.variant == previous else row.variant
        table.add_row(first, row.labels, row.n_questions, row.no_answer, *row.cells, style=style)
        previous = row.variant
    _print(table)


def print_label_changes(title: str, changes: Sequence[tuple[str, LabelChange, int | None]]) -> None:
    """How many labels were flipped or removed: a row for each (variant, change, questions left with that label)."""
    table = Table(box=SIMPLE_HEAD, title=title)
    table.add_column("variant")
    table.add_column("label")
    for name in ("questions", "flipped", "ambiguous (removed)", "left with this label"):
        table.add_column(name, justify="right", no_wrap=True)
    for variant, change, left in changes:
        table.add_row(
            variant,
            change.label,
            str(change.total),
            _share(change.flipped, change.flipped_share),
            _share(change.removed, change.removed_share),
            "" if left is None else str(left),
        )
    _print(table)


def _share(number: int, share: float | None) -> str:
    return str(number) if share is None else f"{number} ({share:.2%})".replace("%", " %")


def _print(table: Table) -> None:
    console = Console(width=None if sys.stdout.isatty() else _WIDTH_OF_A_FILE)
    console.print(table)
