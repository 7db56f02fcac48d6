"""The answer files of DASH-B's own code, joined to its questions.

A row has `img_id` (a file name alone), `object_name`, `gt` (yes or no) and `response`; the `answer` beside it is
what the code read in the response. It is joined by label, object and file name, which together name one image,
and what is not in the index stops the scoring with its row.

One exception: the answers that the authors published beside the index are about other positive images than the
index's. They are numbered (0.jpg, 1.jpg, ... for each object), differ in number for 20 objects, and hundreds
share a name with an image of the index by chance. Such a file is recognised by the hash of all its positives;
these are then scored by the file's own labels, as images of their own, and none is taken for one of the index.
"""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from repope_eval.benchmarks.benchmark import Benchmark
from repope_eval.benchmarks.dash_b import NAME, dash_b_benchmark, question_text
from repope_eval.benchmarks.pope_file import label_of
from repope_eval.errors import RepopeError
from repope_eval.files.rows import RowFile
from repope_eval.foreign_answers.joining import Joined, gather
from repope_eval.foreign_answers.rows import AnswerRow, field_names
from repope_eval.records import Question
from repope_eval.wording import shown

OTHER_POSITIVES_SHA256 = "30770ac8a1705e7639c08ef205c3596eae1fcc40cd48b1d09612d4a879ebc66a"
"""Of the lines `OBJECT/FILE` of the positives that the published answers are about, sorted."""
OTHER_EDITION = "pos-other-edition"
"""Takes the place of `pos/SET` in the names of their images."""

_LABELS = {"yes": True, "no": False}
FIELDS = ("img_id", "object_name", "response")
"""Of each row of such a file."""

Key = tuple[bool | None, str, str]
"""Label, object and file name; no label where the row gives none."""


def is_dash_b_file(file: RowFile) -> bool:
    """Whether an answer file is of DASH-B's own make, by the fields of its first row."""
    return bool(file.rows) and set(FIELDS) <= set(file.rows[0])


def edition(file: RowFile, benchmark: Benchmark) -> Benchmark:
    """The benchmark that a file of DASH-B's own make is about: the given one, or that of the published answers."""
    rows = [row for row in file.rows if label_of(row.get("gt")) == "yes"]
    lines = sorted(f"{row.get('object_name')}/{row.get('img_id')}" for row in rows)
    if hashlib.sha256("\n".join(lines).encode()).hexdigest() != OTHER_POSITIVES_SHA256:
        return benchmark
    (label_set,) = benchmark.label_sets
    labels: dict[Question, bool] = {
        question: label for question, label in label_set.variants[NAME].items() if not label
    }
    for row in rows:
        name = row["object_name"]
        labels[Question(f"{OTHER_EDITION}/{name}/{row['img_id']}", question_text(name), name)] = True
    return dash_b_benchmark(benchmark.name, labels, benchmark.hashes)


def has_other_positives(benchmark: Benchmark) -> bool:
    """Whether a benchmark is that of the published answers."""
    return any(question.image.startswith(f"{OTHER_EDITION}/") for question in benchmark.questions)


def join_dash_b(file: RowFile, benchmark: Benchmark) -> Joined:
    """Joins a file of DASH-B's own make to the edition of the benchmark that it is about.

    Raises:
        RepopeError: a row lacks a field, or is about an image that the benchmark does not have, or has twice.
    """
    index = _index(benchmark)
    pairs: list[tuple[AnswerRow, Question | None]] = []
    for number, row in enumerate(file.rows, 1):
        place = f"{file.where}, row {number}"
        key = _key(row, place)
        found = index.get(key, [])
        if len(found) != 1:
            what = (
                f"may be {' or '.join(question.image for question in found[:3])}" if found else "is unknown"
            )
            raise RepopeError(
                f"{place}: the image {shown(key[2])} of {shown(key[1])}, {_label_words(key[0])}, {what} to the "
                "benchmark; the answers are to other images, or to a part of another edition's: score all its answers "
                "at once, or answers whose `image` is named as in the index (neg/SET/OBJECT/FILE) with their `question`"
            )
        response = row["response"]
        if response is None and file.is_table:
            response = ""
        if not isinstance(response, str):
            raise RepopeError(
                f"{place}: the response is {shown(response)}, not a text; leave out rows without a response"
            )
        (question,) = found
        answer = AnswerRow(number, response, None, question.image, question.text, None, None, None)
        pairs.append((answer, question))
    return gather(pairs, file.where)


def _index(benchmark: Benchmark) -> Mapping[Key, Sequence[Question]]:
    """The questions by label, object and file name; with and without the label."""
    (label_set,) = benchmark.label_sets
    index: dict[Key, list[Question]] = {}
    for question, label in label_set.variants[NAME].items():
        # The object's name may hold a slash, the file's none.
        file = question.image.rsplit("/", 1)[-1]
        index.setdefault((label, question.object, file), []).append(question)
        index.setdefault((None, question.object, file), []).append(question)
    return index


def _key(row: Mapping[str, Any], place: str) -> Key:
    missing = [name for name in FIELDS if name not in row]
    if missing:
        raise RepopeError(f"{place}: lacks {', '.join(missing)}; there are {field_names(row)}")
    for name in ("img_id", "object_name"):
        if not isinstance(row[name], str):
            raise RepopeError(f"{place}: the {name} is {shown(row[name])}, not a text")
    label = label_of(row.get("gt"))
    if label not in (None, *_LABELS):
        raise RepopeError(f"{place}: the gt is {shown(row['gt'])}; yes or no is expected")
    return (_LABELS[label] if isinstance(label, str) else None), row["object_name"], row["img_id"]


def _label_words(label: bool | None) -> str:
    return "of unknown label" if label is None else f"label {'yes' if label else 'no'}"
