"""`python -m repope_eval compare`: where the gap between two results comes from."""

import logging
from pathlib import Path

from repope_eval.comparison.captions import (
    are_captions,
    caption_comparison_document,
    compare_caption_runs,
    render_caption_comparison,
)
from repope_eval.comparison.captions import gap_table as caption_gap_table
from repope_eval.comparison.causes import compare_results
from repope_eval.comparison.page import comparison_document, render_comparison_page
from repope_eval.comparison.sides import read_sides
from repope_eval.comparison.tables import gap_table
from repope_eval.comparison.view import verdict
from repope_eval.reporting.console import print_sentences, print_table
from repope_eval.settings.command_settings import CompareSettings
from repope_eval.system.hub import network_off
from repope_eval.system.writing import make_folder, write_json, write_text

PAGE = "compare.html"
DOCUMENT = "compare.json"

log = logging.getLogger(__name__)


@network_off()
def execute(settings: CompareSettings, command: str) -> None:
    """Compares the two results, writes page and document, and prints the table and the verdict."""
    if are_captions(settings):
        _compare_captions(settings, command)
        return
    view = compare_results(*read_sides(settings), settings)
    out = Path(settings.out).expanduser()
    make_folder(out, "out", out)
    write_json(out / DOCUMENT, comparison_document(view))
    write_text(out / PAGE, render_comparison_page(view, command))
    for result in view.results:
        for note in result.notes:
            log.warning("%s: %s", result.letter, note)
    print_table(gap_table(view))
    print_sentences(verdict(view))
    log.info("the comparison is in %s (%s for reading, %s for programs)", out, PAGE, DOCUMENT)


def _compare_captions(settings: CompareSettings, command: str) -> None:
    """The same of two runs that describe images."""
    view = compare_caption_runs(settings)
    out = Path(settings.out).expanduser()
    make_folder(out, "out", out)
    write_json(out / DOCUMENT, caption_comparison_document(view))
    write_text(out / PAGE, render_caption_comparison(view, command))
    print_table(caption_gap_table(view))
    print_sentences(view.verdict)
    log.info("the comparison is in %s (%s for reading, %s for programs)", out, PAGE, DOCUMENT)
