"""`python -m repope_eval compare`: where the gap between two results comes from, or what one says in two ways."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from repope_eval.comparison.asking_telling import compare_asking_telling
from repope_eval.comparison.asking_telling_page import (
    asking_telling_document,
    render_asking_telling,
    share_table,
)
from repope_eval.comparison.captions import (
    caption_comparison_document,
    compare_caption_runs,
    describing_letters,
    render_caption_comparison,
)
from repope_eval.comparison.captions import gap_table as caption_gap_table
from repope_eval.comparison.causes import compare_results
from repope_eval.comparison.equivalence import equivalence_verdict
from repope_eval.comparison.page import comparison_document, render_comparison_page
from repope_eval.comparison.sides import read_sides
from repope_eval.comparison.tables import gap_table
from repope_eval.comparison.thresholds import are_thresholds_known, threshold_table, threshold_verdict
from repope_eval.comparison.view import verdict
from repope_eval.errors import RepopeError
from repope_eval.reporting.console import print_sentences, print_table
from repope_eval.reporting.tables import Table
from repope_eval.settings.command_settings import CompareSettings
from repope_eval.system.hub import network_off
from repope_eval.system.writing import make_folder, write_json, write_text

PAGE = "compare.html"
DOCUMENT = "compare.json"

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Comparison:
    """What is written and printed of a comparison."""

    document: Mapping[str, Any]
    page: str
    tables: Sequence[Table]
    verdicts: Sequence[str]
    warnings: Sequence[str] = ()


@network_off()
def execute(settings: CompareSettings, command: str) -> None:
    """Compares the two results, writes page and document, and prints the table and the verdict.

    Raises:
        RepopeError: they cannot be compared, or a margin is set for what describes images.
    """
    describing = describing_letters(settings)
    if describing and settings.margin is not None:
        which = f"{describing[0]} describes" if len(describing) == 1 else "both describe"
        raise RepopeError(
            f"margin={settings.margin:g}: says how far F1 of two results may differ that answer yes or no, and {which} "
            "images; leave it out"
        )
    compare = _COMPARISONS[len(describing)]
    comparison = compare(settings, command)
    out = Path(settings.out).expanduser()
    make_folder(out, "out", out)
    write_json(out / DOCUMENT, comparison.document)
    write_text(out / PAGE, comparison.page)
    for line in comparison.warnings:
        log.warning("%s", line)
    for table in comparison.tables:
        print_table(table)
    for verdict_text in comparison.verdicts:
        print_sentences(verdict_text)
    log.info("the comparison is in %s (%s for reading, %s for programs)", out, PAGE, DOCUMENT)


def _compare_answers(settings: CompareSettings, command: str) -> _Comparison:
    view = compare_results(*read_sides(settings), settings)
    on_threshold = threshold_verdict(view)
    has_table = bool(on_threshold) and are_thresholds_known(view)
    return _Comparison(
        document=comparison_document(view),
        page=render_comparison_page(view, command),
        tables=[gap_table(view), *([threshold_table(view)] if has_table else [])],
        verdicts=[verdict(view), equivalence_verdict(view), *([on_threshold] if on_threshold else [])],
        warnings=[f"{result.letter}: {note}" for result in view.results for note in result.notes],
    )


def _compare_answers_with_captions(settings: CompareSettings, command: str) -> _Comparison:
    view = compare_asking_telling(settings)
    return _Comparison(
        document=asking_telling_document(view),
        page=render_asking_telling(view, command),
        tables=[share_table(view)],
        verdicts=[view.verdict],
        warnings=[f"{view.answering.letter}: {note}" for note in view.answering.notes],
    )


def _compare_captions(settings: CompareSettings, command: str) -> _Comparison:
    view = compare_caption_runs(settings)
    return _Comparison(
        document=caption_comparison_document(view),
        page=render_caption_comparison(view, command),
        tables=[caption_gap_table(view)],
        verdicts=[view.verdict],
    )


_COMPARISONS = (_compare_answers, _compare_answers_with_captions, _compare_captions)
"""How two results are compared, by how many of them describe images."""
