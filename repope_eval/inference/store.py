"""The answers of a run on disk: appended batch by batch, read again when a run goes on."""

import json
import logging
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from repope_eval.errors import RepopeError
from repope_eval.records import Answer, Question

log = logging.getLogger(__name__)


class AnswerStore:
    """`answers.jsonl` of a run folder: one line a distinct (image, question)."""

    def __init__(self, path: Path, questions: Iterable[Question]) -> None:
        """Reads what is there. A last line cut short by a crash is taken off the file.

        Raises:
            RepopeError: a line is broken, or cannot be read.
        """
        self.path = path
        self._questions = {(question.image, question.text): question for question in questions}
        self._answers: dict[Question, Answer] = {}
        for answer in _read(path):
            self._keep(answer)

    @property
    def answers(self) -> Mapping[Question, Answer]:
        """The answers to the questions of this run."""
        return self._answers

    def append(self, answers: Sequence[Answer]) -> None:
        """Adds a batch of answers; when this returns they are on the disk.

        Raises:
            RepopeError: the file cannot be written; what was there before is untouched.
        """
        lines = "".join(json.dumps(answer_fields(answer), ensure_ascii=False) + "\n" for answer in answers)
        try:
            # JSON texts may hold half a surrogate pair, which UTF-8 cannot: it is written as JSON's escape.
            with self.path.open("a", encoding="utf-8", errors="backslashreplace") as file:
                file.write(lines)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise RepopeError(
                f"{self.path}: cannot be written ({error.strerror}); the answers already there "
                f"({len(self._answers)}) are safe: make room and run the same command again"
            ) from error
        for answer in answers:
            self._keep(answer)

    def _keep(self, answer: Answer) -> None:
        """Files an answer under its question: the first of two stays, one to a question outside this run is left."""
        question = self._questions.get((answer.question.image, answer.question.text))
        if question is not None:
            self._answers.setdefault(question, replace(answer, question=question))


def answer_fields(answer: Answer) -> dict[str, object]:
    """An answer as a line of `answers.jsonl`."""
    return {
        "image": answer.question.image,
        "question": answer.question.text,
        "response": answer.response,
        "n_tokens": answer.n_tokens,
        "p_yes": answer.p_yes,
        "p_no": answer.p_no,
    }


def _read(path: Path) -> list[Answer]:
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return []
    except OSError as error:
        raise RepopeError(f"{path}: cannot be read ({error.strerror})") from error
    whole, newline, torn = content.rpartition(b"\n")
    if torn:
        log.warning("%s: the last line was cut short; it is taken off and its question asked again", path)
        _shorten(path, len(whole) + len(newline))
    lines = whole.split(b"\n") if whole else []
    return [_answer(path, number, line) for number, line in enumerate(lines, 1)]


def _shorten(path: Path, size: int) -> None:
    try:
        os.truncate(path, size)
    except OSError as error:
        raise RepopeError(
            f"{path}: the last line was cut short and cannot be taken off ({error.strerror}); remove it"
        ) from error


def _answer(path: Path, number: int, line: bytes) -> Answer:
    try:
        fields = json.loads(line)
        image, question, response = (_text(fields, name) for name in ("image", "question", "response"))
        numbers = (fields["n_tokens"], fields["p_yes"], fields["p_no"])
    except (ValueError, KeyError, TypeError) as error:
        raise RepopeError(
            f"{path}, line {number}: is no answer ({_reason(error)}); remove the line to have its question asked "
            "again"
        ) from error
    return Answer(Question(image, question, ""), response, *numbers)


def _text(fields: Mapping[str, object], name: str) -> str:
    value = fields[name]
    if not isinstance(value, str):
        raise TypeError(f"{name} is {value!r}, not a text")
    return value


def _reason(error: Exception) -> str:
    match error:
        case KeyError(args=(name,)):
            return f"{name} is missing"
        case json.JSONDecodeError():
            return f"no JSON: {error.msg} at column {error.colno}"
        case _:
            return str(error)
