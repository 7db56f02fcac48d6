"""Answers of several ranks: each rank writes a file of its own, and the main rank puts the files together."""

from collections.abc import Iterable
from pathlib import Path

from repope_eval.errors import RepopeError
from repope_eval.records import Question
from repope_eval.runs.answer_store import AnswerStore, read_lines
from repope_eval.runs.layout import answer_files, share_paths


def merge_shares(answers: Path) -> None:
    """Moves the answers in the files of ranks to `answers.jsonl`, each question's once.

    The files may be left from a start with another number of ranks, or from a merge that was cut short.

    Raises:
        RepopeError: a line is broken, or a file cannot be read, written or removed. Nothing is lost.
    """
    shares = share_paths(answers)
    if not shares:
        return
    found: dict[Question, bytes] = {}
    for share in shares:
        for question, line in read_lines(share):
            found.setdefault(question, line)
    store = AnswerStore(answers, found)
    lines = [line + b"\n" for question, line in found.items() if question not in store.answers]
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
    """How many of the questions have an answer on the disk, be it in `answers.jsonl` or in a rank's file.

    Raises:
        RepopeError: a line is broken, or a file cannot be read.
    """
    stored = {question for path in answer_files(answers) for question, _ in read_lines(path)}
    return sum(question in stored for question in questions)
