"""The answer files that AMBER's own code reads: rows of `id` and `response`, perhaps with the id's `image` and `query`.

An id alone leads to a question here and nowhere else: AMBER's ids are unique over all of its questions, and the file
that they are from is known by its hash. A row that has image or query as well must have those of its id. The same file
may hold answers to generative questions (ids 1 to 1004), which ask for no yes or no: the benchmark does not have them.
"""

from collections.abc import Sequence
from dataclasses import replace

from repope_eval.benchmarks.amber import QUERIES
from repope_eval.benchmarks.benchmark import Benchmark
from repope_eval.errors import RepopeError
from repope_eval.foreign_answers.joining import Format
from repope_eval.foreign_answers.rows import (
    IMAGE_FIELDS,
    QUESTION_FIELDS,
    AnswerRow,
    answer_rows,
    is_question,
    same_image,
)
from repope_eval.records import Question
from repope_eval.settings.config import ColumnSettings
from repope_eval.system.rows import RowFile
from repope_eval.wording import counted, shown

_COLUMNS = ColumnSettings(response="response", question_id="id")
_OTHERS = (*IMAGE_FIELDS, *QUESTION_FIELDS, "text", "question_id")
"""Fields by which rows of other files name their question, beside an id that may mean anything."""


def _recognises(file: RowFile) -> bool:
    first = file.rows[0] if file.rows else {}
    if not {"id", "response"} <= set(first) or not str(first["id"]).removesuffix(".0").isdecimal():
        return False
    if first.get("query") is not None:
        return "AMBER_" in str(first.get("image"))
    return all(first.get(name) is None for name in _OTHERS)


def _edition(file: RowFile, benchmark: Benchmark) -> Benchmark:
    if not QUERIES.sha256.items() <= benchmark.hashes.items():
        raise RepopeError(
            f"{file.where}: its rows go by id, as AMBER's own code has them (id, response); give bench=amber, or rows "
            "that name an image and a question"
        )
    return benchmark


def _rows(file: RowFile) -> list[AnswerRow]:
    rows = [{"question": fields.get("query"), **fields} for fields in file.rows]
    return answer_rows(replace(file, rows=rows), _COLUMNS)


def _questions(rows: Sequence[AnswerRow], file: RowFile, benchmark: Benchmark) -> list[Question | None]:
    """The question of each row; None for an id that the benchmark does not have."""
    by_id = {str(key): question for ids in benchmark.ids.values() for key, question in ids.items()}
    found = [_question(row, by_id.get(row.question_id or ""), file.where) for row in rows]
    if not any(found):
        raise RepopeError(
            f"{file.where}: none of {counted(len(rows), 'row')} has the id of a question that yes or no answers, first "
            f"id {shown(rows[0].question_id)}; those of {', '.join(benchmark.ids)} are in {', '.join(QUERIES.sha256)}"
        )
    return found


def _question(row: AnswerRow, question: Question | None, where: str) -> Question | None:
    """The question of a row's id, once image and query agree with it as far as the row has them."""
    if row.question_id is None:
        raise RepopeError(f"{where}, row {row.number}: the id is None; give it the id of its question")
    if question is None:
        return None
    if (row.text is None or is_question(row.text, question.text)) and (
        row.image is None or same_image(row.image, question.image)
    ):
        return question
    raise RepopeError(
        f"{where}, row {row.number}: id {shown(row.question_id)} comes with image {shown(row.image)}, query "
        f"{shown(row.text)}, but is AMBER's of {shown(question.image)}, {shown(question.text)}; give each answer "
        "the id that its question has in AMBER's file"
    )


FORMAT = Format(recognises=_recognises, rows=_rows, questions=_questions, edition=_edition)
