"""An annotator's own file while they label, and the disputes that a third person decides."""

import json
import logging
import random
from codecs import BOM_UTF8
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from repope_eval.benchmarks.pope_file import ANNOTATOR_LABELS, label_of, whole_text
from repope_eval.errors import RepopeError
from repope_eval.records import Label, Question
from repope_eval.relabelling.queue import question_of
from repope_eval.relabelling.rule import Annotator, read_annotators, refuse_one_file_of_two_people
from repope_eval.system.json_files import flaw, parse_line
from repope_eval.system.writing import AppendedLines, whole_lines
from repope_eval.wording import counted, shown

log = logging.getLogger(__name__)


MOST_NOTE_CHARACTERS = 2_000
"""The longest note: a paragraph."""


_json = json.JSONEncoder(ensure_ascii=False).encode


@dataclass(frozen=True, slots=True)
class Judgement:
    """The last thing that an annotator said of a question."""

    label: Label | None
    """None where there is a note alone, or the label was undone."""
    note: str = ""
    """A note without halves of surrogate pairs, which neither the page nor a file could hold."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "note", whole_text(self.note))


UNSAID = Judgement(None)
"""The judgement of a question that nobody has judged."""


def refuse_other_questions(
    where: str, questions: Collection[Question], known: Collection[Question], mend: str
) -> None:
    """Refuses a file that has lines for questions which are none of those known.

    Args:
        where: the file, as a message begins with it.
        questions: those that it has lines for.
        known: what it may be about; a set is fast.
        mend: what to do about it, for the message.
    """
    others = [question for question in questions if question not in known]
    if others:
        first = f"{others[0].image}, {shown(others[0].text)}"
        raise RepopeError(
            f"{where}: {len(others)} of the {counted(len(questions), 'question')} it has lines for are none of those "
            f"asked here, first {first}; {mend}"
        )


class LabelFile:
    """One annotator's file, which this process alone adds to."""

    def __init__(self, path: Path, annotator: str, questions: Iterable[Question]) -> None:
        """Reads the file, if it exists. A last line that a crash cut short is taken off it.

        Args:
            questions: what a line may be about.

        Raises:
            RepopeError: it cannot be read, has no line that is a label, is another annotator's, or is of other
                questions.
        """
        self.path = path
        self.annotator = annotator
        content = whole_lines(path)
        self._file = AppendedLines(path, len(content))
        self.judgements = _read_judgements(path, content, annotator)
        """The judgements by question, the newest last."""
        mend = "give the questions= that it was made with, or another out="
        refuse_other_questions(f"out={path}", self.judgements, set(questions), mend)

    @property
    def labels(self) -> Mapping[Question, Label]:
        """The labels by question, the newest last; labels that were undone are left out."""
        return {question: each.label for question, each in self.judgements.items() if each.label is not None}

    def append(self, question: Question, judgement: Judgement) -> None:
        """Adds a judgement to the file. When this returns, it is on the disk.

        Raises:
            RepopeError: the file cannot be written, and is as it was; the message says why.
        """
        line = {
            "image": question.image,
            "question": question.text,
            "label": judgement.label,
            "annotator": self.annotator,
            "at": datetime.now(UTC).isoformat(timespec="seconds"),
            "note": judgement.note,
        }
        try:
            self._file.append(f"{_json(line)}\n".encode())
        except OSError as error:
            raise RepopeError(f"{self.path} cannot be written ({error.strerror})") from error
        self.judgements.pop(question, None)
        self.judgements[question] = judgement


def _read_judgements(path: Path, content: bytes, annotator: str) -> dict[Question, Judgement]:
    """What the lines say. A line that cannot be read is left out with a warning, so that the others still count."""
    judgements: dict[Question, Judgement] = {}
    faults: list[str] = []
    names: set[object] = set()
    for number, line in enumerate(content.removeprefix(BOM_UTF8).split(b"\n"), 1):
        if not line.strip():
            continue
        try:
            fields = _parsed_fields(line)
            question, judgement = question_of(fields), _read_judgement(fields)
        except RepopeError as error:
            faults.append(f"line {number}: {error}")
            continue
        names.add(fields.get("annotator"))
        judgements.pop(question, None)
        judgements[question] = judgement
    if faults and not judgements:
        raise RepopeError(f"{path}, {faults[0]}")
    _refuse_another_annotator(path, names, annotator)
    if faults:
        log.warning(
            "%s: %s left out, and `relabel` and `estimate` refuse the file with them; mend or remove them: %s",
            path,
            f"{counted(len(faults), 'line')} {'is' if len(faults) == 1 else 'are'}",
            "; ".join(faults),
        )
    return judgements


