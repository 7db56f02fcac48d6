"""`python -m repope_eval audit`: which labels of a benchmark people should look at first."""

import logging
import shlex
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from repope_eval.benchmarks.sources import find_local_images
from repope_eval.cluster.sweep_plan import unfinished_runs
from repope_eval.errors import RepopeError
from repope_eval.records import Answer, Question
from repope_eval.relabelling.doubt import ModelTrust, design, label_doubts
from repope_eval.relabelling.queue import Queued, write_queue
from repope_eval.reporting.console import print_table
from repope_eval.reporting.figure_texts import percent_text
from repope_eval.reporting.tables import number_field, table, text_field
from repope_eval.runs.finished_runs import FinishedRun, data_folder_of, given_files
from repope_eval.runs.run_selection import Selection, names_of, runs_of
from repope_eval.scoring.protocols import PROTOCOLS, Protocol, remembering
from repope_eval.settings.command_settings import AuditSettings
from repope_eval.system.hub import network_off
from repope_eval.system.writing import refuse_existing
from repope_eval.wording import counted

QUEUE = "queue.jsonl"

log = logging.getLogger(__name__)


@network_off()
def execute(settings: AuditSettings, command: str) -> None:
    """Writes the queue, and prints what it was made from and what comes next."""
    path = Path(settings.out).expanduser() / QUEUE
    refuse_existing(path, settings.out, [])  # people may be at work on it
    selection = runs_of(settings, unfinished_runs)
    assert selection.benchmark is not None, "runs were selected without their benchmark"
    voters = _without_copies(selection.runs)
    names = names_of(voters)
    protocol = remembering(PROTOCOLS[settings.protocol])
    says_yes = {names[run.folder]: said for run in voters if (said := _says_yes(run, protocol))}
    for name in names.values():
        if name not in says_yes:
            log.warning("%s has no answer that reads as yes or no, so it is left out", name)
    if not says_yes:
        raise RepopeError(
            f"protocol={settings.protocol}: reads no answer of these runs as yes or no; try another, or other runs"
        )
    labels = selection.benchmark.label_sets[0].distinct  # before anybody corrected them
    doubts = label_doubts(labels, says_yes)
    chances = design(doubts.scores, settings.budget, settings.sample, settings.seed)
    queue = [
        Queued(
            question=question,
            label=labels[question],
            score=doubts.scores[question],
            p_sampled=chance.probability,
            sampled=chance.is_drawn,
        )
        for question, chance in chances.items()
    ]
    queue.sort(key=lambda each: (-each.score, each.question))
    write_queue(path, queue)
    _print_trust(doubts.trust, selection.benchmark.name)
    _log_queue(queue, path, _image_folder(selection, settings))


def _without_copies(runs: Sequence[FinishedRun]) -> list[FinishedRun]:
    """The runs that have answers of their own: a copy knows nothing that the first does not, and has no vote."""
    kept: dict[frozenset[Answer], FinishedRun] = {}
    for run in runs:
        first = kept.setdefault(frozenset(run.answers.values()), run)
        if first is not run:
            log.warning("%s has the same answers as %s, so it is left out", run.folder, first.folder)
    return list(kept.values())


def _says_yes(run: FinishedRun, protocol: Protocol) -> Mapping[Question, float]:
    """How far a run says yes to each question: its answer, drawn halfway to its probability where that is known."""
    yes_shares: dict[Question, float] = {}
    for question, answer in run.answers.items():
        reading = protocol.read(answer.response)
        if reading is None:
            continue
        yes_shares[question] = float(reading)
        if (confidence := answer.confidence) is not None:
            yes_shares[question] = (reading + confidence) / 2
    return yes_shares


def _print_trust(trust: Sequence[ModelTrust], bench: str) -> None:
    """Prints how far each model's answers tell whether a label is wrong."""
    print_table(
        table(
            f"Models that audit the labels of {bench}: error rates by their agreement alone",
            [
                text_field("model", lambda each: each.model),
                number_field("says yes to a yes", lambda each: percent_text(each.sensitivity)),
                number_field("says no to a no", lambda each: percent_text(each.specificity)),
                number_field("independence of errors", lambda each: f"{each.independence:.2f}"),
                number_field("weight", lambda each: f"{each.weight:.2f}"),
            ],
            trust,
        ),
        padded=True,
    )


def _image_folder(selection: Selection, settings: AuditSettings) -> str:
    """The folder that the runs' images lie in; a word in its place where there is none on this machine."""
    run = given_files(min(selection.runs, key=lambda each: len(each.withheld)), settings.bench)
    paths = find_local_images(run.bench, data_folder_of(run, settings.data_dir), list(run.answers))
    folders = Counter(str(path).removesuffix(name).rstrip("/") for name, path in paths.items())
    return next((folder for folder, _ in folders.most_common(1)), "FOLDER")


def _log_queue(queue: Sequence[Queued], path: Path, images: str) -> None:
    certain = sum(each.p_sampled == 1 for each in queue)
    looked_at = [each for each in queue if each.sampled]
    log.info(
        "%s: %s, of which %s to be looked at: the %d most doubtful, and %d drawn of the rest; %d have label yes",
        path,
        counted(len(queue), "question", ","),
        f"{len(looked_at):,}",
        certain,
        len(looked_at) - certain,
        sum(each.label for each in looked_at),
    )
    out = path.with_name("NAME.jsonl")
    words = ["annotate", f"questions={path}", f"images={images}", "annotator=NAME", f"out={out}"]
    log.info(
        "two people label them, each with a NAME of their own: %s",
        shlex.join(["python", "-m", "repope_eval", *words]),
    )
