"""`queue.jsonl`: every question of a benchmark, the most doubtful label first, and which of them people look at."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from repope_eval.benchmarks.asked_texts import MOST_QUESTION_CHARACTERS, asked_text
from repope_eval.benchmarks.pope_file import label_of, object_of
from repope_eval.errors import RepopeError
from repope_eval.files.rows import RowFile, read_row_file
from repope_eval.files.writing import write_lines
from repope_eval.records import Question
from repope_eval.wording import shown

RELABELLED = "relabelled"
"""A field of a queue whose labels are what people found; nothing else tells one in which they changed nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Queued:
    """A question of the queue."""

    question: Question
    label: bool
    """The label that the question had when the queue was made."""
    score: float
    """The higher, the more doubtful."""
    p_sampled: float
    """The probability of being looked at at all: 1 for those within the budget."""
    sampled: bool
    """Whether it is looked at."""


def write_queue(path: Path, queue: Iterable[Queued], *, relabelled: bool = False) -> None:
    """Writes a queue, one JSON object a line.

    Args:
        path: the file.
        queue: the questions.
        relabelled: whether the labels are what people found; each line then says so.

    Raises:
        RepopeError: the file cannot be written.
    """
    mark = {RELABELLED: True} if relabelled else {}
    write_lines(path, [_fields(each) | mark for each in queue])


def read_queue(path: Path) -> dict[Question, Queued]:
    """The questions of a queue, in their order.

    Raises:
        RepopeError: the file cannot be read, a line lacks something or holds something else, or a question stands
            twice.
    """
    return queue_of(read_row_file(path))


def is_queue(file: RowFile) -> bool:
    """Whether a file of rows is a queue: some row says how likely its question was to be looked at."""
    return any("p_sampled" in fields for fields in file.rows)


def is_by_people(file: RowFile) -> bool:
    """Whether a queue says that its labels are what people found."""
    return any(label_of(fields.get(RELABELLED)) in (True, "true") for fields in file.rows)


def queue_of(file: RowFile) -> dict[Question, Queued]:
    """The questions of a queue that has been read, as `read_queue` has them.

    Raises:
        RepopeError: as `read_queue` does.
    """
    found: dict[Question, Queued] = {}
    for place, fields in zip(file.places, file.rows, strict=True):
        where = f"{file.where}, {place}"
        queued = _queued(fields, where)
        if queued.question in found:
            raise RepopeError(
                f"{where}: {shown(queued.question.text)} about {queued.question.image} stands twice"
            )
        found[queued.question] = queued
    if not found:
        raise RepopeError(f"{file.where}: holds no questions; give the queue.jsonl that audit wrote")
    return found


def is_sampled(fields: Mapping[str, Any]) -> bool:
    """Whether a row stands in the part to be looked at; without a word on it, it does.

    Raises:
        RepopeError: what it says is neither true nor false. The caller adds where the row is.
    """
    value = label_of(fields.get("sampled", True))
    if value not in (True, False, "true", "false"):
        raise RepopeError(f"sampled is {shown(fields['sampled'])}; true or false is expected")
    return value in (True, "true")


def _fields(queued: Queued) -> dict[str, Any]:
    return {
        "image": queued.question.image,
        "question": queued.question.text,
        "label": "yes" if queued.label else "no",
        "score": round(queued.score, 6),
        "p_sampled": queued.p_sampled,
        "sampled": queued.sampled,
    }


def _queued(fields: Mapping[str, Any], where: str) -> Queued:
    image = asked_text("image", fields.get("image"), where=where)
    text = asked_text("question", fields.get("question"), MOST_QUESTION_CHARACTERS, where=where)
    label, score, probability, sampled = (
        fields.get(name) for name in ("label", "score", "p_sampled", "sampled")
    )
    is_number = all(
        isinstance(each, int | float) and not isinstance(each, bool) for each in (score, probability)
    )
    if label_of(label) not in ("yes", "no") or not is_number or not isinstance(sampled, bool):
        raise RepopeError(
            f"{where}: label {shown(label)}, score {shown(score)}, p_sampled {shown(probability)}, sampled "
            f"{shown(sampled)}; give the queue.jsonl that audit wrote"
        )
    probability = float(probability or 0)
    if not 0 <= probability <= 1 or (sampled and probability == 0):
        raise RepopeError(
            f"{where}: p_sampled is {probability}; a probability is expected, above 0 where sampled"
        )
    return Queued(
        question=Question(image, text, object_of(text)),
        label=label_of(label) == "yes",
        score=float(score or 0),
        p_sampled=probability,
        sampled=sampled,
    )
