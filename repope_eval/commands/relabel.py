"""`python -m repope_eval relabel`: correct labels by the two-annotator rule."""

import filecmp
import logging
import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import combinations
from pathlib import Path

from repope_eval.benchmarks.pope_file import Row, read_annotations, read_rows, row_fields, write_rows
from repope_eval.benchmarks.relabelling import cohens_kappa, disputes, label_changes, relabel
from repope_eval.errors import RepopeError
from repope_eval.files.writing import is_same_file, refuse_existing, write_lines
from repope_eval.records import Question
from repope_eval.reporting.label_changes import print_label_changes
from repope_eval.settings.benchmark_commands import RelabelSettings
from repope_eval.wording import counted

DISPUTED = "disputed.jsonl"
"""The name, or the end of the name, of the file of questions that a decider has to label."""

log = logging.getLogger(__name__)


def execute(settings: RelabelSettings, command: str) -> None:
    """Relabels the questions, writes them, and prints what changed and how far the annotators agreed."""
    sources = _sources(settings)
    annotators = [Path(name).expanduser() for name in settings.annotators]
    decider = Path(settings.decider).expanduser() if settings.decider else None
    people = [*annotators, *([decider] if decider else [])]
    _refuse_one_file_of_two_people(people)
    for target in sources:
        refuse_existing(target, settings.out, [*sources.values(), *people])
    questions = {target: read_rows(source) for target, source in sources.items()}
    asked = tuple({row.question: row for rows in questions.values() for row in rows}.values())
    first, second = (read_annotations(path) for path in annotators)
    if filecmp.cmp(annotators[0], annotators[1], shallow=False):
        log.warning("%s and %s hold the same, letter by letter: are they of two people?", *annotators)
    kappa = cohens_kappa(first, second)
    log.info("Cohen's kappa of the two annotators: %s", "undefined" if kappa is None else f"{kappa:.4f}")
    if decider is None:
        _require_agreement(settings, asked, first, second)
    decided = read_annotations(decider) if decider else None
    labels = {row.question: row.label for row in relabel(asked, first, second, decided)}
    relabelled = {
        target: [replace(row, label=labels[row.question]) for row in rows if row.question in labels]
        for target, rows in questions.items()
    }
    _write(relabelled)
    _show(settings, questions, relabelled)


def _write(relabelled: Mapping[Path, Sequence[Row]]) -> None:
    """Writes all files or none, since some of them would be in the way when the command is typed again."""
    written: list[Path] = []
    try:
        for target, rows in relabelled.items():
            written.append(target)
            write_rows(target, rows)
    except BaseException:
        for target in written:
            target.unlink(missing_ok=True)
        raise


def _sources(settings: RelabelSettings) -> dict[Path, Path]:
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


def _refuse_one_file_of_two_people(people: Sequence[Path]) -> None:
    for one, other in combinations(people, 2):
        if one == other or is_same_file(one, other):
            raise RepopeError(
                f"{other}: is given for two annotators; each, and the decider, needs a file of their own"
            )


def _require_agreement(
    settings: RelabelSettings, asked: Sequence[Row], first: Sequence[Row], second: Sequence[Row]
) -> None:
    """Stops if annotators disagree, after writing the questions in dispute to a file for a decider to label."""
    found = disputes(asked, first, second)
    if not found:
        return
    out = Path(settings.out).expanduser()
    is_one = isinstance(settings.questions, str)
    path = out.with_name(f"{out.stem}_{DISPUTED}") if is_one else out / DISPUTED
    disagree = f"the annotators disagree on {len(found)} of {counted(len(asked), 'question')}"
    if os.path.lexists(path):  # with labels that someone filled in, perhaps
        raise RepopeError(
            f"{disagree}: {path} is there already; fill in its labels and give decider={path}, or remove it to have "
            "it written anew"
        )
    write_lines(
        path,
        [
            {**row_fields(dispute.row), "label": None, "first": dispute.first, "second": dispute.second}
            for dispute in found
        ],
    )
    raise RepopeError(
        f"{disagree}, which are in {path}: fill in each label (yes, no or ambiguous) and give decider={path}"
    )


def _show(
    settings: RelabelSettings,
    questions: Mapping[Path, Sequence[Row]],
    relabelled: Mapping[Path, Sequence[Row]],
) -> None:
    """Prints what changed, and logs where the files are."""
    names = [settings.questions] if isinstance(settings.questions, str) else settings.questions
    changes = []
    for target, rows in relabelled.items():
        after = [row.label for row in rows]
        changes += [
            (target.name if len(relabelled) > 1 else "", change, after.count(change.label))
            for change in label_changes(_labels(questions[target]), _labels(rows))
        ]
    print_label_changes(f"What relabelling {', '.join(names)} changed", changes)
    for target, rows in relabelled.items():
        log.info("%s has %d of %s", target, len(rows), counted(len(questions[target]), "question"))


def _labels(rows: Sequence[Row]) -> dict[Question, bool]:
    return {row.question: row.label == "yes" for row in rows}
