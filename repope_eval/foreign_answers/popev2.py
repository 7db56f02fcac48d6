"""Rows of POPEv2's own `annotations.json` with a response added: `image_name`, `query` and one of `RESPONSES`.

Its repository has no code that reads answers to it; these are the names that its questions go by. Names of images are
as there (`/images/NAME` for one that was painted over, `/coco/train2017/NAME` for the photograph), or end like these.
"""

from collections.abc import Sequence
from dataclasses import replace

from repope_eval.benchmarks.benchmark import Benchmark
from repope_eval.benchmarks.popev2 import NAME
from repope_eval.errors import RepopeError
from repope_eval.foreign_answers.joining import Format, questions_by_image
from repope_eval.foreign_answers.rows import AnswerRow, answer_rows
from repope_eval.records import Question
from repope_eval.settings.config import ColumnSettings
from repope_eval.system.rows import RowFile

RESPONSES = ("response", "prediction", "answer", "model_answer")
"""The first of these that the first row has holds the responses of all."""


def _recognises(file: RowFile) -> bool:
    first = file.rows[0] if file.rows else {}
    return {"image_name", "query"} <= set(first) and any(name in first for name in RESPONSES)


def _edition(file: RowFile, benchmark: Benchmark) -> Benchmark:
    if all(label_set.name != NAME for label_set in benchmark.label_sets):
        raise RepopeError(
            f"{file.where}: its rows are named as POPEv2's (image_name, query); give bench=popev2, or "
            "columns.image=image_name columns.question=query where they are of another benchmark"
        )
    return benchmark


def _rows(file: RowFile) -> list[AnswerRow]:
    response = next(name for name in RESPONSES if name in file.rows[0])
    rows = answer_rows(file, ColumnSettings(image="image_name", question="query", response=response))
    return [replace(row, image=row.image and _in_its_folder(row.image)) for row in rows]


def _in_its_folder(image: str) -> str:
    return "/".join(image.replace("\\", "/").split("/")[-2:])


def _questions(rows: Sequence[AnswerRow], file: RowFile, benchmark: Benchmark) -> list[Question | None]:
    return questions_by_image(rows, benchmark.ids, None, file.where)


FORMAT = Format(recognises=_recognises, rows=_rows, questions=_questions, edition=_edition)
