"""Answer files of any program, recognised by their fields and joined to a benchmark's questions.

A new format is a `Format` in a file of its own or of those like it, and an entry in `FORMATS`.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from repope_eval.benchmarks.benchmark import Benchmark
from repope_eval.errors import RepopeError
from repope_eval.foreign_answers.benchmark_codes import AMBER, DASH_B, POPEV2
from repope_eval.foreign_answers.harnesses import LMMS_EVAL, VLMEVALKIT
from repope_eval.foreign_answers.joining import (
    Format,
    Joined,
    Texts,
    gather,
    questions_by_image,
    refuse_labels,
)
from repope_eval.foreign_answers.pope_code import POPE_CODE, REPOPE_CODE
from repope_eval.foreign_answers.rows import USUAL_COLUMNS, answer_rows, question_texts
from repope_eval.records import Answer, Question
from repope_eval.settings.config import ColumnSettings, listed
from repope_eval.system.rows import RowFile, read_row_file

FORMATS: Mapping[str, Format] = {
    "DASH-B's code": DASH_B,
    "the RePOPE paper's code": REPOPE_CODE,
    "lmms-eval": LMMS_EVAL,
    "VLMEvalKit": VLMEVALKIT,
    "AMBER's code": AMBER,
    "POPEv2's questions": POPEV2,
    "POPE's code": POPE_CODE,
}
"""The first that recognises a file decides how it is read, and every row must be of that format.

Other files have fields in common use (see `rows.answer_rows`), and so has every file whose columns are named or whose
ids lead to a question file."""


def join_files(
    files: Sequence[tuple[RowFile, Texts]], columns: ColumnSettings, benchmark: Benchmark
) -> tuple[Joined, Benchmark]:
    """Joins answer files, the rows of each as `join_file` does; a question's first answer counts.

    A file whose rows name no image, which the whole benchmark cannot tell, is of the variant that it fits.

    Args:
        files: each answer file, and what the ids in it point to.
        columns: the names of fields that cannot be recognised by their names.
        benchmark: the benchmark that is scored.

    Returns:
        All answers, and the edition of the benchmark that they are about.

    Raises:
        RepopeError: a row cannot be read, or is not about the question that it should be about.
    """
    parts = []
    for file, texts in files:
        try:
            joined, benchmark = join_file(file, columns, benchmark, texts)
        except RepopeError:
            fits = _joined_by_variant(file, columns, benchmark, texts) if len(files) > 1 else []
            if not fits or any(joined.answers != fits[0].answers for joined in fits):
                raise
            joined = fits[0]
        parts.append(joined)
    return _put_together(parts), benchmark


def join_file(
    file: RowFile, columns: ColumnSettings, benchmark: Benchmark, texts: Texts
) -> tuple[Joined, Benchmark]:
    """Joins the rows of an answer file of any format.

    Args:
        columns: the names of fields that cannot be recognised by their names.
        benchmark: the benchmark that is scored.
        texts: image and text by id, where the user gave a question file.

    Returns:
        The answers, and the edition of the benchmark that they are about: the given one but for DASH-B's.

    Raises:
        RepopeError: a row cannot be read, or is not about the question that it should be about.
    """
    if columns == USUAL_COLUMNS and texts is None:
        for known in FORMATS.values():
            if known.recognises(file):
                benchmark = known.edition(file, benchmark)
                rows = known.rows(file)
                joined = gather(rows, known.questions(rows, file, benchmark), file.where)
                refuse_labels(joined, file, benchmark)
                return joined, benchmark
    rows = answer_rows(file, columns)
    questions = questions_by_image(rows, benchmark.ids, texts, file.where)
    if texts is not None:
        rows = [
            replace(row, text=texts[row.question_id or ""][1]) if row.text is None else row for row in rows
        ]
    joined = gather(rows, questions, file.where)
    if columns.response is None:
        refuse_labels(joined, file, benchmark)
    return joined, benchmark


def _joined_by_variant(
    file: RowFile, columns: ColumnSettings, benchmark: Benchmark, texts: Texts
) -> Sequence[Joined]:
    """The file joined to each variant that all of its rows fit."""
    fits = []
    for variant, questions in benchmark.ids.items():
        with suppress(RepopeError):
            joined, _ = join_file(file, columns, replace(benchmark, ids={variant: questions}), texts)
            if not joined.unjoined:
                fits.append(joined)
    return fits


def _put_together(parts: Sequence[Joined]) -> Joined:
    """The answers of all files; the first answer to a question counts."""
    if len(parts) == 1:
        return parts[0]
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
        n_thoughts=sum(part.n_thoughts for part in parts),
        n_cut=sum(part.n_cut for part in parts),
        unknown_tags=sum((Counter(part.unknown_tags) for part in parts), Counter()),
    )


Names = str | tuple[str, ...] | None
"""One file, several, or none, as a setting names them."""


def named_files(answers: Names, questions: Names, keys: tuple[str, str]) -> tuple[list[Path], list[Path]]:
    """The answer files, and the question files that their ids point into: none, one for all, or one for each.

    Args:
        answers: the value of one setting.
        questions: the value of the other setting.
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
        answers: as `named_files` returns them.
        questions: as `named_files` returns them.
        columns: the names of fields that cannot be recognised by their names.
        benchmark: the benchmark that is scored.

    Raises:
        RepopeError: a file cannot be read, or its rows are not about questions of the benchmark.
    """
    texts: list[Texts] = [question_texts(read_row_file(path).rows, str(path)) for path in questions] or [None]
    texts *= len(answers) // len(texts)
    files = [(read_row_file(path), of_file) for path, of_file in zip(answers, texts, strict=True)]
    return join_files(files, columns, benchmark)
