"""The answer files that evaluation harnesses write: lmms-eval's samples and VLMEvalKit's result tables.

lmms-eval. Samples, `*_samples_pope*.jsonl`: `doc_id`, and `filtered_resps` or `resps`.

Where the document was kept, its image and question join a row. Else `doc_id` is the question's index in the variants'
files, one after the other: lmms-lab/POPE has adversarial, popular, random; a task of a single variant has that one's.

VLMEvalKit. Result tables: `index`, `question` and `prediction`.

A table has each distinct question once, with the variants that it stands in as its `category`. The orders that are
known of are: any that keeps the order of each variant's file; the files one after the other without repeats; and the
same image by image. The last two are checked against the category, too. A table of the first rows alone will do, one
with a gap will not: it would shift what follows. A table that names images is not of this format.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain, permutations
from typing import Any

from repope_eval.benchmarks.benchmark import Benchmark, image_by_image
from repope_eval.errors import RepopeError
from repope_eval.foreign_answers.joining import Format, named_questions
from repope_eval.foreign_answers.pope_code import IMAGE_MEND, fitting
from repope_eval.foreign_answers.rows import IMAGE_FIELDS, AnswerRow, Ids, answer_rows, question_id_of
from repope_eval.records import Question, Variant
from repope_eval.settings.config import ColumnSettings
from repope_eval.system.rows import RowFile
from repope_eval.wording import shown


def _lmms_eval_rows(file: RowFile) -> list[AnswerRow]:
    samples = [_sample_fields(row, f"{file.where}, row {number}") for number, row in enumerate(file.rows, 1)]
    # Also in a table an empty response is refused, since these samples are written as JSON lines.
    return answer_rows(replace(file, rows=samples, is_table=False))


def _lmms_eval_questions(
    rows: Sequence[AnswerRow], file: RowFile, benchmark: Benchmark
) -> Sequence[Question | None]:
    if all(row.image is not None for row in rows):
        return named_questions(rows, file, benchmark)
    indexes = [int(row.question_id or "") for row in rows]
    orders = {}
    for variants in permutations(benchmark.ids):
        asked = list(chain.from_iterable(benchmark.ids[variant].values() for variant in variants))
        orders[", ".join(variants)] = [asked[index] if index < len(asked) else None for index in indexes]
    return fitting(rows, orders, file.where)


def _sample_fields(row: Mapping[str, Any], where: str) -> dict[str, Any]:
    """A sample's fields under names in common use: the document's own where it was kept, else `input`."""
    doc = row.get("doc")
    fields = doc if isinstance(doc, Mapping) else {}
    kept = {name: fields[name] for name in ("image_source", "question") if isinstance(fields.get(name), str)}
    index = question_id_of(row, where, "doc_id")
    if index is None or not index.isdecimal():
        raise RepopeError(f"{where}: the doc_id is {shown(row.get('doc_id'))}, not a whole number from 0")
    response = _only_response(row.get("filtered_resps", row.get("resps")), where)
    return {"question": row.get("input"), **kept, "question_id": index, "response": response}


def _only_response(responses: Any, where: str) -> Any:
    """The one response in lists within lists."""
    while isinstance(responses, list):
        if len(responses) != 1:
            raise RepopeError(
                f"{where}: holds {len(responses)} responses, not one; keep the one to be scored (of several filters, "
                "or repeats)"
            )
        (responses,) = responses
    return responses


LMMS_EVAL = Format(
    fields=("doc_id",),
    is_likely=lambda file: not {"filtered_resps", "resps"}.isdisjoint(file.rows[0]),
    rows=_lmms_eval_rows,
    questions=_lmms_eval_questions,
)


_VLMEVALKIT_COLUMNS = ColumnSettings(response="prediction")


def _names_no_image(file: RowFile) -> bool:
    return all(row.get(name) is None for row in file.rows for name in IMAGE_FIELDS)


def _vlmevalkit_rows(file: RowFile) -> list[AnswerRow]:
    """The rows in the order of their index: of two answers to a question, the one with the lower index counts."""
    rows = answer_rows(file, _VLMEVALKIT_COLUMNS)
    return [rows[position] for position in _sorted_by_index(file)]


def _vlmevalkit_questions(
    rows: Sequence[AnswerRow], file: RowFile, benchmark: Benchmark
) -> list[Question | None]:
    """The question of each row; None for one of other variants than the benchmark's."""
    ids = benchmark.ids
    variants = [
        _variants_of_row(file.rows[row.number - 1], ids, f"{file.where}, row {row.number}") for row in rows
    ]
    orders = {"each variant in its own order": _questions_in_own_orders(variants, ids)}
    for files in permutations(ids) if len(ids) > 1 else ():
        words = ", then ".join(files)
        distinct = list(dict.fromkeys(chain.from_iterable(ids[variant].values() for variant in files)))
        orders[words] = _questions_with_categories(distinct, variants, ids)
        orders[f"{words}, image by image"] = _questions_with_categories(
            image_by_image(distinct), variants, ids
        )
    kept = [index for index, names in enumerate(variants) if names]
    kept_orders = {words: [order[index] for index in kept] for words, order in orders.items()}
    fits = iter(fitting([rows[index] for index in kept], kept_orders, file.where))
    return [next(fits) if names else None for names in variants]


