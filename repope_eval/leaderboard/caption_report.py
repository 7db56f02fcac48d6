"""The part of `report` that is about captions: a page, a document, figures and tables of runs that describe images."""

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from repope_eval.benchmarks.sources import SOURCES, citations_of
from repope_eval.leaderboard.caption_entries import (
    CaptionBoard,
    CaptionEntry,
    CaptionGroup,
    UnrankedCaptions,
)
from repope_eval.leaderboard.caption_latex import captions_latex
from repope_eval.leaderboard.caption_sentences import group_sentences, scope_sentence
from repope_eval.leaderboard.caption_tables import (
    alone_table,
    caption_tables,
    certain_caption_moves,
    corrected_table,
    group_words,
    standings_table,
    unranked_table,
)
from repope_eval.leaderboard.files import own_files, remove_older, write_tables_and_charts
from repope_eval.leaderboard.moves import CERTAIN
from repope_eval.leaderboard.run_pages import folder_addresses
from repope_eval.leaderboard.tables import left_out_table, settings_table
from repope_eval.reporting.console import print_table, print_text, terminal_width
from repope_eval.reporting.table_exports import markdown
from repope_eval.reporting.templates import render
from repope_eval.scoring.bootstrap import FEWEST_IMAGES, REPLICATES
from repope_eval.scoring.caption_ranking import ALIKE_WORDS, FIGURE, Basis
from repope_eval.scoring.estimates import Estimate
from repope_eval.scoring.score_document import plain
from repope_eval.system.writing import write_json, write_text
from repope_eval.wording import counted

if TYPE_CHECKING:  # drawing needs matplotlib, which takes a while to import
    from repope_eval.reporting.charts.drawing import Chart

log = logging.getLogger(__name__)

STEM = "captions"
"""The name of the page, the document and the table for a paper, without their endings."""
PAGE = f"{STEM}.html"
SCHEMA_VERSION = 1
"""The version of the document's form; it is raised when a reader of older documents would go wrong."""

_TABLES = ("captions", "captions_corrected", "captions_unranked", "captions_left_out", "captions_settings")
_PREFIX = "captions_"
"""What the names of charts begin with."""
_BASES: Mapping[Basis, tuple[str, str]] = {
    "first_words": ("whole captions", f"first {ALIKE_WORDS} words"),
    "corrected": ("{annotation}'s truth", "corrected truth"),
}
"""What the two sides of a chart are, by what the second is made of."""


def caption_document(board: CaptionBoard) -> dict[str, Any]:
    """The whole document; undefined values are null."""
    return {
        "schema": SCHEMA_VERSION,
        "kind": "captions",
        "bench": board.bench,
        "ranked_by": {"figure": FIGURE, "truth": "coco", "lowest_is_first": True},
        "coverage": board.coverage,
        "verdicts": dict(board.truth.judges),
        "groups": [_group(group) for group in board.groups],
        "alone": [_group(group) for group in board.alone],
        "unranked": [_unranked(each) for each in board.unranked],
        "left_out": [{"place": run.folder, "reason": run.reason} for run in board.left_out],
    }


def _group(group: CaptionGroup) -> dict[str, Any]:
    return {
        "prompt": group.prompt if group.knows_prompt else None,
        "max_new_tokens": group.max_new_tokens,
        "n_images": group.n_images,
        "sentences": group_sentences(group),
        "lead": plain(group.ranking.lead) if group.ranking else None,
        "models": [_entry(group, entry) for entry in group.entries],
        "settings_that_differ": plain(group.differences),
    }


def _entry(group: CaptionGroup, entry: CaptionEntry) -> dict[str, Any]:
    captions, run = entry.captions, entry.described.run
    judged, mentions = entry.judged
    standings = group.ranking.standings if group.ranking else {}
    return {
        "name": entry.name,
        "model": run.model,
        "run_folder": run.folder,
        "n_captions": len(entry.described.answers),
        "n_asked": entry.described.n_asked,
        "judged": {"mentions": mentions, "with_verdict": judged},
        "scores": {truth: plain(figures.estimates) for truth, figures in captions.figures.items()},
        "change": plain(captions.changes),
        "bounds": plain(captions.bounds),
        "first_words": {
            str(n_words): {truth: plain(figures.estimates) for truth, figures in by_truth.items()}
            for n_words, by_truth in captions.cut.items()
        },
        "ranks": {
            basis: {
                "rank": each.place,
                "ci95": each.interval,
                "joint_ci95": each.joint_interval,
                "reason": each.reason,
            }
            for basis, of_basis in standings.items()
            for each in of_basis
            if each.model == entry.name
        },
    }


def _unranked(each: UnrankedCaptions) -> dict[str, Any]:
    described = each.described
    return {
        "name": described.name,
        "run_folder": described.run.folder,
        "prompt": described.prompt,
        "n_captions": len(described.answers),
        "n_asked": described.n_asked,
        "reason": each.reason,
    }


def caption_charts(board: CaptionBoard) -> "list[Chart]":
    """What the length and the corrected truth make of each group's CHAIRi and its order."""
    return [
        chart
        for number, group in enumerate(board.groups, 1)
        for chart in _group_charts(group, number).values()
    ]


