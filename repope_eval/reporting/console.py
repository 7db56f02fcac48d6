"""Tables on the console."""

import io
import json
import sys
import textwrap
from collections.abc import Sequence
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from repope_eval.benchmarks.relabelling import LabelChange
from repope_eval.cluster.sweep_plan import Group
from repope_eval.doctor.findings import Finding
from repope_eval.doctor.fits import Fit
from repope_eval.output import write, write_styled
from repope_eval.reporting.model_table import MEMORY_COLUMNS, ModelRow, hours_text, memory_text
from repope_eval.reporting.remarks import prevalence_remark
from repope_eval.reporting.run_tables import DETECTION_TITLES
from repope_eval.reporting.score_table import BALANCED_COLUMNS, COLUMNS, TableRow, interval_text, score_rows
from repope_eval.reporting.state_table import STATE_COLUMNS, endings, state_row, summary
from repope_eval.reporting.tables import ratio_text
from repope_eval.scoring.detection import Detection
from repope_eval.scoring.scores import Scores
from repope_eval.sweep.run_state import RunState
from repope_eval.wording import visible

INTERVAL_TITLE = "F1 (95 %)"
"""Of the column behind F1, which says from where to where it may be."""

_AS_WIDE_AS_NEEDED = 10_000
"""Columns of a console that no table fills: what is measured there is a table's own width."""

_REMARKS_WIDTH = 100
"""Of a sentence's lines, in characters."""

_MODELS_WIDTH = 60
"""Of the column of a sweep's models, in characters."""


def print_scores(scores: Scores) -> None:
    """Both label sets, one under the other for each variant, how sure F1 is, and what the relabelling changed.

    A second table has the questions and what F1 hides: one with all columns would push past a terminal's edge.
    """
    rows = list(score_rows(scores))
    title = f"{scores.model} on {scores.bench}, protocol {scores.protocol}"
    _print(
        _score_table(
            title,
            (*COLUMNS.values(), INTERVAL_TITLE),
            [(row, (*row.cells, row.f1_interval_short)) for row in rows],
        )
    )
    # Columns that are zeros from top to bottom for most models would say nothing.
    lacking = any(row.no_answer not in ("", "0") or row.unparsed not in ("", "0") for row in rows)
    _print(
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
    _print(table)


def print_label_changes(title: str, changes: Sequence[tuple[str, LabelChange, int | None]]) -> None:
    """How many labels were flipped or removed: a row for each (variant, change, questions left with that label)."""
    table = Table(box=SIMPLE_HEAD, collapse_padding=True, title=title)
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


def print_models(rows: Sequence[ModelRow]) -> None:
    """A line for each model."""
    table = Table(
        box=SIMPLE_HEAD, collapse_padding=True, title="Models, and the memory that their weights need"
    )
    for title in ("model", "checkpoint", "family"):
        table.add_column(title)
    for title in ("parameters", *MEMORY_COLUMNS, "tokens"):
        table.add_column(title, justify="right", no_wrap=True)
    table.add_column("gated")
    for row in rows:
        table.add_row(
            row.name,
            row.checkpoint,
            row.family,
            row.parameters,
            *row.memory,
            row.max_new_tokens,
            row.gated,
        )
    _print(table)


def print_states(states: Sequence[RunState]) -> None:
    """A line for each run of a sweep, what those ended with that ended early, and how many are in which state."""
    if states:
        table = Table(box=SIMPLE_HEAD, collapse_padding=True, pad_edge=False)
        for title in STATE_COLUMNS:
            table.add_column(title, justify="right" if title in ("done", "questions/s", "left") else "left")
        for state in states:
            table.add_row(*state_row(state))
        _print(table)
    write("".join(f"{line}\n" for line in (*endings(states), summary(states))))


def clear_screen() -> None:
    """Empties a terminal; does nothing where the output is none."""
    Console().clear()


def print_groups(groups: Sequence[Group]) -> None:
    """What a sweep asks of a cluster: a line for each array."""
    table = Table(box=SIMPLE_HEAD, collapse_padding=True, title="Arrays, and what each of their tasks needs")
    for title in ("tasks", "GPUs", "cores", "memory", "time"):
        table.add_column(title, justify="right", no_wrap=True)
    table.add_column("models")
    for group in groups:
        needs = group.needs
        names = dict.fromkeys(run.model for run in group.runs)
        figures = (len(group.runs), needs.gpus, needs.cpus, needs.memory, needs.time)
        table.add_row(*map(str, figures), textwrap.fill(" ".join(names), _MODELS_WIDTH))
    _print(table)


def print_findings(lines: Sequence[Finding]) -> None:
    """A line for each thing that a machine has or lacks, with its mend where there is one."""
    table = Table(box=SIMPLE_HEAD, collapse_padding=True, title="This machine")
    for title in ("what", "here", "mend"):
        table.add_column(title)
    for line in lines:
        table.add_row(line.subject, line.state, line.mend, style="yellow" if line.mend else None)
    _print(table)


def print_fits(title: str, lines: Sequence[Fit]) -> None:
    """A line for each model: how it fits and with what command, or what it takes."""
    table = Table(box=SIMPLE_HEAD, collapse_padding=True, title=title)
    timed = any(line.hours is not None for line in lines)
    table.add_column("model")
    table.add_column("fits in")
    table.add_column("needs", justify="right", no_wrap=True)
    if timed:
        table.add_column("RePOPE takes about", justify="right", no_wrap=True)
    table.add_column("command, or what it takes")
    table.add_column("note")
    for place, line in enumerate(lines):
        if place and lines[place - 1].fits and not line.fits:
            table.add_section()
        hours = [hours_text(line.hours)] if timed else []
        style = None if line.fits else "dim"
        table.add_row(
            line.model, line.how, memory_text(line.need), *hours, line.remedy, line.note, style=style
        )
    _print(table)


def _share(number: int, share: float | None) -> str:
    return str(number) if share is None else f"{number} ({share:.2%})".replace("%", " %")


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


def _print(table: Table) -> None:
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
