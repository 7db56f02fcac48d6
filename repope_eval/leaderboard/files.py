"""The files of a report: written so that all of them are of one report, and never in the place of others' files."""

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from repope_eval.errors import RepopeError
from repope_eval.reporting.table_exports import csv_text, latex, markdown
from repope_eval.reporting.tables import Table
from repope_eval.system.json_files import read_json
from repope_eval.system.writing import write_bytes, write_text

if TYPE_CHECKING:  # drawing needs matplotlib, which takes a while to import
    from collections.abc import Sequence

    from repope_eval.reporting.charts.drawing import Chart

_ENDINGS = (".json", ".html", ".tex")
"""The endings of a report's own files beside its figures and tables."""


def own_files(out: Path, stem: str) -> list[Path]:
    """A report's document, page and table for a paper, which may not be there."""
    return [out / f"{stem}{ending}" for ending in _ENDINGS]


def refuse_files_of_no_report(out: Path, stem: str) -> None:
    """Refuses to replace files that no report has written.

    Raises:
        RepopeError: there is such a file.
    """
    paths = own_files(out, stem)
    found = [path for path in paths if path.exists()]
    if not found:
        return
    try:
        known = read_json(paths[0])
    except RepopeError:
        known = None
    if not (isinstance(known, dict) and {"schema", "bench"} <= set(known)):
        raise RepopeError(
            f"out={out}: {found[0].name} there is of no report; choose another out=, or remove it"
        )


def write_tables_and_charts(out: Path, tables: Mapping[str, Table], charts: "Sequence[Chart]") -> None:
    """Writes each chart as SVG and PDF, and each table as CSV, Markdown and LaTeX."""
    for chart in charts:
        for ending, content in (("svg", chart.svg), ("pdf", chart.pdf)):
            write_bytes(out / "figures" / f"{chart.name}.{ending}", content)
    for name, table in tables.items():
        write_text(out / "tables" / f"{name}.csv", csv_text(table))
        write_text(out / "tables" / f"{name}.md", markdown(table))
        write_text(out / "tables" / f"{name}.tex", latex(table, name))


def remove_older(
    out: Path,
    names: Collection[str],
    prefixes: Collection[str],
    tables: Collection[str] = (),
    charts: Collection[str] = (),
) -> None:
    """Removes tables and charts of an earlier report that this one does not write.

    Args:
        out: the folder of the report.
        names: of all tables that a report of this kind may have.
        prefixes: what the names of all its charts begin with.
        tables: the names of the tables that it writes.
        charts: those of its charts.
    """
    older = [path for name in names for path in (out / "tables").glob(f"{name}.*") if path.stem not in tables]
    older += [
        path
        for prefix in prefixes
        for path in (out / "figures").glob(f"{prefix}*")
        if path.stem not in charts
    ]
    for path in older:
        if path.suffix in (".tex", ".md", ".csv", ".svg", ".pdf"):
            path.unlink(missing_ok=True)