def _sorted_by_index(file: RowFile) -> list[int]:
    """The rows' positions in the file, in the order of their index, which must go up by one from 0 or 1."""
    indexes = []
    for number, row in enumerate(file.rows, 1):
        index = question_id_of(row, f"{file.where}, row {number}", "index")
        if index is None or not index.isdecimal():
            raise RepopeError(
                f"{file.where}, row {number}: the index is {shown(row.get('index'))}, not a whole number; without "
                f"image, rows are found by it: {IMAGE_MEND}"
            )
        indexes.append(int(index))
    order = sorted(range(len(indexes)), key=lambda position: indexes[position])
    for expected, position in enumerate(order, min(indexes[order[0]], 1)):
        if indexes[position] != expected:
            raise RepopeError(
                f"{file.where}, row {position + 1}: index {indexes[position]} stands where {expected} should, so rows "
                f"are missing or repeated, and without image those that follow cannot be told; {IMAGE_MEND}"
            )
    return order


def _variants_of_row(fields: Mapping[str, Any], ids: Ids, where: str) -> list[Variant]:
    """The benchmark's variants that a row's category names; its only one where there is no such column."""
    if "category" not in fields and len(ids) == 1:
        return list(ids)
    category = fields.get("category")
    if not isinstance(category, str):
        raise RepopeError(
            f"{where}: the category is {shown(category)}, not the names of variants; {IMAGE_MEND}, or score one "
            "variant (bench=repope_random, say)"
        )
    names = dict.fromkeys(part.strip().lower() for part in category.split(","))
    return [name for name in names if name in ids]


def _questions_in_own_orders(variants: Sequence[Sequence[Variant]], ids: Ids) -> list[Question | None]:
    """The next question of each variant that a row stands in; None where the variants do not agree on it."""
    left: dict[Variant, Iterator[Question]] = {
        variant: iter(asked.values()) for variant, asked in ids.items()
    }
    questions: list[Question | None] = []
    for names in variants:
        following = {next(left[variant], None) for variant in names}
        questions.append(following.pop() if len(following) == 1 else None)
    return questions


def _questions_with_categories(
    asked: Sequence[Question], variants: Sequence[Sequence[Variant]], ids: Ids
) -> list[Question | None]:
    """A question for each row, one after the other; None where it stands in other variants than the row."""
    standing = {variant: set(by_id.values()) for variant, by_id in ids.items()}
    questions: list[Question | None] = []
    for index, names in enumerate(variants):
        question = asked[index] if index < len(asked) else None
        fits = question is not None and {name for name in ids if question in standing[name]} == set(names)
        questions.append(question if fits else None)
    return questions


VLMEVALKIT = Format(
    fields=("index", "question", "prediction"),
    is_likely=_names_no_image,
    rows=_vlmevalkit_rows,
    questions=_vlmevalkit_questions,
)
