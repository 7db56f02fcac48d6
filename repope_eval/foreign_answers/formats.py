"""Answer files of other programs, recognised by their fields and joined to a benchmark's questions.

A file's first row decides what it is, and every row must then be of that make:

- lmms-eval's samples: `doc_id`, and `filtered_resps` or `resps`.
- the RePOPE paper's code, `NAME_POPE_answers.json`: a nested document {subset: {question id: row}} whose rows
  hold `text` (the question) and `response`.
- VLMEvalKit's result table: `index`, `question` and `prediction`.
- the DASH-B code's `NAME_answers.json` (see `dash_b_answers`): `img_id`, `object_name` and `response`.
- else rows of fields in common use (see `answer_rows`); these too where `columns.` names a field.

The first three name no image, or need not. Where they do (`image`, `image_path`, `image_source`), rows are
joined by it and the question's text; else by their place in the benchmark's own files, and then the text of
every row must be that of the question in its place. One text that is not stops the scoring, with its row.
"""

from collections.abc import Mapping
from typing import Any

from repope_eval.benchmarks.benchmark import Benchmark
from repope_eval.benchmarks.dash_b import NAME
from repope_eval.errors import RepopeError
from repope_eval.files.rows import QUESTION_ID, SUBSET, RowFile
from repope_eval.foreign_answers.dash_b import FIELDS as DASH_B_FIELDS
from repope_eval.foreign_answers.dash_b import edition, is_dash_b_file, join_dash_b
from repope_eval.foreign_answers.joining import Joined, gather, join
from repope_eval.foreign_answers.ordered import Ids, Pairs, Row, by_category, by_doc_id
from repope_eval.foreign_answers.question_index import is_question
from repope_eval.foreign_answers.rows import (
    BY_NAME,
    IMAGE_FIELDS,
    answer_rows,
    field_names,
    question_id_of,
)
from repope_eval.settings.config import ColumnSettings
from repope_eval.wording import counted, shown

PREDICTION = ColumnSettings(response="prediction")


def join_file(
    file: RowFile,
    columns: ColumnSettings,
    benchmark: Benchmark,
    texts: Mapping[str, tuple[str, str]] | None,
) -> tuple[Joined, Benchmark]:
    """Joins the rows of an answer file of any make.

    Args:
        file: the answers.
        columns: what fields are called that are not to be told by their names.
        benchmark: what is to be scored.
        texts: image and text by id, where the user gave a question file.

    Returns:
        The answers, and the edition of the benchmark that they are about: the given one but for DASH-B's.

    Raises:
        RepopeError: a row cannot be read, or is not about the question that it should be about.
    """
    is_plain = columns == BY_NAME and texts is None
    if is_plain and NAME in benchmark.ids and is_dash_b_file(file):
        benchmark = edition(file, benchmark)
        return join_dash_b(file, benchmark), benchmark
    if is_plain and is_dash_b_file(file):
        raise RepopeError(
            f"{file.where}: is a file of DASH-B's own code ({', '.join(DASH_B_FIELDS)}); give bench=dash_b"
        )
    return _join_rows(file, columns, benchmark.ids, texts), benchmark


def _join_rows(
    file: RowFile, columns: ColumnSettings, ids: Ids, texts: Mapping[str, tuple[str, str]] | None
) -> Joined:
    first: Row = file.rows[0] if file.rows else {}
    if columns == BY_NAME and texts is None:
        if file.is_nested:
            return _joined(_paper_pairs(file, ids), file)
        if "doc_id" in first and ("filtered_resps" in first or "resps" in first):
            rows = [_sample(row, f"{file.where}, row {number}") for number, row in enumerate(file.rows, 1)]
            if all(_has_image(row) for row in rows):
                return join(answer_rows(rows, file.where), ids, None, file.where)
            return _joined(by_doc_id(answer_rows(rows, file.where), ids, file.where), file)
        if {"index", "question", "prediction"} <= set(first) and not any(
            _has_image(row) for row in file.rows
        ):
            table = answer_rows(file.rows, file.where, PREDICTION, are_cells=file.is_table)
            return _joined(by_category(table, file.rows, ids, file.where), file)
    rows_of_fields = answer_rows(file.rows, file.where, columns, are_cells=file.is_table)
    return join(rows_of_fields, ids, texts, file.where)


def _joined(pairs: Pairs, file: RowFile) -> Joined:
    joined = gather(pairs, file.where)
    if not joined.answers:
        raise RepopeError(
            f"{file.where}: none of {counted(len(pairs), 'row')} is of a variant of this benchmark; is bench right?"
        )
    return joined


def _has_image(row: Row) -> bool:
    return any(row.get(name) is not None for name in IMAGE_FIELDS)


# The paper's code.


def _paper_pairs(file: RowFile, ids: Ids) -> Pairs:
    """Rows by subset and id; those of subsets that the benchmark does not have belong to none of its questions."""
    by_id = {
        variant: {str(key): question for key, question in questions.items()}
        for variant, questions in ids.items()
    }
    pairs: Pairs = []
    for row, fields in zip(answer_rows(file.rows, file.where), file.rows, strict=True):
        subset = str(fields[SUBSET])
        place = f"{SUBSET} {shown(subset)}, {QUESTION_ID} {shown(row.question_id)}"
        if not row.text or "response" not in fields:
            raise RepopeError(
                f"{file.where}, {place}: needs text (the question) and response; there are {field_names(fields)}"
            )
        if subset not in by_id:
            pairs.append((row, None))
            continue
        question = by_id[subset].get(row.question_id or "")
        if question is None:
            raise RepopeError(
                f"{file.where}, {place}: the benchmark has no such question; the answers are to other questions"
            )
        if not is_question(row.text, question.text):
            raise RepopeError(
                f"{file.where}, {place}: asks {shown(row.text)}, but the benchmark {shown(question.text)}; the answers "
                "are to other questions (an older POPE?)"
            )
        pairs.append((row, question))
    return pairs


# lmms-eval.


def _sample(row: Row, place: str) -> dict[str, Any]:
    """A line of lmms-eval's samples under usual names: the document's own fields where it was kept, else `input`."""
    doc = row.get("doc")
    fields = dict(doc) if isinstance(doc, Mapping) else {}
    kept = {name: fields[name] for name in ("image_source", "question") if isinstance(fields.get(name), str)}
    position = question_id_of(row, place, "doc_id")
    if position is None or not position.isdecimal():
        raise RepopeError(f"{place}: the doc_id is {shown(row.get('doc_id'))}, not a whole number from 0")
    responses = row.get("filtered_resps", row.get("resps"))
    return {
        "question": row.get("input"),
        **kept,
        "question_id": position,
        "response": _only(responses, place),
    }


def _only(responses: Any, place: str) -> Any:
    """The one response in lists within lists."""
    while isinstance(responses, list):
        if len(responses) != 1:
            raise RepopeError(
                f"{place}: holds {len(responses)} responses, not one; keep the one to be scored (of several filters, "
                "or repeats)"
            )
        (responses,) = responses
    return responses
