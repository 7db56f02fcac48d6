"""Several answer files of one model, such as one for each variant, joined to a benchmark's questions."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from repope_eval.benchmarks.benchmark import Benchmark
from repope_eval.errors import RepopeError
from repope_eval.files.rows import RowFile
from repope_eval.foreign_answers.formats import join_file
from repope_eval.foreign_answers.joining import Joined
from repope_eval.records import Answer, Question
from repope_eval.settings.config import ColumnSettings

Texts = Mapping[str, tuple[str, str]] | None
"""Image and text by id, where the user gave a question file."""


def join_files(
    files: Sequence[tuple[RowFile, Texts]], columns: ColumnSettings, benchmark: Benchmark
) -> tuple[Joined, Benchmark]:
    """Joins answer files, the rows of each as `join_file` does; the first answer to a question counts.

    A file whose rows name no image, which the whole benchmark cannot tell, is of the variant that it fits.

    Args:
        files: each with what its ids point to.
        columns: what fields are called that are not to be told by their names.
        benchmark: what is to be scored.

    Returns:
        All answers, and the edition of the benchmark that they are about.

    Raises:
        RepopeError: as of `join_file`.
    """
    if len(files) == 1:
        ((file, texts),) = files
        return join_file(file, columns, benchmark, texts)
    parts = []
    for file, texts in files:
        joined, benchmark = _join_one(file, columns, benchmark, texts)
        parts.append(joined)
    return _together(parts), benchmark


def _join_one(
    file: RowFile, columns: ColumnSettings, benchmark: Benchmark, texts: Texts
) -> tuple[Joined, Benchmark]:
    try:
        return join_file(file, columns, benchmark, texts)
    except RepopeError:
        fitting = [joined for joined in _by_variant(file, columns, benchmark, texts) if not joined.unjoined]
        if not fitting or any(joined.answers != fitting[0].answers for joined in fitting):
            raise
        return fitting[0], benchmark


def _by_variant(
    file: RowFile, columns: ColumnSettings, benchmark: Benchmark, texts: Texts
) -> Sequence[Joined]:
    """The file joined to each variant that it can be joined to."""
    found = []
    for variant, questions in benchmark.ids.items():
        try:
            found.append(join_file(file, columns, replace(benchmark, ids={variant: questions}), texts)[0])
        except RepopeError:
            continue
    return found


def _together(parts: Sequence[Joined]) -> Joined:
    answers: dict[Question, Answer] = {}
    n_conflicts = sum(part.n_conflicts for part in parts)
    for part in parts:
        for question, answer in part.answers.items():
            n_conflicts += answers.setdefault(question, answer).response != answer.response
    return Joined(
        answers,
        n_rows=sum(part.n_rows for part in parts),
        unjoined=tuple(row for part in parts for row in part.unjoined),
        n_conflicts=n_conflicts,
        first_conflict=None,  # their numbers would be of one file or another
        n_misspelt=sum(part.n_misspelt for part in parts),
    )
