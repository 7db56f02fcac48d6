"""The samples that lmms-eval writes, `*_samples_pope*.jsonl`: `doc_id`, and `filtered_resps` or `resps`.

Where the document was kept, its image and question join a row. Else `doc_id` is the question's index in the variants'
files, one after the other: lmms-lab/POPE has adversarial, popular, random; a task of a single variant has that one's.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import chain, permutations
from typing import Any

from repope_eval.benchmarks.benchmark import Benchmark
from repope_eval.errors import RepopeError
from repope_eval.foreign_answers.joining import Format, questions_by_image
from repope_eval.foreign_answers.pope_code import fitting
from repope_eval.foreign_answers.rows import AnswerRow, answer_rows, question_id_of
from repope_eval.records import Question
from repope_eval.system.rows import RowFile
from repope_eval.wording import shown


def _recognises(file: RowFile) -> bool:
    fields = set(file.rows[0]) if file.rows else set()
    return "doc_id" in fields and bool(fields & {"filtered_resps", "resps"})


def _rows(file: RowFile) -> list[AnswerRow]:
    samples = [_fields(row, f"{file.where}, row {number}") for number, row in enumerate(file.rows, 1)]
    # Also in a table an empty response is refused, since these samples are written as JSON lines.
    return answer_rows(replace(file, rows=samples, is_table=False))


def _questions(rows: Sequence[AnswerRow], file: RowFile, benchmark: Benchmark) -> Sequence[Question | None]:
    if all(row.image is not None for row in rows):
        return questions_by_image(rows, benchmark.ids, None, file.where)
    indexes = [int(row.question_id or "") for row in rows]
    orders = {}
    for variants in permutations(benchmark.ids):
        asked = list(chain.from_iterable(benchmark.ids[variant].values() for variant in variants))
        orders[", ".join(variants)] = [asked[index] if index < len(asked) else None for index in indexes]
    return fitting(rows, orders, file.where)


def _fields(row: Mapping[str, Any], where: str) -> dict[str, Any]:
    """A sample's fields under names in common use: the document's own where it was kept, else `input`."""
    doc = row.get("doc")
    fields = doc if isinstance(doc, Mapping) else {}
    kept = {name: fields[name] for name in ("image_source", "question") if isinstance(fields.get(name), str)}
    index = question_id_of(row, where, "doc_id")
    if index is None or not index.isdecimal():
        raise RepopeError(f"{where}: the doc_id is {shown(row.get('doc_id'))}, not a whole number from 0")
    response = _only(row.get("filtered_resps", row.get("resps")), where)
    return {"question": row.get("input"), **kept, "question_id": index, "response": response}


def _only(responses: Any, where: str) -> Any:
    """The one response in lists within lists."""
    while isinstance(responses, list):
        if len(responses) != 1:
            raise RepopeError(
                f"{where}: holds {len(responses)} responses, not one; keep the one to be scored (of several filters, "
                "or repeats)"
            )
        (responses,) = responses
    return responses


FORMAT = Format(recognises=_recognises, rows=_rows, questions=_questions)
