"""The table of what models need of a cluster: rows with shell patterns, of which the first match counts."""

import csv
import io
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from repope_eval.errors import RepopeError
from repope_eval.files.texts import read_text
from repope_eval.wording import shown

COLUMNS = ("models", "gpus", "cpus", "memory", "time", "overrides")

_FORMS = {
    "gpus": (r"\d+", "a number of GPUs"),
    "cpus": (r"[1-9]\d*", "a number of cores"),
    "memory": (r"\d+[KMGT]?", "memory such as 64G"),
    "time": (r"\d+(:\d\d){0,2}|\d+-\d+(:\d\d){0,2}", "a time limit such as 04:00:00 or 2-00:00:00"),
}
"""The forms of the cells, as sbatch's manual describes them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Needs:
    """What a task asks of a cluster, in the form of sbatch's `--gres=gpu:`, `--cpus-per-task`, `--mem` and `--time`."""

    gpus: int
    cpus: int
    memory: str
    time: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceRow:
    """One row of the table."""

    line: int
    patterns: tuple[str, ...]
    needs: Needs
    overrides: tuple[str, ...]
    """Words for the run, such as `model.device_map=auto` for a model that one GPU does not hold."""


def read_resources(path: Path) -> tuple[ResourceRow, ...]:
    """Reads the rows of a table.

    Raises:
        RepopeError: it cannot be read, or a row is wrong; a line for each mistake.
    """
    text = read_text(path, "give resources=FILE")
    try:
        reader = csv.DictReader(io.StringIO(text, newline=""))
        columns = tuple(reader.fieldnames or ())
        rows = [(reader.line_num, row) for row in reader]
    except csv.Error as error:
        raise RepopeError(f"{path}: is no CSV ({error})") from error
    if set(columns) != set(COLUMNS):
        raise RepopeError(
            f"{path}: has columns {shown(', '.join(columns)) if columns else 'none'}; expected: {', '.join(COLUMNS)}"
        )
    mistakes = [f"{path}, line {line}: {mistake}" for line, row in rows for mistake in _mistakes(row)]
    if mistakes:
        raise RepopeError("\n".join(mistakes))
    return tuple(_row(line, row) for line, row in rows)


def row_of(model: str, rows: Sequence[ResourceRow]) -> ResourceRow | None:
    """The first row with a pattern that a model's name matches; None where there is none."""
    return next((row for row in rows if any(fnmatchcase(model, name) for name in row.patterns)), None)


def _mistakes(row: Mapping[str | None, str | None]) -> Iterator[str]:
    if None in row or None in row.values():
        yield f"has not {len(COLUMNS)} cells; overrides go into one, separated by spaces"
        return
    if not (row["models"] or "").split():
        yield "models is empty; give names or patterns such as *_78b"
    for column, (pattern, form) in _FORMS.items():
        cell = (row[column] or "").strip()
        if not re.fullmatch(pattern, cell):
            yield f"{column} is {shown(cell) if cell else 'empty'}; {form} is expected"
    try:
        shlex.split(row["overrides"] or "")
    except ValueError:
        yield "overrides: a quote is not closed"


def _row(line: int, row: Mapping[str, str]) -> ResourceRow:
    cells = {column: cell.strip() for column, cell in row.items()}
    return ResourceRow(
        line=line,
        patterns=tuple(cells["models"].split()),
        needs=Needs(
            gpus=int(cells["gpus"]), cpus=int(cells["cpus"]), memory=cells["memory"], time=cells["time"]
        ),
        overrides=tuple(shlex.split(cells["overrides"])),
    )
