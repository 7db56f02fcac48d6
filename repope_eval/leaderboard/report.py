"""The whole of `report`: it reads run folders and writes a folder with a page, figures and tables."""

import logging
from collections.abc import Collection
from pathlib import Path

from repope_eval.errors import RepopeError
from repope_eval.files.json_files import read_json
from repope_eval.files.links import refuse_links
from repope_eval.files.writing import make_folder, write_bytes, write_json, write_text
from repope_eval.leaderboard.document import leaderboard_document
from repope_eval.leaderboard.entries import Leaderboard
from repope_eval.leaderboard.finished_runs import read_runs
from repope_eval.leaderboard.making import make_leaderboard
from repope_eval.leaderboard.page import FIGURE_PREFIXES, leaderboard_charts, render_leaderboard
from repope_eval.leaderboard.run_selection import require_some, select
from repope_eval.leaderboard.sentences import limited_images, ranking_ways, sentences
from repope_eval.leaderboard.tables import (
    TABLES,
    leaderboard_tables,
    standings_table,
    unranked_table,
)
from repope_eval.reporting.console import print_table, print_text, terminal_width
from repope_eval.reporting.table_exports import csv_text, latex, markdown
from repope_eval.runs.layout import run_title
from repope_eval.settings import config
from repope_eval.wording import counted

log = logging.getLogger(__name__)


def report(settings: config.ReportSettings, command: str) -> Leaderboard:
    """Makes the leaderboard of all runs in a folder.

    Args:
        settings: of the report.
        command: how it was started; shown in the page.

    Raises:
        RepopeError: there is nothing to report, the benchmark's files are missing, or `out` cannot be written.
    """
    root = Path(settings.runs).expanduser()
    if not root.is_dir() and settings.reference == "none":
        raise RepopeError(
            f"runs={root}: no such folder; name the one that run folders lie in (a run writes runs/BENCH/MODEL)"
        )
    runs, left_out = read_runs(root)
    selection = select(runs, settings, left_out)
    if settings.reference == "none":
        require_some(selection, root)
    board = make_leaderboard(selection, settings)
    for run in board.left_out:
        log.warning("left out: %s: %s", run.folder, run.reason)
    for unranked in board.unranked:
        name = run_title(unranked.entry.model, unranked.entry.folder or "")
        log.warning("not ranked: %s: %s", name, unranked.reason)
    _write(board, Path(settings.out).expanduser(), command)
    return board


def _write(board: Leaderboard, out: Path, command: str) -> None:
    refuse_links(out, ("figures", "tables"))
    _refuse_files_of_no_report(out)
    for folder in (out, out / "figures", out / "tables"):
        make_folder(folder, "out", out)
    tables, charts = leaderboard_tables(board), leaderboard_charts(board)
    _remove_older(out, tables, {chart.name for chart in charts})
    for chart in charts:
        for ending, content in (("svg", chart.svg), ("pdf", chart.pdf)):
            write_bytes(out / "figures" / f"{chart.name}.{ending}", content)
    for name, table in tables.items():
        write_text(out / "tables" / f"{name}.csv", csv_text(table))
        write_text(out / "tables" / f"{name}.md", markdown(table))
        write_text(out / "tables" / f"{name}.tex", latex(table, name))
    write_json(out / "leaderboard.json", leaderboard_document(board))
    write_text(out / "leaderboard.html", render_leaderboard(board, tables, charts, command))
    _print(board)
    ways, images = ranking_ways(board), limited_images(board)
    n_paper = 0 if board.paper_is_apart else len(board.entries) - len(board.runs)
    log.info(
        "%s%s ranked%s%s; leaderboard.html, leaderboard.json, figures and tables are in %s",
        counted(len(board.runs), "run"),
        f" and {n_paper} models of the paper" if n_paper else "",
        f" by {images}" if images else "",
        f" (the same command {ways})" if ways else "",
        out,
    )


def _print(board: Leaderboard) -> None:
    """Prints the standings and the sentences: on a terminal as wide as that is, elsewhere in Markdown."""
    shown = [standings_table(board)] if board.entries else []
    shown += [unranked_table(board, reasons=False)] if board.unranked else []  # the log has the reasons
    images = limited_images(board)
    texts = [*([f"These figures are about {images} only."] if images else []), *sentences(board)]
    if terminal_width() is None:
        texts = [*(markdown(table).rstrip("\n") for table in shown), *texts]
    else:
        for table in shown:
            print_table(table)
    print_text("\n\n".join(texts))


def _refuse_files_of_no_report(out: Path) -> None:
    """Refuses to replace files that no report has written."""
    document, page = out / "leaderboard.json", out / "leaderboard.html"
    if not (document.exists() or page.exists()):
        return
    try:
        known = read_json(document)
    except RepopeError:
        known = None
    if not (isinstance(known, dict) and {"schema", "bench"} <= set(known)):
        name = document.name if document.exists() else page.name
        raise RepopeError(f"out={out}: {name} there is of no report; choose another out=, or remove it")


def _remove_older(out: Path, tables: Collection[str], charts: Collection[str]) -> None:
    """Removes files of an earlier report that this one does not write, so that all files are of one report."""
    older = [
        path for name in TABLES for path in (out / "tables").glob(f"{name}.*") if path.stem not in tables
    ]
    older += [
        path
        for prefix in FIGURE_PREFIXES
        for path in (out / "figures").glob(f"{prefix}*")
        if path.stem not in charts
    ]
    for path in older:
        if path.suffix in (".tex", ".md", ".csv", ".svg", ".pdf"):
            path.unlink(missing_ok=True)
