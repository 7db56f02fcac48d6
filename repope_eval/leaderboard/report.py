"""The whole of `report`: it reads run folders and writes a folder with a page, a document, figures and tables."""

import dataclasses
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from repope_eval.benchmarks.sources import asks_for_captions, citations_of, label_set_title
from repope_eval.cluster.sweep_plan import unfinished_runs
from repope_eval.errors import RepopeError
from repope_eval.leaderboard.caption_entries import CaptionBoard, make_caption_board
from repope_eval.leaderboard.caption_report import PAGE as CAPTION_PAGE
from repope_eval.leaderboard.caption_report import STEM as CAPTION_STEM
from repope_eval.leaderboard.caption_report import remove_captions, write_captions
from repope_eval.leaderboard.entries import Entry, Leaderboard, RankAgreement
from repope_eval.leaderboard.error_tables import missed_document, missed_sentence
from repope_eval.leaderboard.files import (
    own_files,
    refuse_files_of_no_report,
    remove_older,
    write_tables_and_charts,
)
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
from repope_eval.reporting.table_exports import markdown
from repope_eval.reporting.tables import Table
from repope_eval.reporting.templates import render
from repope_eval.runs.caption_runs import caption_runs
from repope_eval.runs.finished_runs import FinishedRun, LeftOut, read_runs
from repope_eval.runs.layout import run_title
from repope_eval.runs.run_selection import require_some, select
from repope_eval.scoring.bootstrap import FEWEST_IMAGES, MEAN, REPLICATES
from repope_eval.scoring.comparison import FEWEST_MODELS
from repope_eval.scoring.intervals import FEWEST_EVENTS
from repope_eval.scoring.score_document import f1_parts_document
from repope_eval.scoring.shared_errors import OVERLAP_REPLICATES
from repope_eval.settings import config
from repope_eval.system.folders import refuse_links
from repope_eval.system.writing import make_folder, write_json, write_text
from repope_eval.wording import counted

if TYPE_CHECKING:  # drawing needs matplotlib, which takes a while to import
    from repope_eval.reporting.charts.drawing import Chart

log = logging.getLogger(__name__)


STEM = "leaderboard"
"""The name of the page and the document, without their endings."""
PAGE = f"{STEM}.html"
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
        "decoding": entry.decoding or None,
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


