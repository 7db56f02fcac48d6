"""The answer files that benchmarks' own codes read or write: AMBER's, DASH-B's and POPEv2's.

AMBER. Rows of `id` and `response`, perhaps with the id's `image` and `query`. An id alone leads to a question here and
nowhere else: AMBER's ids are unique over all of its questions, and the file that they are from is known by its hash. A
row that has image or query as well must have those of its id. The same file may hold answers to generative questions
(ids 1 to 1004), which ask for no yes or no: the benchmark does not have them.

DASH-B. A row has `img_id` (a file name alone), `object_name`, `gt` (yes or no) and `response`; the `answer` beside it
is what the code read in the response. It is joined by label, object and file name, which together name one image, and
what is not in the index stops the scoring with its row.

There is one exception: the answers that the authors published beside the index are about other positive images than
the index's. They are numbered (0.jpg, 1.jpg, ... for each object), differ in number for 20 objects, and hundreds
share a name with an image of the index by chance. Such a file is recognised by the hash of all its positives;
these are then scored by the file's own labels, as images of their own, and none is taken for one of the index.

POPEv2. Rows of its own `annotations.json` with a response added: `image_name`, `query`, one of `POPEV2_RESPONSES`.

Its repository has no code that reads answers to it; these are the names that its questions go by. Names of images are
as there (`/images/NAME` for one that was painted over, `/coco/train2017/NAME` for the photograph), or end like these.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from repope_eval.benchmarks.amber import QUERIES
from repope_eval.benchmarks.benchmark import Benchmark
from repope_eval.benchmarks.dash_b import NAME as DASH_B_VARIANT
from repope_eval.benchmarks.dash_b import dash_b_benchmark, question_text
from repope_eval.benchmarks.pope_file import label_of
from repope_eval.benchmarks.popev2 import NAME as POPEV2_LABELS
from repope_eval.errors import RepopeError
from repope_eval.foreign_answers.joining import Format
from repope_eval.foreign_answers.rows import (
    IMAGE_FIELDS,
    QUESTION_FIELDS,
    AnswerRow,
    answer_rows,
    field_names,
    is_question,
    response_text,
    same_image,
)
from repope_eval.records import Question
from repope_eval.settings.config import ColumnSettings
from repope_eval.system.rows import RowFile
from repope_eval.wording import counted, shown

_AMBER_COLUMNS = ColumnSettings(response="response", question_id="id")
_OTHER_NAMES = (*IMAGE_FIELDS, *QUESTION_FIELDS, "text", "question_id")
"""Fields by which rows of other files name their question, beside an id that may mean anything."""


def _is_of_amber(file: RowFile) -> bool:
    first = file.rows[0]
    if not str(first["id"]).removesuffix(".0").isdecimal():
        return False
    if first.get("query") is not None:
        return "AMBER_" in str(first.get("image"))
    return all(first.get(name) is None for name in _OTHER_NAMES)


def _amber_edition(file: RowFile, benchmark: Benchmark) -> Benchmark:
    if not QUERIES.sha256.items() <= benchmark.hashes.items():
        raise RepopeError(
            f"{file.where}: its rows go by id, as AMBER's own code has them (id, response); give bench=amber, or rows "
            "that name an image and a question"
        )
    return benchmark


def _amber_rows(file: RowFile) -> list[AnswerRow]:
    rows = [{"question": fields.get("query"), **fields} for fields in file.rows]
    return answer_rows(replace(file, rows=rows), _AMBER_COLUMNS)


def _amber_questions(rows: Sequence[AnswerRow], file: RowFile, benchmark: Benchmark) -> list[Question | None]:
    """The question of each row; None for an id that the benchmark does not have."""
    by_id = {str(key): question for ids in benchmark.ids.values() for key, question in ids.items()}
    questions = [_amber_question(row, by_id.get(row.question_id or ""), file.where) for row in rows]
    if not any(questions):
        raise RepopeError(
            f"{file.where}: none of {counted(len(rows), 'row')} has the id of a question that yes or no answers, first "
            f"id {shown(rows[0].question_id)}; those of {', '.join(benchmark.ids)} are in {', '.join(QUERIES.sha256)}"
        )
    return questions


def _amber_question(row: AnswerRow, question: Question | None, where: str) -> Question | None:
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


AMBER = Format(
    fields=("id", "response"),
    is_likely=_is_of_amber,
    rows=_amber_rows,
    questions=_amber_questions,
    edition=_amber_edition,
)


OTHER_POSITIVES_SHA256 = "30770ac8a1705e7639c08ef205c3596eae1fcc40cd48b1d09612d4a879ebc66a"
"""The hash of the sorted lines `OBJECT/FILE` of the positives that the published answers are about."""
OTHER_EDITION = "pos-other-edition"
"""Takes the place of `pos/SET` in the names of their images."""

_DASH_B_LABELS = {"yes": True, "no": False}
_DASH_B_FIELDS = ("img_id", "object_name", "response")

_DashBKey = tuple[bool | None, str, str]
"""Label, object and file name; no label where the row gives none."""


def has_other_positives(benchmark: Benchmark) -> bool:
    """Whether a benchmark is that of the published answers."""
    return any(question.image.startswith(f"{OTHER_EDITION}/") for question in benchmark.questions)


def _dash_b_edition(file: RowFile, benchmark: Benchmark) -> Benchmark:
    """The given benchmark, or that of the published answers."""
    if DASH_B_VARIANT not in benchmark.ids:
        raise RepopeError(
            f"{file.where}: is a file of DASH-B's own code ({', '.join(_DASH_B_FIELDS)}); give bench=dash_b"
        )
    rows = [row for row in file.rows if label_of(row.get("gt")) == "yes"]
    lines = sorted(f"{row.get('object_name')}/{row.get('img_id')}" for row in rows)
    if hashlib.sha256("\n".join(lines).encode()).hexdigest() != OTHER_POSITIVES_SHA256:
        return benchmark
    (label_set,) = benchmark.label_sets
    labels = dict.fromkeys(
        (question for question, label in label_set.variants[DASH_B_VARIANT].items() if not label), False
    )
    for row in rows:
        name = row["object_name"]
        labels[Question(f"{OTHER_EDITION}/{name}/{row['img_id']}", question_text(name), name)] = True
    other = dash_b_benchmark(benchmark.name, labels, benchmark.hashes)
    return replace(other, measures=benchmark.measures, own=benchmark.own)


def _dash_b_rows(file: RowFile) -> list[AnswerRow]:
    rows = []
    for number, row in enumerate(file.rows, 1):
        where = f"{file.where}, row {number}"
        missing = [name for name in _DASH_B_FIELDS if name not in row]
        if missing:
            raise RepopeError(f"{where}: lacks {', '.join(missing)}; there are {field_names(row)}")
        rows.append(AnswerRow(number, response_text(row, "response", where, is_cell=file.is_table)))
    return rows


def _dash_b_questions(
    rows: Sequence[AnswerRow], file: RowFile, benchmark: Benchmark
) -> list[Question | None]:
    """The question of each row, about the one image that its label, object and file name may mean."""
    index = _dash_b_index(benchmark)
    questions: list[Question | None] = []
    for row, fields in zip(rows, file.rows, strict=True):
        where = f"{file.where}, row {row.number}"
        key = _dash_b_key(fields, where)
        candidates = index.get(key, [])
        if len(candidates) != 1:
            images = " or ".join(question.image for question in candidates[:3])
            label = "of unknown label" if key[0] is None else f"label {'yes' if key[0] else 'no'}"
            raise RepopeError(
                f"{where}: the image {shown(key[2])} of {shown(key[1])}, {label}, "
                f"{f'may be {images}' if images else 'is unknown'} to the benchmark; the answers are to other images, "
                "or to a part of another edition's: score all its answers at once, or answers whose `image` is named "
                "as in the index (neg/SET/OBJECT/FILE) with their `question`"
            )
        questions.append(candidates[0])
    return questions


def _dash_b_index(benchmark: Benchmark) -> Mapping[_DashBKey, Sequence[Question]]:
    """The questions by label, object and file name; with and without the label."""
    (label_set,) = benchmark.label_sets
    index: dict[_DashBKey, list[Question]] = {}
    for question, label in label_set.variants[DASH_B_VARIANT].items():
        # An object's name may have a slash in it, a file's has none.
        file = question.image.rsplit("/", 1)[-1]
        index.setdefault((label, question.object, file), []).append(question)
        index.setdefault((None, question.object, file), []).append(question)
    return index


def _dash_b_key(row: Mapping[str, Any], where: str) -> _DashBKey:
    for name in ("img_id", "object_name"):
        if not isinstance(row[name], str):
            raise RepopeError(f"{where}: the {name} is {shown(row[name])}, not a text")
    label = label_of(row.get("gt"))
    if label not in (None, *_DASH_B_LABELS):
        raise RepopeError(f"{where}: the gt is {shown(row['gt'])}; yes or no is expected")
    return (_DASH_B_LABELS[label] if isinstance(label, str) else None), row["object_name"], row["img_id"]


DASH_B = Format(
    fields=_DASH_B_FIELDS, rows=_dash_b_rows, questions=_dash_b_questions, edition=_dash_b_edition
)


POPEV2_RESPONSES = ("response", "prediction", "answer", "model_answer")
"""The first of these that the first row has holds the responses of all."""


def _popev2_edition(file: RowFile, benchmark: Benchmark) -> Benchmark:
    if all(label_set.name != POPEV2_LABELS for label_set in benchmark.label_sets):
        raise RepopeError(
            f"{file.where}: its rows are named as POPEv2's (image_name, query); give bench=popev2, or "
            "columns.image=image_name columns.question=query where they are of another benchmark"
        )
    return benchmark


def _popev2_rows(file: RowFile) -> list[AnswerRow]:
    response = next(name for name in POPEV2_RESPONSES if name in file.rows[0])
    rows = answer_rows(file, ColumnSettings(image="image_name", question="query", response=response))
    return [replace(row, image=row.image and _name_in_folder(row.image)) for row in rows]


def _name_in_folder(image: str) -> str:
    return "/".join(image.replace("\\", "/").split("/")[-2:])


POPEV2 = Format(
    fields=("image_name", "query"),
    is_likely=lambda file: any(name in file.rows[0] for name in POPEV2_RESPONSES),
    rows=_popev2_rows,
    edition=_popev2_edition,
)
