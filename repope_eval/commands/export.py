"""`python -m repope_eval export`: a finished run in a form that others read.

A new form is a file in `exporting/` with a function that makes the files of an export, an entry in `FORMATS`, and its
name in `ExportFormat`.
"""

import logging
from collections.abc import Callable, Mapping
from pathlib import Path

from repope_eval.exporting import cards, eval_results, every_eval_ever, lmms_eval
from repope_eval.exporting.cards import unread_sentence, whole_clause
from repope_eval.exporting.files import Files, refuse_filled, write_files
from repope_eval.exporting.scored_run import ScoredRun, read_scored_run, recomputed
from repope_eval.settings.command_settings import ExportFormat, ExportSettings
from repope_eval.settings.named_files import named_folder
from repope_eval.system.hub import network_off
from repope_eval.wording import counted

log = logging.getLogger(__name__)


FORMATS: Mapping[ExportFormat, Callable[[ScoredRun, ExportSettings], Files]] = {
    "every_eval_ever": every_eval_ever.files,
    "eval_results": eval_results.files,
    "lmms_eval": lmms_eval.files,
    "model_card": cards.model_card,
    "evaluation_card": cards.evaluation_card,
}
"""The function that makes each form's files, by the value of `format`."""


@network_off()
def execute(settings: ExportSettings, command: str) -> None:
    """Writes the files of the export, and says what of the benchmark they are about."""
    out = Path(settings.out).expanduser()
    refuse_filled(out, settings.out)
    run = read_scored_run(named_folder("run", settings.run), settings.bench, settings.data_dir)
    run = recomputed(run)
    files = FORMATS[settings.format](run, settings)
    write_files(out, files)
    if not run.is_whole:
        part = f", limited to the first images{whole_clause(run)}" if run.is_partial else ""
        log.warning(
            "the run has answers to %d of %s%s; what is exported says so where its form can",
            run.n_answered,
            counted(run.n_questions, "distinct question"),
            part,
        )
    if run.is_unread:
        log.warning("%s", unread_sentence(run))
    for name in files:
        log.info("%s is written", out / name)
