"""`python -m repope_eval audit`: which labels of a benchmark, or mentions of captions, people should look at first."""

import logging
import shlex
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path

from repope_eval.benchmarks.sources import find_local_images, label_set_phrase
from repope_eval.cluster.sweep_plan import unfinished_runs
from repope_eval.errors import RepopeError
from repope_eval.records import Answer, LabelSet, Question, Variant
from repope_eval.relabelling.design import design, question_effects
from repope_eval.relabelling.doubted_labels import doubted_labels, voters_by_name
from repope_eval.relabelling.estimation import Tally
from repope_eval.relabelling.mention_doubt import unjudged_mentions
from repope_eval.relabelling.mention_estimation import (
    CAPTION_VARIANT,
    chair_of,
    mention_tally,
    queued_mentions,
)
from repope_eval.relabelling.mention_page import (
    MentionQueueView,
    mention_table,
    mention_verdict,
    render_mention_page,
)
from repope_eval.relabelling.queue import Queued, write_queue
from repope_eval.relabelling.queue_page import render_queue_page
from repope_eval.relabelling.queue_view import QueueView, selection_sentence, trust_table, verdict
from repope_eval.reporting.console import print_table
from repope_eval.runs.caption_runs import CaptionRuns, audited_runs
from repope_eval.runs.finished_runs import FinishedRun, data_folder_of, given_files
from repope_eval.runs.run_selection import Selection
from repope_eval.settings.command_settings import AuditSettings
from repope_eval.system.hub import network_off
from repope_eval.system.writing import refuse_existing, write_text
from repope_eval.wording import counted, first_few

QUEUE, PAGE = "queue.jsonl", "queue.html"
MOST_PRINTED = 10
"""Objects that the console shows; the page has more."""

log = logging.getLogger(__name__)


@network_off()
def execute(settings: AuditSettings, command: str) -> None:
    """Writes the queue and its page, and prints what it was made from and what comes next."""
    path = Path(settings.out).expanduser() / QUEUE
    for target in (path, path.with_name(PAGE)):
        refuse_existing(target, settings.out, [])  # people may be at work on the queue
    selection = audited_runs(settings, unfinished_runs)
    if isinstance(selection, CaptionRuns):
        _audit_captions(selection, settings, path, command)
    else:
        _audit_labels(selection, settings, path, command)


def _audit_labels(selection: Selection, settings: AuditSettings, path: Path, command: str) -> None:
    """Asks about the labels of a benchmark, by what models answered."""
    benchmark = selection.benchmark
    assert benchmark is not None, "runs were selected without their benchmark"
    label_set = benchmark.label_sets[0]  # before anybody corrected them
    doubted = doubted_labels(label_set, selection.runs, settings.protocol)
    images = _images_here(selection.runs, benchmark.questions, settings)
    view = QueueView(
        bench=benchmark.name,
        labels=label_set_phrase(label_set.name),
        protocol=settings.protocol,
        queue=_queue_of(doubted.doubts.scores, doubted.effects, label_set.distinct, settings),
        variants=_variants_by_question(label_set),
        answers=doubted.answers,
        trust=doubted.doubts.trust,
        images=images,
    )
    next_command = _annotate_command(path, images)
    _write_files(path, view.queue, render_queue_page(view, next_command, command))
    print_table(trust_table(view.trust, view.bench), padded=True)
    _say_what_follows(verdict(view), view.queue, path, next_command)


