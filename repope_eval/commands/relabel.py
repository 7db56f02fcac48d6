"""`python -m repope_eval relabel`: correct labels by the two-annotator rule."""

import filecmp
import hashlib
import logging
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

from repope_eval.benchmarks.images import locate_images
from repope_eval.benchmarks.pope_file import DISPUTED, Row, row_fields
from repope_eval.errors import RepopeError
from repope_eval.records import Question
from repope_eval.relabelling.annotator_kappa import kappa_of
from repope_eval.relabelling.findings import Finding, QueueRate, is_begun, queue_rates
from repope_eval.relabelling.label_changes import LabelChange, label_changes, print_label_changes
from repope_eval.relabelling.page import relabelling_card, render_relabelling_page
from repope_eval.relabelling.queue import QuestionFile, read_question_file
from repope_eval.relabelling.rule import (
    Outcome,
    agreement_of,
    label_by_question,
    read_annotators,
    refuse_one_file_of_two_people,
    settle,
)
from repope_eval.relabelling.view import (
    RelabellingView,
    agreement_sentence,
    changes_title,
    confusion_table,
    decider_sentence,
    kappa_text,
    queue_rate_table,
    scope_sentences,
    settled_sentence,
    unsettled_sentence,
)
from repope_eval.reporting.console import print_table
from repope_eval.settings.command_settings import RelabelSettings
from repope_eval.settings.config import listed
from repope_eval.system.texts import read_content
from repope_eval.system.writing import refuse_existing, write_lines, write_text
from repope_eval.wording import counted, first_few

DISPUTES = "disputed.jsonl"
"""The name, or the end of the name, of the file of questions that a decider has to label."""
LABELS, CARD, PAGE = "labels.jsonl", "card.md", "relabelling.html"
"""The ends of the names of the files beside `out`."""

log = logging.getLogger(__name__)


class Relabelled(NamedTuple):
    """A question file that is relabelled."""

    source: Path
    target: Path
    file: QuestionFile
    rows: list[Row]
    """Its settled questions, each with its new label."""


def execute(settings: RelabelSettings, command: str) -> None:
    """Relabels the questions, writes them, and prints what changed and how far the annotators agreed."""
    sources = _sources_by_target(settings)
    paths = [Path(name).expanduser() for name in (*settings.annotators, settings.decider) if name]
    refuse_one_file_of_two_people(paths)
    inputs = [*sources.values(), *paths]
    for target in (*sources, _path_beside(settings, LABELS), _path_beside(settings, CARD)):
        refuse_existing(target, settings.out, inputs)
    files = {target: read_question_file(source) for target, source in sources.items()}
    asked = tuple({row.question: row for file in files.values() for row in file.rows}.values())
    people = read_annotators(paths)
    if filecmp.cmp(paths[0], paths[1], shallow=False):
        log.warning("%s and %s hold the same, letter by letter: are they of two people?", *paths[:2])
    outcomes = settle(asked, *(person.annotations for person in people), partial=settings.partial)
    kappa, of_queue = kappa_of(outcomes), any(file.queue is not None for file in files.values())
    log.info("Cohen's kappa of the two annotators: %s", kappa_text(kappa, of_queue=of_queue))
    _require_settled(settings, outcomes)
    labels = label_by_question(outcomes)
    relabelled = [
        Relabelled(
            source=sources[target],
            target=target,
            file=file,
            rows=[replace(row, label=labels[row.question]) for row in file.rows if row.question in labels],
        )
        for target, file in files.items()
    ]
    view = RelabellingView(
        title=", ".join(source.name for source in sources.values()),
        outcomes=outcomes,
        variants=_variants_by_question(relabelled),
        changes=[change for each in relabelled for change in _label_changes_of(each, outcomes)],
        n_unsampled=sum(file.n_unsampled for file in files.values()),
        annotators=people,
        agreement=agreement_of(outcomes),
        images=_images_there(settings, asked),
        kappa=kappa,
        queue_rates=_queue_rates(list(files.values()), outcomes),
    )
    _write_files(settings, relabelled, view, inputs, command)
    _show_changes(settings, relabelled, view)


