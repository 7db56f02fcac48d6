"""The scores of a run on the console."""

import textwrap
from collections.abc import Sequence

from rich.box import SIMPLE_HEAD
from rich.table import Table

from repope_eval.process.output import write
from repope_eval.reporting.console import print_table
from repope_eval.reporting.remarks import prevalence_remark
from repope_eval.reporting.run_tables import DETECTION_TITLES
from repope_eval.reporting.score_table import BALANCED_COLUMNS, COLUMNS, TableRow, interval_text, score_rows
from repope_eval.reporting.tables import ratio_text
from repope_eval.scoring.detection import Detection
from repope_eval.scoring.scores import Scores

INTERVAL_TITLE = "F1 (95 %)"
"""Of the column behind F1, which says from where to where it may be."""

_REMARKS_WIDTH = 100
"""Of a sentence's lines, in characters."""


def print_scores(scores: Scores) -> None:
    """Both label sets, one under the other for each variant, how sure F1 is, and what the relabelling changed.

    A second table has the questions and what F1 hides: one with all columns would push past a terminal's edge.
    """
    rows = list(score_rows(scores))
    title = f"{scores.model} on {scores.bench}, protocol {scores.protocol}"
    print_table(
        _score_table(
            title,
            (*COLUMNS.values(), INTERVAL_TITLE),
            [(row, (*row.cells, row.f1_interval_short)) for row in rows],
        )
    )
    # Columns that are zeros from top to bottom for most models would say nothing.
    lacking = any(row.no_answer not in ("", "0") or row.unparsed not in ("", "0") for row in rows)
    print_table(
        _score_table(
            None,
            ("questions", *(("no answer", "unparsed") if lacking else ()), *BALANCED_COLUMNS.values()),
            [
                (
                    row,
                    (
                        row.n_questions,
                        *((row.no_answer, row.unparsed) if lacking else ()),
                        *row.balanced,
                    ),
                )
                for row in rows
            ],
        )
    )
    if remark := prevalence_remark(scores):
        write(textwrap.fill(remark, _REMARKS_WIDTH) + "\n")


def _score_table(
    title: str | None, columns: Sequence[str], rows: Sequence[tuple[TableRow, tuple[str, ...]]]
) -> Table:
    """Rows with their cells; a variant's name stands once."""
    table = Table(box=SIMPLE_HEAD, collapse_padding=True, pad_edge=False, title=title)
    table.add_column("variant")
    table.add_column("labels")
    for column in columns:
        table.add_column(column, justify="right", no_wrap=True)
    previous = None
    for row, cells in rows:
        if previous not in (None, row.variant):
            table.add_section()
        style = "cyan" if row.labels == "change" else None
        table.add_row("" if row.variant == previous else row.variant, row.labels, *cells, style=style)
        previous = row.variant
    return table


def print_detection(detection: Detection) -> None:
    """DASH-B's figures of all questions: how sure they are of other images, and of other objects."""
    table = Table(box=SIMPLE_HEAD, collapse_padding=True, pad_edge=False)
    table.add_column("DASH-B")
    for title in ("", "other images, 95 %", "other objects, 95 %"):
        table.add_column(title, justify="right", no_wrap=True)
    for name, title in DETECTION_TITLES.items():
        ends = (interval_text(found.get(name)) for found in (detection.ci95, detection.ci95_objects))
        table.add_row(title, ratio_text(getattr(detection, name)), *ends)
    print_table(table)
