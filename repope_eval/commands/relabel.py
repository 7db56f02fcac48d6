"""`python -m repope_eval relabel`: correct labels by the two-annotator rule."""

import logging
from pathlib import Path

from repope_eval.benchmarks.pope_file import ANNOTATOR_LABELS, Row, read_rows, write_rows
from repope_eval.benchmarks.relabelling import cohens_kappa, label_changes, relabel
from repope_eval.config import RelabelSettings
from repope_eval.records import Question
from repope_eval.reporting.console import print_label_changes
from repope_eval.wording import counted

SETTINGS = RelabelSettings

log = logging.getLogger(__name__)


def execute(settings: RelabelSettings, command: str) -> None:
    """Reads, relabels, writes, and prints what changed and how far the annotators agreed."""
    questions = read_rows(Path(settings.questions).expanduser())
    first, second = (_annotations(name) for name in settings.annotators)
    kappa = cohens_kappa(first, second)
    log.info("Cohen's kappa of the two annotators: %s", "undefined" if kappa is None else f"{kappa:.4f}")
    decider = _annotations(settings.decider) if settings.decider else None
    relabelled = relabel(questions, first, second, decider)
    write_rows(Path(settings.out).expanduser(), relabelled)
    changes = label_changes(_labels(questions), _labels(relabelled))
    after = [row.label for row in relabelled]
    rows = [("", change, after.count(change.label)) for change in changes]
    print_label_changes(f"What relabelling {settings.questions} changed", rows)
    log.info("%s has %d of %s", settings.out, len(relabelled), counted(len(questions), "question"))


def _annotations(name: str) -> tuple[Row, ...]:
    return read_rows(Path(name).expanduser(), ANNOTATOR_LABELS)


def _labels(rows: tuple[Row, ...]) -> dict[Question, bool]:
    return {row.question: row.label == "yes" for row in rows}
