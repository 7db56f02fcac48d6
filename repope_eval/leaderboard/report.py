"""The whole of `report`: it reads run folders and writes a folder with a page, a document, figures and tables."""

import dataclasses
import logging
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from repope_eval.benchmarks.sources import citations_of, label_set_title
from repope_eval.cluster.sweep_plan import unfinished_runs
from repope_eval.errors import RepopeError
from repope_eval.leaderboard.entries import Entry, Leaderboard, RankAgreement
from repope_eval.leaderboard.error_tables import missed_document, missed_sentence
from repope_eval.leaderboard.latex import LATEX, leaderboard_latex
from repope_eval.leaderboard.making import make_leaderboard
from repope_eval.leaderboard.moves import certainty_rules
from repope_eval.leaderboard.page_parts import charts_on_page, figures_on_page, missed_on_page, pairs_on_page
from repope_eval.leaderboard.pair_maps import (
    DIFFERENCE_SCALE,
    OVERLAP_SCALE,
    difference_heatmaps,
    overlap_heatmap,
)
from repope_eval.leaderboard.ranking_table import has_spans, ranking_table
from repope_eval.leaderboard.run_pages import page_addresses
from repope_eval.leaderboard.sentences import (
    limited_images,
    paper_apart,
    paper_sentence,
    ranking_ways,
    sentences,
    verdict,
)
from repope_eval.leaderboard.tables import (
    TABLES,
    further_metrics_table,
    leaderboard_tables,
    standings_table,
    unranked_table,
)
from repope_eval.records import Variant
from repope_eval.reporting.console import print_table, print_text, terminal_width
from repope_eval.reporting.figure_texts import METHOD_TITLES, method_text
from repope_eval.reporting.table_exports import csv_text, latex, markdown
from repope_eval.reporting.tables import Table
from repope_eval.reporting.templates import render
from repope_eval.runs.finished_runs import read_runs
from repope_eval.runs.layout import run_title
from repope_eval.runs.run_selection import require_some, select
from repope_eval.scoring.bootstrap import FEWEST_IMAGES, MEAN, REPLICATES
from repope_eval.scoring.comparison import FEWEST_MODELS
from repope_eval.scoring.intervals import FEWEST_EVENTS
from repope_eval.scoring.score_document import f1_parts_document
from repope_eval.scoring.shared_errors import OVERLAP_REPLICATES
from repope_eval.settings import config
from repope_eval.system.folders import refuse_links
from repope_eval.system.json_files import read_json
from repope_eval.system.writing import make_folder, write_bytes, write_json, write_text
from repope_eval.wording import counted

if TYPE_CHECKING:  # drawing needs matplotlib, which takes a while to import
    from repope_eval.reporting.charts.drawing import Chart

log = logging.getLogger(__name__)


SCHEMA_VERSION = 2
"""The version of the document's form; it is raised when a reader of older documents would go wrong."""

COUNTS_ALONE = "the paper gives counts and no answers, so there is nothing to draw from"
"""The reason why the paper's models have no intervals of places, and no probability of overtaking."""


def leaderboard_document(board: Leaderboard) -> dict[str, Any]:
    """The whole document; undefined values are null."""
    return {
        "schema": SCHEMA_VERSION,
        "bench": board.bench,
        "protocol": board.protocol,
        "ranked_by": {"figure": "f1", "labels": board.label_sets[-1], "variant": board.headline},
        "primary": {"labels": board.primary[0], "variant": board.primary[1]},
        "coverage": board.coverage,
        "n_images": board.n_images,
        "n_benchmark_images": board.n_benchmark_images,
        "n_questions": board.n_questions,
        "n_benchmark_questions": board.n_benchmark_questions,
        "models": [_entry(entry) | {"ranks": _ranks(board, entry)} for entry in board.entries],
        "unranked": [
            _entry(each.entry) | {"reason": each.reason, "ranked_with_coverage": each.coverage}
            for each in board.unranked
        ],
        "left_out": [{"place": run.folder, "reason": run.reason} for run in board.left_out],
        "agreements": [_agreement(each) for each in board.agreements],
        "differences": _differences(board),
        "error_overlap": _overlaps(board),
        "missed_questions": missed_document(board.missed),
        "settings_that_differ": [dataclasses.asdict(each) for each in board.differences],
    }