def _parsed_fields(line: bytes) -> Mapping[str, Any]:
    try:
        fields = parse_line(line)
    except ValueError as error:
        raise RepopeError(flaw(error)) from error
    if not isinstance(fields, dict):
        raise RepopeError(f"is a JSON {type(fields).__name__}, not an object with named fields")
    return fields


def _read_judgement(fields: Mapping[str, Any]) -> Judgement:
    label, note = label_of(fields.get("label")), fields.get("note") or ""
    known = next((known for known in ANNOTATOR_LABELS if known == label), None)
    if "label" not in fields or (label is not None and known is None):
        allowed = ", ".join(ANNOTATOR_LABELS)
        raise RepopeError(
            f"the label is {shown(fields.get('label'))}; allowed are {allowed}, and null for none"
        )
    if not isinstance(note, str):
        raise RepopeError(f"the note is {shown(note)}; a text is expected")
    return Judgement(known, note)


def _refuse_another_annotator(path: Path, names: Collection[object], annotator: str) -> None:
    if None in names:
        raise RepopeError(
            f"out={path}: holds rows without an annotator, which `annotate` has not written; choose another out="
        )
    if others := sorted({shown(name) for name in names if name != annotator}):
        raise RepopeError(
            f"out={path}: holds labels of annotator {', '.join(others)}, not of {shown(annotator)}; each "
            "annotator needs a file of their own"
        )


@dataclass(frozen=True, slots=True)
class Disputes:
    """What two annotators' files come to."""

    views: Mapping[Question, tuple[Judgement, Judgement]]
    """Both judgements of each question in dispute, in an order that does not tell whose is whose."""
    labelled: Collection[Question]
    """All questions that either of them has a label for."""


def read_disputes(paths: Sequence[Path], questions: Collection[Question] | None, decider: str) -> Disputes:
    """The disputes in two annotators' files, which may be unfinished: a question that one left out is in none.

    Args:
        questions: what the files may be about; None: anything.

    Raises:
        RepopeError: a file cannot be read, is given twice or is of other questions; two of the three are one person;
            there is no dispute.
    """
    refuse_one_file_of_two_people(paths)
    people = read_annotators(paths)
    for person in people:
        _refuse_the_decider(person, decider)
        if questions is not None:
            labelled = [annotation.question for annotation in person.annotations]
            mend = "give the questions that the two were asked"
            refuse_other_questions(str(person.path), labelled, set(questions), mend)
    first, second = (_judgements_of_both(person) for person in people)
    both = [question for question in first if question in second]
    views = {question: _shuffled_pair(question, first[question], second[question]) for question in both}
    views = {
        question: pair for question, pair in views.items() if {each.label for each in pair} == {"yes", "no"}
    }
    if not views:
        shared = counted(len(both), "question")
        raise RepopeError(
            f"{paths[0]} and {paths[1]}: the annotators have {shared} in common, and on none does one say yes and the "
            "other no: nothing is to be decided, and `relabel` needs no decider="
        )
    return Disputes(views, {*first, *second})


def _refuse_the_decider(person: Annotator, decider: str) -> None:
    if decider.strip().casefold() in {name.casefold() for name in person.names}:
        raise RepopeError(
            f"annotator={decider}: is one of the two who do not agree, by {person.path}; a third person decides"
        )


def _judgements_of_both(person: Annotator) -> dict[Question, Judgement]:
    return {each.question: Judgement(each.label, each.note) for each in person.annotations}


def _shuffled_pair(question: Question, first: Judgement, second: Judgement) -> tuple[Judgement, Judgement]:
    """The two in an order that is the question's own, so that no place on the page stands for a person."""
    is_swapped = random.Random(f"{question.image}\n{question.text}").random() < 0.5
    return (second, first) if is_swapped else (first, second)
