"""`python -m repope_eval estimate`: the scores of runs under corrected labels, from the part that people looked at."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from repope_eval.benchmarks.audit_queue import Queued, read_queue
from repope_eval.benchmarks.pope_file import read_annotations
from repope_eval.errors import RepopeError
from repope_eval.files.rows import read_row_file
from repope_eval.files.writing import make_folder, write_json
from repope_eval.leaderboard.run_selection import names_of, runs_of
from repope_eval.records import Label, Question, Variant
from repope_eval.reporting.console import print_table
from repope_eval.reporting.tables import Field, number_field, table, text_field
from repope_eval.scoring.estimation import FIGURES, FigureEstimate, Looked, estimate
from repope_eval.scoring.protocols import PROTOCOLS
from repope_eval.settings.audit_commands import EstimateSettings
from repope_eval.wording import counted, shown

DOCUMENT = "estimates.json"

MORE = 200
"""Further labels whose effect is told."""

log = logging.getLogger(__name__)

Estimates = Mapping[Variant, Mapping[str, FigureEstimate]]


@dataclass(frozen=True, slots=True)
class _Estimated:
    """A run's figure in a variant, by the old labels and under true ones."""

    run: str
    variant: Variant
    figure: str
    old: float | None
    true: FigureEstimate


def execute(settings: EstimateSettings, command: str) -> None:
    """Writes the estimates and prints them."""
    out = Path(settings.out).expanduser()
    make_folder(out, "out", out)
    selection = runs_of(settings.runs, settings.bench, settings.data_dir)
    benchmark = selection.benchmark
    assert benchmark is not None, "runs were selected without their benchmark"
    queue = read_queue(Path(settings.queue).expanduser())
    original = benchmark.label_sets[0]
    _require_of(benchmark.name, queue, original.distinct, settings.queue)
    looked, probabilities = looked_at(queue, read_findings(Path(settings.labels).expanduser(), queue))
    names = names_of(selection.runs)
    protocol = PROTOCOLS[settings.protocol]
    found: dict[str, Estimates] = {}
    rows: list[_Estimated] = []
    for run in selection.runs:
        name = names[run.folder]
        found[name] = estimate(original.variants, looked, probabilities, run.answers, protocol, MORE)
        old = estimate(original.variants, {}, {}, run.answers, protocol)  # as if nobody had looked
        rows += [
            _Estimated(name, variant, figure, old[variant][figure].value, each)
            for variant, of_variant in found[name].items()
            for figure, each in of_variant.items()
        ]
    write_json(out / DOCUMENT, _document(benchmark.name, settings.protocol, found))
    _print(rows, len(looked), len(queue))
    log.info("estimates are in %s", out / DOCUMENT)


def _require_of(
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


def read_findings(path: Path, queue: Mapping[Question, Queued]) -> dict[Question, Label]:
    """What people found about questions of a queue: the last label of each.

    A file in POPE's format has no ambiguous questions, since `relabel` leaves them out: what was to be looked at and is
    not in it counts as ambiguous.

    Raises:
        RepopeError: the file cannot be read, or is about other questions.
    """
    found = {annotation.question: annotation.label for annotation in read_annotations(path)}
    strange = sum(question not in queue for question in found)
    if strange:
        raise RepopeError(
            f"labels={path}: {strange:,} of {counted(len(found), 'label', ',')} are of questions that are not in the "
            "queue; give the labels that people gave to this queue"
        )
    rows = read_row_file(path).rows
    if rows and all("question_id" in fields for fields in rows):
        left = [question for question, each in queue.items() if each.sampled and question not in found]
        if left:
            log.info(
                "%s has POPE's format, without %s of those to be looked at, which count as ambiguous; where some were "
                "not looked at, give the labels.jsonl that relabel writes beside it",
                path,
                f"{len(left):,}",
            )
        found |= dict.fromkeys(left, "ambiguous")
    return found


def looked_at(
    queue: Mapping[Question, Queued], findings: Mapping[Question, Label]
) -> tuple[dict[Question, Looked], dict[Question, float]]:
    """What was found, and each question's probability of being found out about.

    Where people have not got to all yet, what they got to is as good as drawn, since the order is random: the
    probabilities shrink by the share of those that were labelled, of the most doubtful questions and of the drawn ones
    by themselves.

    Raises:
        RepopeError: nothing is known of one of the two.
    """
    shares = {}
    for is_certain, what in ((True, "most doubtful"), (False, "drawn")):
        part = [q for q, each in queue.items() if (each.p_sampled == 1) == is_certain]
        chosen = [question for question in part if queue[question].sampled]
        labelled = [question for question in chosen if question in findings]
        if part and not labelled:
            raise RepopeError(
                f"none of the {len(chosen):,} {what} questions of the queue is labelled, and without them nothing is "
                "known of the others like them; label some, or make a queue with sample= above 0"
            )
        shares[is_certain] = len(labelled) / len(chosen) if chosen else 1.0
    probabilities = {
        question: each.p_sampled * shares[each.p_sampled == 1] for question, each in queue.items()
    }
    words: Mapping[Label, bool | None] = {"yes": True, "no": False, "ambiguous": None}
    looked = {
        question: Looked(words[findings[question]], probabilities[question])
        for question, each in queue.items()
        if each.sampled and question in findings
    }
    return looked, probabilities


def _document(bench: str, protocol: str, found: Mapping[str, Estimates]) -> dict[str, object]:
    return {
        "bench": bench,
        "protocol": protocol,
        "runs": {
            run: {
                variant: {
                    figure: {"estimate": each.value, "ci95": None if each.ci95 is None else list(each.ci95)}
                    for figure, each in of_variant.items()
                }
                for variant, of_variant in of_run.items()
            }
            for run, of_run in found.items()
        },
    }


def _print(rows: Sequence[_Estimated], n_looked: int, n_all: int) -> None:
    """Prints each run's figures by the old labels and under true ones, and what more labels would do."""
    shown_variant = rows[-1].variant
    fields: list[Field[_Estimated]] = [
        text_field("run", lambda row: row.run),
        text_field("figure", lambda row: row.figure),
        number_field("by the old labels", lambda row: _ratio(row.old)),
        number_field("under true labels", lambda row: _ratio(row.true.value)),
        number_field(
            "95 %", lambda row: "" if row.true.ci95 is None else " to ".join(map(_ratio, row.true.ci95))
        ),
    ]
    last = [row for row in rows if row.variant == shown_variant]
    title = f"Estimates ({shown_variant}) from {n_looked:,} of {n_all:,} questions"
    print_table(table(title, fields, last, starts_group=lambda row: row.figure == FIGURES[0]), padded=True)
    f1 = next((row.true for row in last if row.figure == "f1" and row.true.ci95 and row.true.more), None)
    if f1 is not None and f1.ci95 is not None and f1.more is not None:
        log.info(
            "the interval of F1 is %.4f wide; %d further drawn labels would narrow it to about %.4f",
            f1.ci95[1] - f1.ci95[0],
            MORE,
            f1.more,
        )


def _ratio(value: float | None) -> str:
    return "–" if value is None else f"{value:.4f}"
