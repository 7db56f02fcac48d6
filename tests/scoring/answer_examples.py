"""A benchmark of two questions, rows about it, and what comes of joining them; for the tests of answer files."""

import re
from contextlib import AbstractContextManager
from typing import Any

import pytest

from repope_eval.benchmarks.benchmark import Benchmark
from repope_eval.errors import RepopeError
from repope_eval.foreign_answers.formats import join_file
from repope_eval.foreign_answers.joining import Joined
from repope_eval.foreign_answers.rows import Ids, question_texts
from repope_eval.records import Question
from repope_eval.settings.config import ColumnSettings
from repope_eval.system.rows import RowFile

DOG, CAT = "Is there a dog in the image?", "Is there a cat in the image?"
INSTRUCTION = "\nAnswer the question using a single word or phrase."
IMAGE = "COCO_val2014_000000310196.jpg"
ASKED = Question(IMAGE, DOG, "dog")
OTHER = Question(IMAGE, CAT, "cat")

ONE_VARIANT: Ids = {"random": {1: ASKED, 2: OTHER}}
TWO_VARIANTS: Ids = {"random": {1: ASKED, 2: OTHER}, "popular": {1: OTHER, 2: ASKED}}

Row = dict[str, Any]


def joined(rows: list[Row], questions: list[Row] | None = None, ids: Ids = TWO_VARIANTS) -> Joined:
    texts = None if questions is None else question_texts(questions, "questions.jsonl")
    file = RowFile(where="answers.jsonl", rows=rows)
    return join_file(file, ColumnSettings(), Benchmark("pope", (), ids, {}), texts)[0]


def responses(found: Joined) -> dict[Question, str]:
    return {question: answer.response for question, answer in found.answers.items()}


def refuses(message: str) -> AbstractContextManager[object]:
    return pytest.raises(RepopeError, match=re.escape(message))