def _audit_captions(selection: CaptionRuns, settings: AuditSettings, path: Path, command: str) -> None:
    """Asks about the objects that captions mention and nobody has judged."""
    for left in selection.left_out:
        log.warning("%s is left out: it %s", left.folder, left.reason)
    writers = voters_by_name(selection.runs)
    captions = {name: run.answers.values() for name, run in writers.items()}
    mentions = unjudged_mentions(captions, selection.truth)
    if not mentions.objects:
        raise RepopeError(
            f"runs={settings.runs}: no caption mentions what has no verdict, so nothing is asked"
        )
    doubts = {each.question: each.doubt for each in mentions.objects}
    labels = {each.question: each.is_there for each in mentions.objects}
    tallies = {
        name: {CAPTION_VARIANT: _tally_of(of_run, selection, labels)} for name, of_run in captions.items()
    }
    effects = question_effects(tallies, labels, chair_of)
    images = _images_here(selection.runs, list(doubts), settings)
    view = MentionQueueView(
        bench=selection.bench,
        truth=selection.truth,
        models=list(captions),
        mentions=mentions,
        queue=_queue_of(doubts, effects, labels, settings),
        images=images,
    )
    next_command = _annotate_command(path, images)
    _write_files(path, view.queue, render_mention_page(view, next_command, command))
    print_table(mention_table(view, MOST_PRINTED), padded=True)
    _say_what_follows(mention_verdict(view), view.queue, path, next_command)


def _tally_of(captions: Iterable[Answer], selection: CaptionRuns, queue: Collection[Question]) -> Tally:
    known = [answer for answer in captions if answer.question.image in selection.truth.objects]
    return mention_tally(queued_mentions(known, selection.truth, queue), list(queue))


def _say_what_follows(verdict: str, queue: Sequence[Queued], path: Path, next_command: str) -> None:
    """Says what was found, where the files are, and by which command people label the queue."""
    log.info("%s %s", verdict, selection_sentence(queue))
    log.info("the queue is in %s, and its most doubtful questions on the page %s", path, path.with_name(PAGE))
    log.info("two people label it, each with a NAME of their own: %s", next_command)


def _queue_of(
    scores: Mapping[Question, float],
    effects: Mapping[Question, float],
    labels: Mapping[Question, bool],
    settings: AuditSettings,
) -> list[Queued]:
    """All questions, the most doubtful first, each with whether people are to look at it."""
    chances = design(scores, settings.budget, settings.sample, settings.seed, effects)
    queue = [
        Queued(
            question=question,
            label=labels[question],
            score=scores[question],
            p_sampled=chance.probability,
            sampled=chance.is_drawn,
        )
        for question, chance in chances.items()
    ]
    return sorted(queue, key=lambda each: (-each.score, each.question))


def _variants_by_question(label_set: LabelSet) -> dict[Question, list[Variant]]:
    variants: dict[Question, list[Variant]] = {}
    for variant, labels in label_set.variants.items():
        for question in labels:
            variants.setdefault(question, []).append(variant)
    return variants


def _write_files(path: Path, queue: Sequence[Queued], page: str) -> None:
    """Writes the queue and its page, or neither, since one would be in the way when the command is typed again."""
    write_queue(path, queue)
    try:
        write_text(path.with_name(PAGE), page)
    except BaseException:
        path.unlink(missing_ok=True)
        raise


def _images_here(
    runs: Sequence[FinishedRun], questions: Sequence[Question], settings: AuditSettings
) -> Mapping[str, Path]:
    """The images that are on this machine; those that are not are told, and the page has no picture of them."""
    run = given_files(min(runs, key=lambda each: len(each.withheld)), settings.bench)
    images = find_local_images(run.bench, data_folder_of(run, settings.data_dir), questions)
    missing = [name for name in dict.fromkeys(each.image for each in questions) if name not in images]
    if missing:
        log.warning(
            "%s of %d not on this machine, so the page has no picture of them: %s; bench.images=FOLDER says where "
            "they lie",
            *(counted(len(missing), "image", ","), len(images) + len(missing), first_few(missing)),
        )
    return images


def _annotate_command(queue: Path, images: Mapping[str, Path]) -> str:
    """The command by which people label the queue, with FOLDER where nobody knows the images' folder."""
    folders = Counter(str(path).removesuffix(name).rstrip("/") for name, path in images.items())
    folder = next((folder for folder, _ in folders.most_common(1)), "FOLDER")
    out = queue.with_name("NAME.jsonl")
    words = ["annotate", f"questions={queue}", f"images={folder}", "annotator=NAME", f"out={out}"]
    return shlex.join(["python", "-m", "repope_eval", *words])
