"""An annotator's own file while they label: what it says so far, and how a line is added."""

import json
import logging
from codecs import BOM_UTF8
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from repope_eval.annotation.queue import question_of
from repope_eval.benchmarks.asked_texts import whole_text
from repope_eval.benchmarks.pope_file import ANNOTATOR_LABELS, label_of
from repope_eval.errors import RepopeError
from repope_eval.files.appended_lines import AppendedLines, whole_lines
from repope_eval.files.json_files import flaw, parse_line
from repope_eval.records import Label, Question
from repope_eval.wording import counted, shown

MOST_NOTE_CHARACTERS = 2_000
"""The longest note: a paragraph."""

log = logging.getLogger(__name__)

_json = json.JSONEncoder(ensure_ascii=False).encode


@dataclass(frozen=True, slots=True)
class Judgement:
    """What an annotator says of a question, last of all that they said."""

    label: Label | None
    """None where there is a note alone, or the label was undone."""
    note: str = ""
    """With no half of a surrogate pair, which neither the page nor a file could hold."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "note", whole_text(self.note))


UNSAID = Judgement(None)
"""What is said of a question that nobody has said anything of."""


def refuse_other_questions(
    where: str, found: Collection[Question], known: Collection[Question], mend: str
) -> None:
    """Refuses a file that has lines for questions which are none of those known.

    Args:
        where: the file, as a message begins with it.
        found: the questions that it has lines for.
        known: what it may be about; a set is fast.
        mend: what to do about it.

    Raises:
        RepopeError: says how many they are, and one of them.
    """
    others = [question for question in found if question not in known]
    if others:
        first = f"{others[0].image}, {shown(others[0].text)}"
        raise RepopeError(
            f"{where}: {len(others)} of the {counted(len(found), 'question')} it has lines for are none of those "
            f"asked here, first {first}; {mend}"
        )


class LabelFile:
    """One annotator's file, which this process alone adds to."""

    def __init__(self, path: Path, annotator: str, questions: Iterable[Question]) -> None:
        """Reads the file, if it exists. A last line that a crash cut short is taken off it.

        Args:
            path: the file.
            annotator: whose it is.
            questions: what a line may be about.

        Raises:
            RepopeError: it cannot be read, has no line that is a label, is another annotator's, or is of other
                questions.
        """
        self.path = path
        self.annotator = annotator
        content = whole_lines(path)
        self._file = AppendedLines(path, len(content))
        self.judgements = _judgements(path, content, annotator)
        """By question, the last one last."""
        mend = "give the questions= that it was made with, or another out="
        refuse_other_questions(f"out={path}", self.judgements, set(questions), mend)

    @property
    def labels(self) -> Mapping[Question, Label]:
        """The labels by question, the last one last; a label that was undone is none."""
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


def _judgements(path: Path, content: bytes, annotator: str) -> dict[Question, Judgement]:
    """What the lines say. One that says nothing that can be read is left out with a warning, not to keep the rest."""
    judgements: dict[Question, Judgement] = {}
    faults: list[str] = []
    names: set[object] = set()
    for number, line in enumerate(content.removeprefix(BOM_UTF8).split(b"\n"), 1):
        if not line.strip():
            continue
        try:
            fields = _fields(line)
            question, judgement = question_of(fields), _judgement(fields)
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


def _fields(line: bytes) -> Mapping[str, Any]:
    try:
        fields = parse_line(line)
    except ValueError as error:
        raise RepopeError(flaw(error)) from error
    if not isinstance(fields, dict):
        raise RepopeError(f"is a JSON {type(fields).__name__}, not an object with named fields")
    return fields


def _judgement(fields: Mapping[str, Any]) -> Judgement:
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
