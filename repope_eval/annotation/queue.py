"""The questions that a person is asked: read from a queue or any file of rows, in an order that says nothing."""

import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from repope_eval.benchmarks.asked_texts import MOST_QUESTION_CHARACTERS, asked_text
from repope_eval.benchmarks.audit_queue import is_sampled
from repope_eval.benchmarks.benchmark import by_image
from repope_eval.benchmarks.images import refuse_outside
from repope_eval.benchmarks.pope_file import object_of
from repope_eval.errors import RepopeError
from repope_eval.files.rows import read_row_file
from repope_eval.records import Question
from repope_eval.wording import counted


def read_questions(paths: Sequence[Path]) -> tuple[Question, ...]:
    """The distinct questions of some files, in the order in which they come; nothing else of a row is looked at.

    Of the lines of `audit`'s queue, those are asked that stand in the part to be looked at (`sampled`).

    Raises:
        RepopeError: a file cannot be read, holds no question to ask, or has a row without image or question; an image
            leads out of its folder.
    """
    return tuple(dict.fromkeys(question for path in paths for question in _questions(path)))


def question_of(fields: Mapping[str, Any]) -> Question:
    """The question that a row is about: its `image`, and its `question` or `text`.

    Raises:
        RepopeError: it has none, or one that cannot be asked. The caller adds where the row is.
    """
    name = "question" if "question" in fields else "text"
    if "image" not in fields or name not in fields:
        raise RepopeError("has no image and question; each row needs image, and question or text")
    image = asked_text("image", fields["image"])
    refuse_outside(image)
    text = asked_text(name, fields[name], MOST_QUESTION_CHARACTERS)
    return Question(image, text, object_of(text))


def in_blind_order(questions: Iterable[Question], annotator: str) -> tuple[Question, ...]:
    """The questions in an order that depends on them and the annotator's name alone.

    A queue has the doubtful questions first and random ones among them; from this order nobody can tell which is
    which. An image's questions stay together, so that it is looked at once.
    """
    chance = random.Random(annotator)
    images = list(by_image(sorted(questions)).values())
    chance.shuffle(images)
    for group in images:
        chance.shuffle(group)
    return tuple(question for group in images for question in group)


def _questions(path: Path) -> Iterator[Question]:
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