FIGURE_PREFIXES = {"ranking_": "rankings", "counts_": "counts", "precision_recall_": "precision_recall"}
"""What the names of charts begin with, and what the page calls those of that kind."""


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
    beside: str = "",
) -> str:
    """The page as HTML.

    Args:
        tables: as of `leaderboard_tables`.
        charts: as of `leaderboard_charts`.
        command: by which it was made.
        addresses: of the runs' pages, as of `page_addresses`.
        beside: the file name of the leaderboard of captions; empty where there is none.
    """
    ranking = ranking_table(board, addresses)
    return render(
        "leaderboard.html.j2",
        board=board,
        beside=beside,
        tables={**dict.fromkeys(TABLES), **tables},
        pairs=pairs_on_page(tables.get("differences")),
        heatmaps=difference_heatmaps(board),
        overlap=overlap_heatmap(board),
        scales={"difference": DIFFERENCE_SCALE, "overlap": OVERLAP_SCALE},
        overlap_replicates=f"{OVERLAP_REPLICATES:,}",
        missed_sentence=missed_sentence(board),
        missed=missed_on_page(tables.get("missed_questions")),
        **{
            kind: charts_on_page(board, [chart for chart in charts if chart.name.startswith(prefix)])
            for prefix, kind in FIGURE_PREFIXES.items()
        },
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


def report(settings: config.ReportSettings, command: str) -> Leaderboard | None:
    """Makes the leaderboard of all runs in a folder, and one of captions where runs describe images.

    Args:
        command: how it was started; shown in the page.

    Returns:
        That of runs that answer yes or no; None where all runs describe images.

    Raises:
        RepopeError: there is nothing to report, the benchmark's files are missing, or `out` cannot be written.
    """
    root = Path(settings.runs).expanduser()
    if not root.is_dir() and settings.reference == "none":
        raise RepopeError(
            f"runs={root}: no such folder; name the one that run folders lie in (a run writes runs/BENCH/MODEL)"
        )
    runs, left_out = read_runs(root, unfinished_runs)
    described, others = _parted(runs, settings.bench.name)
    has_others = bool(others) or settings.reference != "none" or not described
    captions = _caption_board(described, settings, () if has_others else left_out, must=not has_others)
    board = _board(others, left_out, settings, root) if has_others else None
    out = Path(settings.out).expanduser()
    _prepare(out)
    if board is None:
        _remove(out)
    else:
        _write(board, root, out, command, beside=CAPTION_PAGE if captions else "")
    if captions is None:
        remove_captions(out)
    else:
        write_captions(captions, root, out, command, beside=PAGE if board else "")
    return board


def _parted(runs: Sequence[FinishedRun], name: str | None) -> tuple[list[FinishedRun], list[FinishedRun]]:
    """The runs that describe images, and the others; where a benchmark is named, its kind alone has its runs."""
    described = [run for run in runs if asks_for_captions(run.bench)]
    if name is None:
        return described, [run for run in runs if not asks_for_captions(run.bench)]
    named = [run for run in described if name in (run.bench.name, run.bench.source)]
    return (named, []) if named else ([], list(runs))


def _caption_board(
    described: Sequence[FinishedRun],
    settings: config.ReportSettings,
    left_out: Sequence[LeftOut],
    *,
    must: bool,
) -> CaptionBoard | None:
    """The leaderboard of captions; None where there are none, or where they cannot be scored and need not be."""
    if not described:
        return None
    try:
        chosen = caption_runs(described, settings, "ranked")
    except RepopeError as error:
        if must:
            raise
        log.warning("%s of captions left out: %s", counted(len(described), "run"), error)
        return None
    chosen = dataclasses.replace(chosen, left_out=(*chosen.left_out, *left_out))
    return make_caption_board(chosen, settings.coverage)


def _board(
    runs: Sequence[FinishedRun], left_out: Sequence[LeftOut], settings: config.ReportSettings, root: Path
) -> Leaderboard:
    """The leaderboard of runs that answer yes or no, with what it leaves out said in the log."""
    selection = select(runs, settings, left_out)
    if settings.reference == "none":
        require_some(selection, root, ". reference=paper shows the paper's models alone")
    board = make_leaderboard(selection, settings)
    for run in board.left_out:
        log.warning("left out: %s: %s", run.folder, run.reason)
    for unranked in board.unranked:
        name = run_title(unranked.entry.model, unranked.entry.folder or "")
        log.warning("not ranked: %s: %s", name, unranked.reason)
    return board


def _prepare(out: Path) -> None:
    """Makes the folders, unless files are there that no report has written."""
    refuse_links(out, ("figures", "tables"))
    for stem in (STEM, CAPTION_STEM):
        refuse_files_of_no_report(out, stem)
    for folder in (out, out / "figures", out / "tables"):
        make_folder(folder, "out", out)


def _remove(out: Path) -> None:
    """Removes what an earlier report wrote of runs that answer yes or no."""
    remove_older(out, TABLES, FIGURE_PREFIXES)
    for path in own_files(out, STEM):
        path.unlink(missing_ok=True)


def _write(board: Leaderboard, root: Path, out: Path, command: str, beside: str) -> None:
    tables, charts = leaderboard_tables(board), leaderboard_charts(board)
    remove_older(out, TABLES, FIGURE_PREFIXES, tables, [chart.name for chart in charts])
    write_tables_and_charts(out, tables, charts)
    write_json(out / f"{STEM}.json", leaderboard_document(board))
    addresses = page_addresses(board.entries, root, out)
    write_text(out / PAGE, render_leaderboard(board, tables, charts, command, addresses, beside))
    (out / LATEX).unlink(missing_ok=True)
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
