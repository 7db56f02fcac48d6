"""The answers of a run on disk: appended batch by batch by each rank, read again when a run goes on."""

import json
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from repope_eval.errors import RepopeError
from repope_eval.records import Answer, Question, is_probability
from repope_eval.runs.layout import answer_files, share_paths
from repope_eval.system.json_files import flaw, parse_line
from repope_eval.system.writing import AppendedLines, whole_lines
from repope_eval.wording import counted, shown

_json = json.JSONEncoder(ensure_ascii=False).encode


class AnswerStore:
    """`answers.jsonl` of a run folder: one line for each distinct question, and for each draw of its answer."""

    def __init__(self, path: Path, questions: Iterable[Question]) -> None:
        """Reads the file, if it exists. A last line that a crash cut short is taken off it.

        Raises:
            RepopeError: a line is broken, or cannot be read.
        """
        self.path = path
        self._questions = {question: question for question in questions}
        """Finds the question of this run that a line is about: the line does not name the object."""
        self._answers: dict[Question, Answer] = {}
        content = whole_lines(path)
        self._file = AppendedLines(path, len(content))
        for answer, _ in _parsed_lines(path, content):
            self._keep_first(answer)

    @property
    def answers(self) -> Mapping[Question, Answer]:
        """The answers to the questions of this run."""
        return self._answers

    def append(self, answers: Sequence[Answer]) -> None:
        """Adds answers to the file. When this returns, they are on the disk.

        Raises:
            RepopeError: the file cannot be written, or has changed since this store wrote it. What was there before
                is untouched, and what would be lost is in a file that the error names.
        """
        self.append_lines(answer_lines(answers))
        for answer in answers:
            self._keep_first(answer)

    def append_lines(self, lines: bytes) -> None:
        """Adds whole lines of other stores to the file; their answers do not become this store's.

        Raises:
            RepopeError: as `append` does.
        """
        try:
            self._file.append(lines)
        except OSError as error:
            if self._file.size and not self.path.exists():
                raise RepopeError(self._write_again(lines)) from error
            raise RepopeError(
                f"{self.path}: cannot be written ({error.strerror}); {_rescue_lines(lines)}"
            ) from error

    def _write_again(self, lines: bytes) -> str:
        """Writes a file that is gone anew, with all answers that this store knows; returns what to say of it."""
        everything = answer_lines(self._answers.values()) + lines
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self.path.write_bytes(everything)
        except OSError as error:
            return (
                f"{self.path}: is gone and cannot be put back ({error.strerror}); {_rescue_lines(everything)}"
            )
        number = everything.count(b"\n")
        return (
            f"{self.path}: was removed while it was being written, and is there again, with "
            f"{counted(number, 'answer')}: run the same command to go on"
        )

    def require_all(self) -> None:
        """Checks that each question has an answer: an asker that mixed up two questions would leave one without."""
        missing = [question for question in self._questions.values() if question not in self._answers]
        assert not missing, f"{len(missing)} questions were asked and have no answer, first {missing[0]}"

    def _keep_first(self, answer: Answer) -> None:
        """Keeps an answer, unless its question has one already or is none of this run's."""
        question = self._questions.get(answer.question)
        if question is not None and question not in self._answers:
            self._answers[question] = replace(answer, question=question)


def answer_lines(answers: Iterable[Answer]) -> bytes:
    """The lines of answers in UTF-8. Half a surrogate pair, which JSON can hold, is written as JSON's escape."""
    text = "".join(_json(_answer_fields(answer)) + "\n" for answer in answers)
    return text.encode("utf-8", errors="backslashreplace")


def _answer_fields(answer: Answer) -> dict[str, object]:
    return {
        "image": answer.question.image,
        "question": answer.question.text,
        "response": answer.response,
        "n_tokens": answer.n_tokens,
        "p_yes": answer.p_yes,
        "p_no": answer.p_no,
        **({"draw": answer.question.draw} if answer.question.draw else {}),
    }


def _rescue_lines(lines: bytes) -> str:
    """Writes lines that the file cannot take to a temporary file; returns where they are, and what to do."""
    number = lines.count(b"\n")
    try:
        with tempfile.NamedTemporaryFile(prefix="repope_eval_", suffix=".jsonl", delete=False) as file:
            file.write(lines)
    except OSError as error:
        return (
            f"nor can {tempfile.gettempdir()} ({error.strerror}), so {counted(number, 'answer')} will be "
            "asked for again: make room and run the same command"
        )
    return f"{file.name} has {counted(number, 'answer')}: make room, append that file to it and run the same command"