def _group_charts(group: CaptionGroup, number: int) -> "dict[Basis, Chart]":
    from repope_eval.leaderboard.charts import SLOPE_COLOURS, Slopes, draw_slopes

    charts: dict[Basis, Chart] = {}
    for basis, (whole, other) in _BASES.items():
        titles = whole.format(annotation=group.annotation), other
        figures = {entry.name: both for entry in group.entries if None not in (both := _both(entry, basis))}
        if group.ranking is None or basis not in group.ranking.standings or len(figures) < 2:
            continue
        charts[basis] = draw_slopes(
            f"{_PREFIX}{basis}_{number}",
            f"CHAIRi, {titles[0]} and {titles[1]}",
            f"CHAIRi in percent, the lowest at the top: {titles[0]} on the left, {titles[1]} on the right "
            f"({group_words(group)}). {SLOPE_COLOURS} More than chance: it comes about in {100 * CERTAIN:.0f} % of the "
            "drawn sets of images.",
            Slopes(
                figures=figures,  # type: ignore[arg-type]
                titles=titles,
                moves=certain_caption_moves(group, basis),
                lowest_is_best=True,
            ),
        )
    return charts


def _both(entry: CaptionEntry, basis: Basis) -> tuple[float | None, float | None]:
    """CHAIRi of whole captions under COCO's truth, and on the other basis."""
    captions = entry.captions
    other: Estimate
    if basis == "first_words":
        other = captions.cut[ALIKE_WORDS]["coco"].estimates[FIGURE]
    else:
        other = (
            captions.figures["corrected"].estimates[FIGURE] if "corrected" in captions.figures else Estimate()
        )
    return captions.figures["coco"].estimates[FIGURE].value, other.value


def render_captions(
    board: CaptionBoard,
    charts: "Sequence[Chart]",
    command: str,
    addresses: Mapping[str, str],
    beside: str,
) -> str:
    """The page as HTML.

    Args:
        charts: as of `caption_charts`.
        command: by which it was made.
        addresses: of the runs' pages, by the run's name.
        beside: the file name of the leaderboard of runs that answer yes or no; empty where there is none.
    """
    sections = [
        {
            "words": group_words(group),
            "n_runs": len(group.entries),
            "sentences": group_sentences(group),
            "standings": standings_table(group, addresses),
            "corrected": corrected_table(group),
            "settings": settings_table(group.differences),
            "charts": [chart for chart in charts if chart.name.endswith(f"_{number}")],
        }
        for number, group in enumerate(board.groups, 1)
    ]
    return render(
        "caption_leaderboard.html.j2",
        board=board,
        beside=beside,
        scope=scope_sentence(board),
        sections=sections,
        alone=alone_table(board, addresses),
        unranked=unranked_table(board.unranked),
        left_out=left_out_table(board.left_out),
        measures=SOURCES[board.source].measures,
        judge=board.truth.judge,
        annotation=board.truth.annotation,
        has_verdicts=bool(board.truth.verdicts),
        alike_words=ALIKE_WORDS,
        replicates=f"{REPLICATES:,}",
        fewest_images=FEWEST_IMAGES,
        certain=f"{100 * CERTAIN:.0f}",
        citations=citations_of(board.source),
        command=command,
    )


def write_captions(board: CaptionBoard, root: Path, out: Path, command: str, beside: str) -> None:
    """Writes all files of the leaderboard, and prints its tables and sentences.

    Args:
        root: the folder that was searched for runs.
        out: the folder of the page, which has folders for figures and tables.
        command: by which it was made.
        beside: as of `render_captions`.
    """
    tables, charts = caption_tables(board), caption_charts(board)
    remove_older(out, _TABLES, [_PREFIX], tables, [chart.name for chart in charts])
    write_tables_and_charts(out, tables, charts)
    every = [entry for group in (*board.groups, *board.alone) for entry in group.entries]
    addresses = folder_addresses({entry.name: entry.described.run.folder for entry in every}, root, out)
    document, page, paper = own_files(out, STEM)
    write_json(document, caption_document(board))
    write_text(page, render_captions(board, charts, command, addresses, beside))
    paper.unlink(missing_ok=True)
    if every:
        write_text(paper, captions_latex(board))
    _print(board)
    for each in board.unranked:
        log.warning("not ranked: %s: %s", each.described.name, each.reason)
    for run in board.left_out:
        log.warning("left out: %s: %s", run.folder, run.reason)
    log.info(
        "%s of captions%s ranked; %s, %s, figures and tables are in %s",
        counted(len(board.ranked), "run"),
        f", apart from those of yes and no in {beside}," if beside else "",
        page.name,
        document.name,
        out,
    )


def remove_captions(out: Path) -> None:
    """Removes what an earlier report wrote of captions."""
    remove_older(out, _TABLES, [_PREFIX])
    for path in own_files(out, STEM):
        path.unlink(missing_ok=True)


def _print(board: CaptionBoard) -> None:
    """Prints each group's order and sentences: on a terminal as wide as that is, elsewhere in Markdown."""
    print_text(scope_sentence(board))
    for group in board.groups:
        shown = standings_table(group, {})
        title = f"{counted(len(group.entries), 'run')}: {group_words(group)}"
        said = " ".join(group_sentences(group))
        if terminal_width() is None:
            print_text("\n\n".join([title, markdown(shown).rstrip("\n"), said]))
        else:
            print_text(title)
            print_table(shown)
            print_text(said)
    if board.alone:
        shown = alone_table(board, {})
        print_text(markdown(shown).rstrip("\n")) if terminal_width() is None else print_table(shown)
