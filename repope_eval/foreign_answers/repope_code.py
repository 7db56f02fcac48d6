"""The answer files of the RePOPE paper's code, `NAME_POPE_answers.json`.

Such a file is a nested document {subset: {question id: row}} whose rows hold `text` (the question) and `response`, and
name no image. A row's subset and id lead to a question of the benchmark, and its text must be that question's.
"""

from collections.abc import Sequence

from repope_eval.benchmarks.benchmark import Benchmark
from repope_eval.errors import RepopeError
from repope_eval.foreign_answers.joining import Format
from repope_eval.foreign_answers.rows import AnswerRow, answer_rows, field_names, is_question
from repope_eval.records import Question
from repope_eval.system.rows import QUESTION_ID, SUBSET, RowFile
from repope_eval.wording import shown


def _questions(rows: Sequence[AnswerRow], file: RowFile, benchmark: Benchmark) -> list[Question | None]:
    """The question of each row; None for a subset that the benchmark does not have."""
    by_id = {
        variant: {str(key): question for key, question in questions.items()}
        for variant, questions in benchmark.ids.items()
    }
    found = []
    for row, fields in zip(rows, file.rows, strict=True):
        subset = str(fields[SUBSET])
        where = f"{file.where}, {SUBSET} {shown(subset)}, {QUESTION_ID} {shown(row.question_id)}"
        if not row.text or "response" not in fields:
            raise RepopeError(
                f"{where}: needs text (the question) and response; there are {field_names(fields)}"
            )
        question = by_id[subset].get(row.question_id or "") if subset in by_id else None
        if subset in by_id and question is None:
            raise RepopeError(
                f"{where}: the benchmark has no such question; the answers are to other questions"
            )
        if question is not None and not is_question(row.text, question.text):
            raise RepopeError(
                f"{where}: asks {shown(row.text)}, but the benchmark {shown(question.text)}; the answers "
                "are to other questions (an older POPE?)"
            )
        found.append(question)
    return found


FORMAT = Format(
    recognises=lambda file: file.is_nested,
    rows=answer_rows,
    questions=_questions,
)