def read_answers(path: Path) -> tuple[Answer, ...]:
    """The answers of a run that another process may be writing: the file is left as it is.

    A last line without its line break is not read: it is being written, or was cut short. Two answers to a
    question come in the order of the file. The questions have no object.

    Raises:
        RepopeError: a line is broken, or the file cannot be read.
    """
    return tuple(answer for answer, _ in _parsed_lines(path, _read_bytes(path)))


def read_lines(path: Path) -> Iterator[tuple[Question, bytes]]:
    """The lines of answers as they are, each with its question, which has no object.

    Raises:
        RepopeError: a line is broken, or the file cannot be read.
    """
    return ((answer.question, line) for answer, line in _parsed_lines(path, _read_bytes(path)))


def _read_bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise RepopeError(f"{path}: cannot be read ({error.strerror})") from error


def _parsed_lines(path: Path, content: bytes) -> Iterator[tuple[Answer, bytes]]:
    """The answer of each line, and the line; what follows the last line break is left out."""
    for number, line in enumerate(content.split(b"\n")[:-1], 1):
        yield _read_answer(path, number, line), line


_FIELDS: Mapping[str, tuple[Callable[[Any], bool], str]] = {
    "image": (lambda value: isinstance(value, str), "a text"),
    "question": (lambda value: isinstance(value, str), "a text"),
    "response": (lambda value: isinstance(value, str), "a text"),
    "n_tokens": (lambda value: value is None or (type(value) is int and value >= 0), "a number of tokens"),
    "p_yes": (is_probability, "a probability"),
    "p_no": (is_probability, "a probability"),
}
"""The fields of a line: whether a value is right, and what is expected."""


def _read_answer(path: Path, number: int, line: bytes) -> Answer:
    """Reads a line of `answers.jsonl`."""
    try:
        fields = parse_line(line)
        image, text, response, n_tokens, p_yes, p_no = (fields[name] for name in _FIELDS)
        draw = fields.get("draw", 0)
    except (ValueError, KeyError, TypeError) as error:
        raise _damaged_line(path, number, _damage_in_words(error)) from error
    for name, (is_right, expected) in _FIELDS.items():
        if not is_right(fields[name]):
            raise _damaged_line(path, number, f"{name} is {shown(fields[name])}, not {expected}")
    if type(draw) is not int or draw < 0:
        raise _damaged_line(path, number, f"draw is {shown(draw)}, not a number from 0 on")
    return Answer(Question(image, text, object="", draw=draw), response, n_tokens, p_yes, p_no)


def _damaged_line(path: Path, number: int, reason: str) -> RepopeError:
    return RepopeError(
        f"{path}, line {number}: is no answer ({reason}); remove the line to have its question asked again"
    )


def _damage_in_words(error: Exception) -> str:
    match error:
        case KeyError(args=(name,)):
            return f"{name} is missing"
        case ValueError():
            return f"it {flaw(error)}"
        case _:
            return "it is no JSON object with named fields"


def merge_shares(answers: Path) -> None:
    """Moves the answers in the files of ranks to `answers.jsonl`, each question's once.

    The files may be left from a start with another number of ranks, or from a merge that was cut short.

    Raises:
        RepopeError: a line is broken, or a file cannot be read, written or removed. Nothing is lost.
    """
    shares = share_paths(answers)
    if not shares:
        return
    first_lines: dict[Question, bytes] = {}
    for share in shares:
        for question, line in read_lines(share):
            first_lines.setdefault(question, line)
    store = AnswerStore(answers, first_lines)
    lines = [line + b"\n" for question, line in first_lines.items() if question not in store.answers]
    if lines:
        store.append_lines(b"".join(lines))
    for share in shares:
        try:
            share.unlink()
        except OSError as error:
            raise RepopeError(
                f"{share}: its answers are in answers.jsonl, but it cannot be removed ({error.strerror}); remove it"
            ) from error


def count_stored(answers: Path, questions: Iterable[Question]) -> int:
    """How many of the questions have an answer on the disk, in `answers.jsonl` or in a rank's file.

    Raises:
        RepopeError: a line is broken, or a file cannot be read.
    """
    stored = {question for path in answer_files(answers) for question, _ in read_lines(path)}
    return sum(question in stored for question in questions)
