"""Answers of several ranks: each writes a file of its own, and one of them puts the files together."""

from collections.abc import Iterable
from pathlib import Path

from repope_eval.errors import RepopeError
from repope_eval.inference.store import AnswerStore, read_answers
from repope_eval.records import Answer, Question
from repope_eval.run_files import answer_files, share_paths


def merge_shares(answers: Path) -> None:
    """Adds what lies in the files of ranks to `answers.jsonl`, each question once, and removes those files.

    They may be left from a start with another number of ranks, or from a merging that was cut short.

    Raises:
        RepopeError: a line is broken, or a file cannot be read, written or removed. Nothing is lost.
    """
    shares = share_paths(answers)
    if not shares:
        return
    found: dict[Question, Answer] = {}
    for share in shares:
        for answer in read_answers(share):
            found.setdefault(answer.question, answer)
    store = AnswerStore(answers, found)
    if new := [answer for question, answer in found.items() if question not in store.answers]:
        store.append(new)
    for share in shares:
        _remove(share)


def count_stored(answers: Path, questions: Iterable[Question]) -> int:
    """How many of the questions have an answer on the disk, in `answers.jsonl` or in a rank's file.

    Raises:
        RepopeError: a line is broken, or a file cannot be read.
    """
    stored = {
        (answer.question.image, answer.question.text)
        for path in answer_files(answers)
        for answer in read_answers(path)
    }
    return sum((question.image, question.text) in stored for question in questions)


def _remove(share: Path) -> None:
    try:
        share.unlink()
    except OSError as error:
        raise RepopeError(
            f"{share}: its answers are in answers.jsonl, but it cannot be removed ({error.strerror}); remove it"
        ) from error
