"""`python -m repope_eval estimate`: the scores of runs under corrected labels, from the part that people looked at."""

import logging
from collections.abc import Mapping
from pathlib import Path

from repope_eval.benchmarks.pope_file import annotations_of, disputed_of, is_by_people, is_queue
from repope_eval.commands.relabel import LABELS, beside_folder
from repope_eval.errors import RepopeError
from repope_eval.records import Question
from repope_eval.relabelling.estimates_view import (
    LABELS_FILE,
    EstimatedRun,
    EstimatesView,
    estimates_document,
)
from repope_eval.relabelling.estimation import estimate_runs
from repope_eval.relabelling.findings import Finding
from repope_eval.relabelling.narrowing import Widest, target_text
from repope_eval.relabelling.queue import Queued
from repope_eval.relabelling.queued_runs import QueuedRuns, read_queued_runs
from repope_eval.relabelling.sampled_labels import FigureEstimate
from repope_eval.reporting.console import print_table
from repope_eval.reporting.figure_texts import change_text, percent_text
from repope_eval.reporting.tables import Field, number_field, table, text_field
from repope_eval.scoring.estimates import Estimate
from repope_eval.settings.command_settings import EstimateSettings
from repope_eval.system.hub import network_off
from repope_eval.system.rows import read_row_file
from repope_eval.system.writing import make_folder, write_json, write_text
from repope_eval.wording import counted

DOCUMENT, PAGE = "estimates.json", "estimates.html"

MORE = 200
"""Further labels whose effect is told."""

log = logging.getLogger(__name__)


@network_off()
def execute(settings: EstimateSettings, command: str) -> None:
    """Writes the estimates and prints them."""
    out = Path(settings.out).expanduser()
    make_folder(out, "out", out)
    view = _view(read_queued_runs(settings), settings.labels)
    # Imported here: it draws, and what is wrong with the words or files is told before.
    from repope_eval.relabelling.estimates_page import render_estimates_page

    write_json(out / DOCUMENT, estimates_document(view))
    write_text(out / PAGE, render_estimates_page(view, command))
    print_estimates(view, settings.width)
    log.info("estimates are in %s, and on the page %s", out / DOCUMENT, out / PAGE)


def _view(runs: QueuedRuns, labels: str) -> EstimatesView:
    """What the runs come to by what people found."""
    findings = read_findings(Path(labels).expanduser(), runs.queue)
    sample = runs.sample(findings)
    estimates = estimate_runs(runs.tallies, sample, runs.figures)
    order = list(runs.queue)
    looked = [order[place] for place in sample.looked]
    found = list(findings.values())
    return EstimatesView(
        bench=runs.bench,
        protocol=runs.protocol,
        rows=[
            EstimatedRun(
                run=name,
                variant=variant,
                n_questions=len(asked),
                n_looked=sum(question in asked for question in looked),
                old=old[variant],
                true=figures,
            )
            for name, variants in estimates.figures.items()
            for old in [runs.old(name)]
            for variant, figures in variants.items()
            for asked in [runs.asked(name)[variant]]
        ],
        differences=estimates.differences,
        old_weight=estimates.old_weight,
        lower_is_better=runs.protocol is None,
        titles=runs.titles,
        n_questions=len(runs.queue),
        n_looked=len(looked),
        n_more=MORE,
        n_disputed=found.count("disputed"),
        n_missing=found.count("missing"),
    )