def _entry(entry: Entry) -> dict[str, Any]:
    return {
        "name": entry.name,
        "model": entry.model,
        "source": "paper" if entry.is_paper else "run",
        "run_folder": entry.folder,
        "n_images": entry.n_images,
        "n_questions": entry.n_questions,
        "n_answered": entry.n_answered,
        "ci95": "binomial approximation" if entry.is_paper else method_text(METHOD_TITLES),
        "scores": {
            name: {variant: _cell(entry, name, variant) for variant in by_variant}
            for name, by_variant in entry.cells.items()
        },
        "f1_parts": {variant: f1_parts_document(change) for variant, change in entry.changes.items()},
    }


def _cell(entry: Entry, name: str, variant: Variant) -> dict[str, Any]:
    cell = entry.cells[name][variant]
    return dataclasses.asdict(cell.figures) | {
        "ci95": {figure: estimate.interval for figure, estimate in cell.estimates.items()},
        "coverage": None if entry.is_paper else dataclasses.asdict(entry.coverage[name][variant]),
    }


def _ranks(board: Leaderboard, entry: Entry) -> dict[str, Any]:
    """The place of a model among all, with its intervals among the runs: for this model alone, and for all at once."""
    ranks: dict[str, dict[Variant, dict[str, Any]]] = {}
    for name in board.label_sets:
        ranks[name] = {}
        for variant in board.variants:
            standing = board.standing(name, variant, entry.name)
            is_apart = entry.is_paper and board.paper_is_apart
            ranks[name][variant] = {
                "rank": board.places[name][variant][entry.name],
                "ci95_among_runs": standing.interval if standing else None,
                "joint_ci95_among_runs": standing.joint_interval if standing else None,
                "reason": standing.reason if standing else paper_apart(board) if is_apart else COUNTS_ALONE,
            }
    return ranks


def _agreement(each: RankAgreement) -> dict[str, Any]:
    agreement = each.agreement
    taus = {
        figure: {"kendall_tau": tau.value, "ci95": tau.interval, "reason": tau.reason}
        for figure, tau in agreement.taus.items()
    }
    return {
        "of": each.group,
        "variant": each.variant,
        "n_models": each.n_models,
        **taus["f1"],
        "by_figure": taus,
        "share_of_yes": agreement.share_of_yes,
        "overtakings": [dataclasses.asdict(pair) for pair in agreement.overtakings],
        "reason_without_probability": COUNTS_ALONE if each.group == "paper" else None,
    }


def _differences(board: Leaderboard) -> dict[str, Any]:
    if board.comparison is None:
        return {}
    return {
        name: {
            variant: [dataclasses.asdict(pair) | {"family": board.family(name, variant)} for pair in pairs]
            for variant, pairs in by_variant.items()
        }
        for name, by_variant in board.comparison.differences.items()
    }


def _overlaps(board: Leaderboard) -> dict[str, Any]:
    return {
        "labels": board.label_sets[-1],
        "pairs": [
            dataclasses.asdict(pair)
            | {
                "n_expected": pair.n_expected,
                "kappa": pair.kappa.value,
                "interval": pair.kappa.interval,
                "reason": pair.kappa.reason or None,
            }
            for pair in board.overlaps
        ],
    }


FIGURE_PREFIXES = ("ranking_", "counts_", "precision_recall_")
"""The names of charts begin with one of these, which says the kind of the chart."""


def leaderboard_charts(board: Leaderboard) -> "tuple[Chart, ...]":
    """The charts that have something to show, each kind beginning with the chart of the headline variant."""
    from repope_eval.leaderboard.charts import model_counts_chart, model_precision_recall_chart, slopes_chart

    if not board.entries:
        return ()
    variants = board.ordered_variants
    charts = [model_counts_chart(board, variant) for variant in variants]
    if len(board.label_sets) == 2 and len(board.entries) > 1:
        charts += [slopes_chart(board, variant) for variant in variants]
    charts += [model_precision_recall_chart(board, variant) for variant in variants if variant != MEAN]
    return tuple(charts)


