"""The answer files that settings name, and the question files that their ids point into: read and joined."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from repope_eval.benchmarks.benchmark import Benchmark
from repope_eval.errors import RepopeError
from repope_eval.files.rows import read_row_file
from repope_eval.foreign_answers.formats import join_files
from repope_eval.foreign_answers.joining import Joined, Texts
from repope_eval.foreign_answers.rows import question_texts
from repope_eval.settings.config import ColumnSettings, listed

Names = str | tuple[str, ...] | None
"""One file, several, or none, as a setting names them."""


def named_files(answers: Names, questions: Names, keys: tuple[str, str]) -> tuple[list[Path], list[Path]]:
    """The answer files, and the question files that their ids point into: none, one for all, or one for each.

    Args:
        answers: the value of one setting.
        questions: that of the other.
        keys: the names of the two settings, for messages.

    Raises:
        RepopeError: a file of answers is named twice, or there are too few or too many of questions.
    """
    for name, number in Counter(listed(answers)).items():
        if number > 1:
            raise RepopeError(f"{keys[0]}: {name} is given {number} times; name each file once")
    n_answers, n_questions = len(listed(answers)), len(listed(questions))
    if n_questions not in (0, 1, n_answers):
        raise RepopeError(
            f"{keys[1]}: {n_questions} files for {n_answers} of answers; give one for all, or one for each"
        )
    of_answers, of_questions = (
        [Path(name).expanduser() for name in listed(names)] for names in (answers, questions)
    )
    return of_answers, of_questions


def join_answer_files(
    answers: Sequence[Path], questions: Sequence[Path], columns: ColumnSettings, benchmark: Benchmark
) -> tuple[Joined, Benchmark]:
    """The answers in files, and the edition of the benchmark that they are about.

    Args:
        answers: as of `named_files`.
        questions: the same.
        columns: the names of fields that cannot be recognised by their names.
        benchmark: the benchmark that is scored.

    Raises:
        RepopeError: a file cannot be read, or its rows are not about questions of the benchmark.
    """
    texts: list[Texts] = [question_texts(read_row_file(path).rows, str(path)) for path in questions] or [None]
    texts *= len(answers) // len(texts)
    files = [(read_row_file(path), of_file) for path, of_file in zip(answers, texts, strict=True)]
    return join_files(files, columns, benchmark)