def read_findings(path: Path, queue: Mapping[Question, Queued]) -> dict[Question, Finding]:
    """What people found about questions of a queue: the last label of each, or that nobody decided.

    A file in POPE's format and a queue have neither ambiguous nor disputed questions, since `relabel` leaves both out:
    what was to be looked at and is not in it may be either, and is missing.
    """
    if path.is_dir():
        raise RepopeError(f"labels={path}: is a folder; give {_labels_beside(path) or LABELS_FILE}")
    file = read_row_file(path)
    labels = {annotation.question: annotation.label for annotation in annotations_of(file)}
    findings: dict[Question, Finding] = {**dict.fromkeys(disputed_of(file), "disputed"), **labels}
    strange = sum(question not in queue for question in findings)
    if strange:
        raise RepopeError(
            f"labels={path}: {strange:,} of {counted(len(findings), 'label', ',')} are of questions that are not in "
            "the queue; give the labels that people gave to this queue"
        )
    if is_queue(file) and not is_by_people(file):
        _refuse_old_labels(path, findings, queue)
    if is_queue(file) or all("question_id" in fields for fields in file.rows):
        findings = {
            **dict.fromkeys((question for question, each in queue.items() if each.sampled), "missing"),
            **findings,
        }
    return findings


def _labels_beside(folder: Path) -> str | None:
    """The labels that `relabel` wrote beside a folder, or in it, as they are given; None where there are none."""
    beside = beside_folder(folder, LABELS)
    files = [path for path in (beside, *sorted(folder.glob(f"*{LABELS}"))) if path.is_file()]
    return f"labels={files[0]}" if files else None


def _refuse_old_labels(
    path: Path, findings: Mapping[Question, Finding], queue: Mapping[Question, Queued]
) -> None:
    """Refuses a queue whose labels are all as they were, so that no sign is that people looked at them."""
    if all(label == ("yes" if queue[question].label else "no") for question, label in findings.items()):
        raise RepopeError(
            f"labels={path}: has the queue's own labels, and nothing says that people looked at them; label the "
            f"queue with annotate, and give a person's file, or {LABELS_FILE}"
        )


def print_estimates(view: EstimatesView, width: float | None = None) -> None:
    """Prints each run's figures by the old labels and under true ones, and what more labels would do."""
    fields: list[Field[tuple[EstimatedRun, str]]] = [
        text_field("run", lambda each: each[0].run),
        text_field("metric", lambda each: view.titles[each[1]]),
        number_field("old labels", lambda each: _old_text(each[0].old[each[1]])),
        number_field("true labels", lambda each: _true_text(each[0].true[each[1]])),
        number_field("change", lambda each: _change_text(each[0].change(each[1]))),
    ]
    shown_rows = [(row, figure) for row in view.headline for figure in view.titles]
    title = f"Estimates ({view.headline[0].variant}) from {view.n_looked:,} of {view.n_questions:,} questions"
    print_table(table(title, fields, shown_rows, starts_group=lambda each: each[1] == view.lead), padded=True)
    for sentence in (*view.verdicts, *view.difference_sentences, view.basis):
        log.info("%s", sentence)
    for sentence in view.open_sentences:
        log.warning("%s", sentence)
    log_widest(view, width)


def _old_text(figure: Estimate) -> str:
    return percent_text(figure.value, figure.interval)


def _true_text(figure: FigureEstimate) -> str:
    return percent_text(figure.value, figure.ci95) if figure.n_needed is None else figure.reason


def _change_text(change: Estimate) -> str:
    return change_text("f1", change.value, change.interval)


def log_widest(view: EstimatesView, width: float | None = None) -> None:
    """Logs what further labels would make of the widest interval of the leading figure.

    Args:
        view: the estimates.
        width: the width that the number of labels is told for; None: the width is told for a number of labels.
    """
    leads = {row.run: row.true[view.lead] for row in view.headline}
    widest = Widest.of(leads)
    if widest is None:
        return
    which = "the widest interval" if widest.n_runs > 1 else "the interval"
    now = f"{which} of {view.lead_title}, that of {widest.run}, is {widest.points:.1f} points wide"
    more = widest.estimate.width_with(view.n_more)
    if width is not None:
        log.info("%s%s", now, target_text(leads, width))
    elif more is not None:
        log.info("%s; %d further drawn labels would narrow it to about %.1f", now, view.n_more, 100 * more)
