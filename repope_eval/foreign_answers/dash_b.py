"""The answer files of DASH-B's own code, joined to its questions.

A row has `img_id` (a file name alone), `object_name`, `gt` (yes or no) and `response`; the `answer` beside it is
what the code read in the response. It is joined by label, object and file name, which together name one image,
and what is not in the index stops the scoring with its row.

There is one exception: the answers that the authors published beside the index are about other positive images than
the index's. They are numbered (0.jpg, 1.jpg, ... for each object), differ in number for 20 objects, and hundreds
share a name with an image of the index by chance. Such a file is recognised by the hash of all its positives;
these are then scored by the file's own labels, as images of their own, and none is taken for one of the index.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from repope_eval.benchmarks.benchmark import Benchmark
from repope_eval.benchmarks.dash_b import NAME, dash_b_benchmark, question_text
from repope_eval.benchmarks.pope_file import label_of
from repope_eval.errors import RepopeError
from repope_eval.foreign_answers.joining import Format
from repope_eval.foreign_answers.rows import AnswerRow, field_names, response_text
from repope_eval.records import Question
from repope_eval.system.rows import RowFile
from repope_eval.wording import shown

OTHER_POSITIVES_SHA256 = "30770ac8a1705e7639c08ef205c3596eae1fcc40cd48b1d09612d4a879ebc66a"
"""The hash of the sorted lines `OBJECT/FILE` of the positives that the published answers are about."""
OTHER_EDITION = "pos-other-edition"
"""Takes the place of `pos/SET` in the names of their images."""

_LABELS = {"yes": True, "no": False}
_FIELDS = ("img_id", "object_name", "response")

_Key = tuple[bool | None, str, str]
"""Label, object and file name; no label where the row gives none."""


def has_other_positives(benchmark: Benchmark) -> bool:
    """Whether a benchmark is that of the published answers."""
    return any(question.image.startswith(f"{OTHER_EDITION}/") for question in benchmark.questions)


def _recognises(file: RowFile) -> bool:
    return bool(file.rows) and set(_FIELDS) <= set(file.rows[0])


def _edition(file: RowFile, benchmark: Benchmark) -> Benchmark:
    """The given benchmark, or that of the published answers."""
    if NAME not in benchmark.ids:
        raise RepopeError(
            f"{file.where}: is a file of DASH-B's own code ({', '.join(_FIELDS)}); give bench=dash_b"
        )
    rows = [row for row in file.rows if label_of(row.get("gt")) == "yes"]
    lines = sorted(f"{row.get('object_name')}/{row.get('img_id')}" for row in rows)
    if hashlib.sha256("\n".join(lines).encode()).hexdigest() != OTHER_POSITIVES_SHA256:
        return benchmark
    (label_set,) = benchmark.label_sets
    labels = dict.fromkeys(
        (question for question, label in label_set.variants[NAME].items() if not label), False
    )
    for row in rows:
        name = row["object_name"]
        labels[Question(f"{OTHER_EDITION}/{name}/{row['img_id']}", question_text(name), name)] = True
    other = dash_b_benchmark(benchmark.name, labels, benchmark.hashes)
    return replace(other, measures=benchmark.measures, own=benchmark.own)


def _rows(file: RowFile) -> list[AnswerRow]:
    rows = []
    for number, row in enumerate(file.rows, 1):
        where = f"{file.where}, row {number}"
        missing = [name for name in _FIELDS if name not in row]
        if missing:
            raise RepopeError(f"{where}: lacks {', '.join(missing)}; there are {field_names(row)}")
        rows.append(AnswerRow(number, response_text(row, "response", where, is_cell=file.is_table)))
    return rows


def _questions(rows: Sequence[AnswerRow], file: RowFile, benchmark: Benchmark) -> list[Question | None]:
    """The question of each row, about the one image that its label, object and file name may mean."""
    index = _index(benchmark)
    found: list[Question | None] = []
    for row, fields in zip(rows, file.rows, strict=True):
        where = f"{file.where}, row {row.number}"
        key = _key(fields, where)
        questions = index.get(key, [])
        if len(questions) != 1:
            images = " or ".join(question.image for question in questions[:3])
            label = "of unknown label" if key[0] is None else f"label {'yes' if key[0] else 'no'}"
            raise RepopeError(
                f"{where}: the image {shown(key[2])} of {shown(key[1])}, {label}, "
                f"{f'may be {images}' if images else 'is unknown'} to the benchmark; the answers are to other images, "
                "or to a part of another edition's: score all its answers at once, or answers whose `image` is named "
                "as in the index (neg/SET/OBJECT/FILE) with their `question`"
            )
        found.append(questions[0])
    return found


def _index(benchmark: Benchmark) -> Mapping[_Key, Sequence[Question]]:
    """The questions by label, object and file name; with and without the label."""
    (label_set,) = benchmark.label_sets
    index: dict[_Key, list[Question]] = {}
    for question, label in label_set.variants[NAME].items():
        # An object's name may have a slash in it, a file's has none.
        file = question.image.rsplit("/", 1)[-1]
        index.setdefault((label, question.object, file), []).append(question)
        index.setdefault((None, question.object, file), []).append(question)
    return index


def _key(row: Mapping[str, Any], where: str) -> _Key:
    for name in ("img_id", "object_name"):
        if not isinstance(row[name], str):
            raise RepopeError(f"{where}: the {name} is {shown(row[name])}, not a text")
    label = label_of(row.get("gt"))
    if label not in (None, *_LABELS):
        raise RepopeError(f"{where}: the gt is {shown(row['gt'])}; yes or no is expected")
    return (_LABELS[label] if isinstance(label, str) else None), row["object_name"], row["img_id"]


FORMAT = Format(recognises=_recognises, rows=_rows, questions=_questions, edition=_edition)