def _sources_by_target(settings: RelabelSettings) -> dict[Path, Path]:
    """The question files, by the file that each one is relabelled into."""
    out = Path(settings.out).expanduser()
    if isinstance(settings.questions, str):
        return {out: Path(settings.questions).expanduser()}
    sources: dict[Path, Path] = {}
    for name in settings.questions:
        source = Path(name).expanduser()
        is_json = source.suffix in (".json", ".jsonl")
        target = out / (source.name if is_json else f"{source.stem}.jsonl")
        if target in sources:
            raise RepopeError(
                f"questions: {sources[target]} and {source} would both be written to {target}; give them other names"
            )
        sources[target] = source
    return sources


def _path_beside(settings: RelabelSettings, end: str) -> Path:
    """The path of a file about the relabelling, beside what is relabelled: a folder has the variants alone."""
    out = Path(settings.out).expanduser()
    is_file = isinstance(settings.questions, str)
    return out.with_name(f"{out.stem}_{end}") if is_file else beside_folder(out, end)


def beside_folder(folder: Path, end: str) -> Path:
    """The path of a file about what is relabelled into a folder."""
    # A folder such as `.` has its name only in its absolute path.
    named = folder.resolve() if folder.name in ("", "..") else folder
    return named.parent / f"{named.name}_{end}"


def _require_settled(settings: RelabelSettings, outcomes: Sequence[Outcome]) -> None:
    """Stops if nothing is settled, or not all that has to be.

    Questions in dispute without a decider are written to a file for one to label.
    """
    undecided = [outcome for outcome in outcomes if outcome.label is None and outcome.is_disputed]
    if undecided and not settings.partial:
        _refuse_disputes(settings, undecided, len(outcomes))
    if not any(outcome.label for outcome in outcomes):
        raise RepopeError(
            f"none of {counted(len(outcomes), 'question')} is settled, so nothing is written: both annotators have "
            "to label a question, and a decider (decider=FILE) one with yes against no"
        )


def _refuse_disputes(settings: RelabelSettings, disputed: Sequence[Outcome], n_questions: int) -> NoReturn:
    is_one = isinstance(settings.questions, str)
    path = _path_beside(settings, DISPUTES) if is_one else Path(settings.out).expanduser() / DISPUTES
    disagree = f"the annotators disagree on {len(disputed)} of {counted(n_questions, 'question')}"
    if os.path.lexists(path):  # with labels that someone filled in, perhaps
        raise RepopeError(
            f"{disagree}: {path} is there already; fill in its labels and give decider={path}, or remove it to have "
            "it written anew"
        )
    write_lines(
        path,
        [
            {**row_fields(outcome.row), "label": None, "first": outcome.first, "second": outcome.second}
            for outcome in disputed
        ],
    )
    raise RepopeError(
        f"{disagree}, which are in {path}: fill in each label (yes, no or ambiguous) and give decider={path}"
    )


def _variants_by_question(relabelled: Sequence[Relabelled]) -> dict[Question, list[str]]:
    """The names of the question files, without their ends, that each question stands in."""
    variants: dict[Question, list[str]] = {}
    for each in relabelled:
        for row in each.file.rows:
            variants.setdefault(row.question, []).append(each.source.stem)
    return variants


def _label_changes_of(
    relabelled: Relabelled, outcomes: Sequence[Outcome]
) -> Iterator[tuple[str, LabelChange, int | None]]:
    """What changed of a file's settled questions, and how many have a label afterwards."""
    settled = {outcome.row.question for outcome in outcomes if outcome.label is not None}
    before = _labels_of_rows(row for row in relabelled.file.rows if row.question in settled)
    after = [row.label for row in relabelled.rows]
    for change in label_changes(before, _labels_of_rows(relabelled.rows)):
        yield relabelled.source.stem, change, after.count(change.label)


def _labels_of_rows(rows: Iterable[Row]) -> dict[Question, bool]:
    return {row.question: row.label == "yes" for row in rows}