def render_leaderboard(
    board: Leaderboard,
    tables: Mapping[str, Table],
    charts: "Sequence[Chart]",
    command: str,
    addresses: Mapping[str, str],
) -> str:
    """The page as HTML.

    Args:
        tables: as of `leaderboard_tables`.
        charts: as of `leaderboard_charts`.
        command: by which it was made.
        addresses: of the runs' pages, as of `page_addresses`.
    """
    ranking = ranking_table(board, addresses)
    kinds = {
        prefix: charts_on_page(board, [chart for chart in charts if chart.name.startswith(prefix)])
        for prefix in FIGURE_PREFIXES
    }
    return render(
        "leaderboard.html.j2",
        board=board,
        tables={**dict.fromkeys(TABLES), **tables},
        pairs=pairs_on_page(tables.get("differences")),
        heatmaps=difference_heatmaps(board),
        overlap=overlap_heatmap(board),
        scales={"difference": DIFFERENCE_SCALE, "overlap": OVERLAP_SCALE},
        overlap_replicates=f"{OVERLAP_REPLICATES:,}",
        missed_sentence=missed_sentence(board),
        missed=missed_on_page(tables.get("missed_questions")),
        counts=kinds["counts_"],
        rankings=kinds["ranking_"],
        precision_recall=kinds["precision_recall_"],
        ranking=ranking,
        has_spans=has_spans(ranking),
        further_metrics=figures_on_page(board, further_metrics_table(board)),
        certainty_rules=certainty_rules(board),
        addresses=addresses,
        verdict=verdict(board),
        paper_sentence=paper_sentence(board),
        sentences=sentences(board),
        label_titles=[label_set_title(name) for name in board.label_sets],
        replicates=f"{REPLICATES:,}",
        fewest_images=FEWEST_IMAGES,
        fewest_events=FEWEST_EVENTS,
        fewest_models=FEWEST_MODELS,
        citations=citations_of(board.source),
        command=command,
    )


def report(settings: config.ReportSettings, command: str) -> Leaderboard:
    """Makes the leaderboard of all runs in a folder.

    Args:
        command: how it was started; shown in the page.

    Raises:
        RepopeError: there is nothing to report, the benchmark's files are missing, or `out` cannot be written.
    """
    root = Path(settings.runs).expanduser()
    if not root.is_dir() and settings.reference == "none":
        raise RepopeError(
            f"runs={root}: no such folder; name the one that run folders lie in (a run writes runs/BENCH/MODEL)"
        )
    runs, left_out = read_runs(root, unfinished_runs)
    selection = select(runs, settings, left_out)
    if settings.reference == "none":
        require_some(selection, root)
    board = make_leaderboard(selection, settings)
    for run in board.left_out:
        log.warning("left out: %s: %s", run.folder, run.reason)
    for unranked in board.unranked:
        name = run_title(unranked.entry.model, unranked.entry.folder or "")
        log.warning("not ranked: %s: %s", name, unranked.reason)
    _write(board, root, Path(settings.out).expanduser(), command)
    return board


def _write(board: Leaderboard, root: Path, out: Path, command: str) -> None:
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
    addresses = page_addresses(board.entries, root, out)
    write_text(out / "leaderboard.html", render_leaderboard(board, tables, charts, command, addresses))
    if board.entries:
        write_text(out / LATEX, leaderboard_latex(board))
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
    document = out / "leaderboard.json"
    found = [path for path in (document, out / "leaderboard.html", out / LATEX) if path.exists()]
    if not found:
        return
    try:
        known = read_json(document)
    except RepopeError:
        known = None
    if not (isinstance(known, dict) and {"schema", "bench"} <= set(known)):
        raise RepopeError(
            f"out={out}: {found[0].name} there is of no report; choose another out=, or remove it"
        )


def _remove_older(out: Path, tables: Collection[str], charts: Collection[str]) -> None:
    """Removes files of an earlier report that this one does not write, so that all files are of one report."""
    older = [out / LATEX]
    older += [
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
