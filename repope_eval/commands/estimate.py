"""`python -m repope_eval estimate`: the scores of runs under corrected labels, from the part that people looked at."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from repope_eval.benchmarks.pope_file import annotations_of, disputed_of, is_by_people, is_queue
from repope_eval.captions.truth import CaptionTruth
from repope_eval.cluster.sweep_plan import unfinished_runs
from repope_eval.commands.relabel import LABELS, beside_folder
from repope_eval.errors import RepopeError
from repope_eval.records import Answer, Question
from repope_eval.relabelling.estimates_view import (
    LABELS_FILE,
    EstimatedRun,
    EstimatesView,
    estimates_document,
)
from repope_eval.relabelling.estimation import (
    FIGURES,
    Estimates,
    estimate_runs,
    outcome_figures,
    outcome_tallies,
)
from repope_eval.relabelling.findings import Finding, looked_at
from repope_eval.relabelling.mention_estimation import (
    CAPTION_VARIANT,
    QueuedMentions,
    chair_of,
    mention_tally,
    old_chair,
    queued_mentions,
    truth_before,
)
from repope_eval.relabelling.mention_estimation import FIGURE as CHAIR
from repope_eval.relabelling.queue import Queued, read_queue
from repope_eval.relabelling.sampled_labels import FigureEstimate, Looked, Sample
from repope_eval.reporting.console import print_table
from repope_eval.reporting.figure_texts import FIGURE_TITLES, change_text, percent_text
from repope_eval.reporting.tables import Field, number_field, table, text_field
from repope_eval.runs.caption_runs import CaptionRuns, audited_runs
from repope_eval.runs.run_selection import Selection, names_of
from repope_eval.scoring.bootstrap import MEAN
from repope_eval.scoring.caption_counts import FIGURE_TITLES as CHAIR_TITLES
from repope_eval.scoring.estimates import Estimate
from repope_eval.scoring.protocol_scores import score
from repope_eval.scoring.protocols import PROTOCOLS
from repope_eval.settings.command_settings import EstimateSettings
from repope_eval.system.hub import network_off
from repope_eval.system.rows import read_row_file
from repope_eval.system.writing import make_folder, write_json, write_text
from repope_eval.wording import counted, shown

DOCUMENT, PAGE = "estimates.json", "estimates.html"

MORE = 200
"""Further labels whose effect is told."""

log = logging.getLogger(__name__)


@network_off()
def execute(settings: EstimateSettings, command: str) -> None:
    """Writes the estimates and prints them."""
    out = Path(settings.out).expanduser()
    make_folder(out, "out", out)
    selection = audited_runs(settings, unfinished_runs)
    if isinstance(selection, CaptionRuns):
        view = _view_of_captions(selection, settings)
    else:
        view = _view_of_answers(selection, settings)
    # Imported here: it draws, and what is wrong with the words or files is told before.
    from repope_eval.relabelling.estimates_page import render_estimates_page

    write_json(out / DOCUMENT, estimates_document(view))
    write_text(out / PAGE, render_estimates_page(view, command))
    print_estimates(view)
    log.info("estimates are in %s, and on the page %s", out / DOCUMENT, out / PAGE)


@dataclass(frozen=True, slots=True)
class _Labelled:
    """A queue, and what people found about it."""

    queue: Mapping[Question, Queued]
    findings: Mapping[Question, Finding]
    looked: Mapping[Question, Looked]
    probabilities: Mapping[Question, float]

    @property
    def sample(self) -> Sample:
        """The questions in the order of the queue."""
        old = {question: each.label for question, each in self.queue.items()}
        return Sample.of(old, self.looked, self.probabilities)

    def view(
        self,
        bench: str,
        rows: Sequence[EstimatedRun],
        estimates: Estimates,
        protocol: str | None,
        titles: Mapping[str, str],
    ) -> EstimatesView:
        """The estimates that rest on it."""
        found = list(self.findings.values())
        return EstimatesView(
            bench=bench,
            protocol=protocol,
            rows=rows,
            differences=estimates.differences,
            old_weight=estimates.old_weight,
            lower_is_better=CHAIR in titles,
            titles=titles,
            n_questions=len(self.queue),
            n_looked=len(self.looked),
            n_more=MORE,
            n_disputed=found.count("disputed"),
            n_missing=found.count("missing"),
        )


def _labelled(queue: Mapping[Question, Queued], labels: str) -> _Labelled:
    findings = read_findings(Path(labels).expanduser(), queue)
    return _Labelled(queue, findings, *looked_at(queue, findings))


def _view_of_answers(selection: Selection, settings: EstimateSettings) -> EstimatesView:
    benchmark = selection.benchmark
    assert benchmark is not None, "runs were selected without their benchmark"
    queue = read_queue(Path(settings.queue).expanduser())
    original = benchmark.label_sets[0]
    _require_queue_of(benchmark.name, queue, original.distinct, settings.queue)
    labelled = _labelled(queue, settings.labels)
    protocol = PROTOCOLS[settings.protocol]
    names = names_of(selection.runs)
    answers = {names[run.folder]: run.answers for run in selection.runs}
    tallies = {
        name: outcome_tallies(original.variants, list(queue), of_run, protocol)
        for name, of_run in answers.items()
    }
    old = {
        name: score(name, "", [original], of_run, settings.protocol).cells[original.name]
        for name, of_run in answers.items()
    }
    asked = {MEAN: original.distinct, **original.variants}
    found = estimate_runs(tallies, labelled.sample, outcome_figures(protocol))
    rows = [
        EstimatedRun(
            run=name,
            variant=variant,
            n_questions=len(asked[variant]),
            n_looked=sum(question in asked[variant] for question in labelled.looked),
            old=old[name][variant].estimates,
            true=figures,
        )
        for name, variants in found.figures.items()
        for variant, figures in variants.items()
    ]
    titles = {figure: FIGURE_TITLES[figure] for figure in FIGURES}
    return labelled.view(benchmark.name, rows, found, settings.protocol, titles)


def _view_of_captions(selection: CaptionRuns, settings: EstimateSettings) -> EstimatesView:
    """CHAIRi of each run, and of each prompt of a run that has several."""
    for left in selection.left_out:
        log.warning("%s is left out: it %s", left.folder, left.reason)
    labelled = _labelled(read_queue(Path(settings.queue).expanduser()), settings.labels)
    truth = truth_before(selection.truth, labelled.queue)
    names = names_of(selection.runs)
    mentioned: dict[str, QueuedMentions] = {}
    old: dict[str, Estimate] = {}
    for run in selection.runs:
        prompts = dict.fromkeys(question.text for question in run.answers)
        for prompt in prompts:
            captions = [answer for answer in run.answers.values() if answer.question.text == prompt]
            name = names[run.folder] if len(prompts) == 1 else f"{names[run.folder]}, {prompt}"
            mentioned[name] = _mentions_of(name, captions, truth, labelled, settings.queue)
            old[name] = old_chair(captions, truth)
    order = list(labelled.queue)
    tallies = {name: {CAPTION_VARIANT: mention_tally(each, order)} for name, each in mentioned.items()}
    found = estimate_runs(tallies, labelled.sample, {CHAIR: chair_of})
    rows = [
        EstimatedRun(
            run=name,
            variant=CAPTION_VARIANT,
            n_questions=len(each.queued),
            n_looked=sum(question in each.queued for question in labelled.looked),
            old={CHAIR: old[name]},
            true=found.figures[name][CAPTION_VARIANT],
        )
        for name, each in mentioned.items()
    ]
    return labelled.view(selection.bench, rows, found, None, {CHAIR: CHAIR_TITLES[CHAIR]})


def _mentions_of(
    name: str, captions: Sequence[Answer], truth: CaptionTruth, labelled: _Labelled, queue: str
) -> QueuedMentions:
    mentioned = queued_mentions(captions, truth, labelled.queue)
    if mentioned.strange:
        first = mentioned.strange[0]
        raise RepopeError(
            f"queue={queue}: {name} mentions {counted(len(mentioned.strange), 'object', ',')} that nobody has judged "
            f"and that the queue does not ask about, first {first.object} in {first.image}; give the queue that audit "
            "wrote of these runs"
        )
    return mentioned


def _require_queue_of(
    bench: str, queue: Mapping[Question, Queued], labels: Mapping[Question, bool], name: str
) -> None:
    """Refuses a queue of another benchmark, or one that was made of other labels."""
    strange = [question for question, each in queue.items() if labels.get(question) != each.label]
    if strange or len(queue) < len(labels):
        example = f", first {shown(strange[0].text)} about {strange[0].image}" if strange else ""
        raise RepopeError(
            f"queue={name}: has {counted(len(queue), 'question', ',')}, of which {len(queue) - len(strange):,} are "
            f"among the {len(labels):,} of {bench} with their labels{example}; give the queue that audit wrote of it"
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


def print_estimates(view: EstimatesView) -> None:
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
    log_widest(view)


def _old_text(figure: Estimate) -> str:
    return percent_text(figure.value, figure.interval)


def _true_text(figure: FigureEstimate) -> str:
    return percent_text(figure.value, figure.ci95) if figure.n_needed is None else figure.reason


def _change_text(change: Estimate) -> str:
    return change_text("f1", change.value, change.interval)


def log_widest(view: EstimatesView) -> None:
    """Logs what further labels would make of the widest interval of the leading figure."""
    widths = {
        row.run: (lead.width, more)
        for row in view.headline
        if (lead := row.true[view.lead]).width is not None
        and (more := lead.width_with(view.n_more)) is not None
    }
    if widths:
        run = max(widths, key=lambda name: widths[name])
        log.info(
            "the %sinterval of %s, that of %s, is %.1f points wide; %d further drawn labels would narrow it to about "
            "%.1f",
            "widest " if len(widths) > 1 else "",
            view.lead_title,
            run,
            100 * widths[run][0],
            MORE,
            100 * widths[run][1],
        )