def _queue_rates(files: Sequence[QuestionFile], outcomes: Sequence[Outcome]) -> tuple[QueueRate, ...]:
    """How many labels are wrong in each part of a queue; empty for several files, or where a part is not begun."""
    queue = files[0].queue
    if len(files) > 1 or queue is None:
        return ()
    findings: dict[Question, Finding] = {
        outcome.row.question: outcome.label or "disputed"
        for outcome in outcomes
        if outcome.label is not None or outcome.is_disputed
    }
    if is_begun(queue, findings):
        return queue_rates(queue, findings)
    log.warning(
        "how many labels of the queue are wrong is not estimated: of a part of it, nothing is labelled"
    )
    return ()


def _images_there(settings: RelabelSettings, asked: Sequence[Row]) -> Mapping[str, Path]:
    """The images that are there; those that are not are told, and the page has no picture of them."""
    if settings.images is None:
        return {}
    folder = Path(settings.images).expanduser()
    if not folder.is_dir():
        raise RepopeError(f"images={settings.images}: is no folder; give the one that the images are in")
    images, missing = locate_images([row.question.image for row in asked], [folder])
    if missing:
        log.warning(
            "%s of %d not in %s, so the page has no picture of them: %s",
            *(counted(len(missing), "image"), len(images) + len(missing), folder, first_few(missing)),
        )
    return images


def _write_files(
    settings: RelabelSettings,
    relabelled: Sequence[Relabelled],
    view: RelabellingView,
    inputs: Sequence[Path],
    command: str,
) -> None:
    """Writes all files or none, since some of them would be in the way when the command is typed again."""
    labels, card = _path_beside(settings, LABELS), _path_beside(settings, CARD)
    written: list[Path] = []
    try:
        for each in relabelled:
            written.append(each.target)
            each.file.write(each.target, each.rows)
        written.append(labels)
        write_lines(labels, _label_lines(view.outcomes))
        card_text = relabelling_card(view, _hashes_by_name([*inputs, *written]))
        written.append(card)
        write_text(card, card_text)
        write_text(_path_beside(settings, PAGE), render_relabelling_page(view, command))
    except BaseException:
        for target in written:
            target.unlink(missing_ok=True)
        raise


def _label_lines(outcomes: Sequence[Outcome]) -> list[dict[str, Any]]:
    """Each settled question with its label, and each in dispute without; none of them counts as not looked at."""
    lines: list[dict[str, Any]] = []
    for outcome in outcomes:
        question = outcome.row.question
        line = {"image": question.image, "question": question.text, "label": outcome.label}
        if outcome.label is not None:
            lines.append(line)
        elif outcome.is_disputed:
            lines.append({**line, DISPUTED: True})
    return lines


def _hashes_by_name(paths: Sequence[Path]) -> dict[str, str]:
    """SHA-256 of each file by its name, or by its path where names are the same."""
    names = Counter(path.name for path in paths)
    return {
        path.name if names[path.name] == 1 else str(path): hashlib.sha256(read_content(path)).hexdigest()
        for path in paths
    }


def _show_changes(settings: RelabelSettings, relabelled: Sequence[Relabelled], view: RelabellingView) -> None:
    """Prints what the annotators said and what changed, and logs where the files are."""
    print_table(confusion_table(view.agreement), padded=True)
    for sentence in (
        settled_sentence(view.outcomes),
        unsettled_sentence(view.outcomes),
        *scope_sentences(view),
        agreement_sentence(view.agreement),
        decider_sentence(view.agreement, view.names),
    ):
        if sentence is not None:
            log.info("%s", sentence)
    title = f"What relabelling {', '.join(listed(settings.questions))} changed"
    print_label_changes(title if not view.queue_rates else changes_title(view), view.changes)
    if view.queue_rates:
        print_table(queue_rate_table(view.queue_rates), padded=True)
    for each in relabelled:
        log.info("%s has %d of %s", each.target, len(each.rows), counted(len(each.file.rows), "question"))
    log.info(
        "labels, also ambiguous ones and, with label null, those in dispute: %s",
        _path_beside(settings, LABELS),
    )
    log.info("data card, with a licence to fill in: %s", _path_beside(settings, CARD))
    log.info("page: %s", _path_beside(settings, PAGE))
