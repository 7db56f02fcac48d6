"""The questions that people label: a queue with the most doubtful label first, or any file of questions."""

import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from repope_eval.benchmarks.benchmark import questions_by_image
from repope_eval.benchmarks.images import refuse_outside
from repope_eval.benchmarks.pope_file import (
    MOST_QUESTION_CHARACTERS,
    RELABELLED,
    Row,
    asked_text,
    is_queue,
    label_of,
    object_of,
    rows_of,
    write_rows,
)
from repope_eval.errors import RepopeError
from repope_eval.records import Question
from repope_eval.system.rows import RowFile, read_row_file
from repope_eval.system.writing import write_lines
from repope_eval.wording import counted, shown


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
        relabelled: whether the labels are what people found; each line then says so.

    Raises:
        RepopeError: the file cannot be written.
    """
    mark = {RELABELLED: True} if relabelled else {}
    write_lines(path, [_fields_of(each) | mark for each in queue])


def read_queue(path: Path) -> dict[Question, Queued]:
    """The questions of a queue, in their order.

    Raises:
        RepopeError: the file cannot be read, a line lacks something or holds something else, or a question stands
            twice.
    """
    return queue_of(read_row_file(path))


def queue_of(file: RowFile) -> dict[Question, Queued]:
    """The questions of a queue that has been read, as `read_queue` has them."""
    queue: dict[Question, Queued] = {}
    for place, fields in zip(file.places, file.rows, strict=True):
        where = f"{file.where}, {place}"
        queued = _read_queued(fields, where)
        if queued.question in queue:
            raise RepopeError(
                f"{where}: {shown(queued.question.text)} about {queued.question.image} stands twice"
            )
        queue[queued.question] = queued
    if not queue:
        raise RepopeError(f"{file.where}: holds no questions; give the queue.jsonl that audit wrote")
    return queue


def is_sampled(fields: Mapping[str, Any]) -> bool:
    """Whether a row stands in the part to be looked at; without a word on it, it does."""
    value = label_of(fields.get("sampled", True))
    if value not in (True, False, "true", "false"):
        raise RepopeError(f"sampled is {shown(fields['sampled'])}; true or false is expected")
    return value in (True, "true")


def _fields_of(queued: Queued) -> dict[str, Any]:
    return {
        "image": queued.question.image,
        "question": queued.question.text,
        "label": "yes" if queued.label else "no",
        "score": round(queued.score, 6),
        "p_sampled": queued.p_sampled,
        "sampled": queued.sampled,
    }


def _read_queued(fields: Mapping[str, Any], where: str) -> Queued:
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


@dataclass(frozen=True, slots=True)
class QuestionFile:
    """The questions of a file that people label."""

    rows: tuple[Row, ...]
    """For a queue, only those in the part to be looked at, with their places among all as ids."""
    queue: Mapping[Question, Queued] | None = None
    """The queue; None for a file in POPE's format."""

    def write(self, path: Path, rows: Iterable[Row]) -> None:
        """Writes some of the rows, with other labels, in the form of the file.

        Raises:
            RepopeError: the file cannot be written.
        """
        if self.queue is None:
            write_rows(path, rows)
        else:
            queued = [replace(self.queue[row.question], label=row.label == "yes") for row in rows]
            write_queue(path, queued, relabelled=True)

    @property
    def n_unsampled(self) -> int:
        """How many questions of a queue are not in the part to be looked at."""
        return 0 if self.queue is None else len(self.queue) - len(self.rows)


def read_question_file(path: Path) -> QuestionFile:
    """Reads a file in POPE's format, or the queue that `audit` wrote.

    Published files in POPE's format may ask the same twice, such as POPE's on GQA.

    Raises:
        RepopeError: the file cannot be read or is neither, or nothing in a queue is to be looked at.
    """
    file = read_row_file(path)
    if not is_queue(file):
        return QuestionFile(rows_of(file, may_repeat=True))
    queue = queue_of(file)
    rows = tuple(
        Row(place, question, "yes" if queued.label else "no")
        for place, (question, queued) in enumerate(queue.items(), 1)
        if queued.sampled
    )
    if not rows:
        raise RepopeError(
            f"{path}: none of its questions is to be looked at (sampled); is it the right queue?"
        )
    return QuestionFile(rows, queue)


def read_questions(paths: Sequence[Path]) -> tuple[Question, ...]:
    """The distinct questions of some files, in the order in which they come; nothing else of a row is looked at.

    Of `audit`'s queue, only the questions in the part to be looked at (`sampled`) are asked.

    Raises:
        RepopeError: a file cannot be read, holds no question to ask, or has a row without image or question; an image
            leads out of its folder.
    """
    return tuple(dict.fromkeys(question for path in paths for question in _questions_to_ask(path)))


def question_of(fields: Mapping[str, Any]) -> Question:
    """The question that a row is about: its `image`, and its `question` or `text`."""
    name = "question" if "question" in fields else "text"
    if "image" not in fields or name not in fields:
        raise RepopeError("has no image and question; each row needs image, and question or text")
    image = asked_text("image", fields["image"])
    refuse_outside(image)
    text = asked_text(name, fields[name], MOST_QUESTION_CHARACTERS)
    return Question(image, text, object_of(text))


def blind_order(questions: Iterable[Question], annotator: str) -> tuple[Question, ...]:
    """The questions in an order that depends on them and the annotator's name alone.

    A queue has the doubtful questions first and random ones among them; from this order nobody can tell which is
    which. An image's questions stay together, so that it is looked at once.
    """
    chance = random.Random(annotator)
    images = list(questions_by_image(sorted(questions)).values())
    chance.shuffle(images)
    for group in images:
        chance.shuffle(group)
    return tuple(question for group in images for question in group)


def _questions_to_ask(path: Path) -> Iterator[Question]:
    file = read_row_file(path)
    asked = 0
    for place, fields in zip(file.places, file.rows, strict=True):
        try:
            if is_sampled(fields):
                asked += 1
                yield question_of(fields)
        except RepopeError as error:
            raise RepopeError(f"{path}, {place}: {error}") from error
    if not asked:
        why = f"none of its {counted(len(file.rows), 'row')} is sampled" if file.rows else "it has no rows"
        raise RepopeError(f"{path}: holds no question to ask, for {why}; is it the right file?")
