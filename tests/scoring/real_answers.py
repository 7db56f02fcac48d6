"""POPE and RePOPE as their files have them, and a real model's answers: where the shared files are there.

They are read once in a process, and belong to all of its tests.
"""

from functools import cache
from pathlib import Path

import pytest

from repope_eval.benchmarks.benchmark import POPE_LABELS, Benchmark, make_benchmark
from repope_eval.benchmarks.pope_file import read_rows as read_pope_file
from repope_eval.foreign_answers.formats import join_file
from repope_eval.foreign_answers.joining import Joined
from repope_eval.foreign_answers.rows import question_texts
from repope_eval.settings.config import ColumnSettings
from repope_eval.system.json_files import read_rows
from repope_eval.system.rows import RowFile

VARIANTS = ("random", "popular", "adversarial")


@cache
def benchmark(shared: Path) -> Benchmark:
    originals, relabelled = (
        {
            variant: read_pope_file(shared / "annotations" / f"coco_{kind}_{variant}.json")
            for variant in VARIANTS
        }
        for kind in POPE_LABELS
    )
    return make_benchmark("repope", originals, relabelled, POPE_LABELS, {})


def published(shared: Path, size: str = "13b") -> tuple[Path, Path]:
    """The answer file of a LLaVA-1.5, and the question file its ids point into."""
    answers, questions = (
        shared / "answers" / name for name in (f"llava-v1.5-{size}.jsonl", "llava-v1.5_questions.jsonl")
    )
    if not (answers.is_file() and questions.is_file()):
        pytest.skip(f"{answers} or {questions} is not there")
    return answers, questions


def joined(shared: Path, questions: Benchmark, size: str = "13b", *, misspelt: bool = False) -> Joined:
    """A model's answers; known figures are of those without the rows that spell "imange", of 13B 246."""
    assert questions is benchmark(shared)
    return _joined(shared, size, misspelt)


@cache
def _joined(shared: Path, size: str, misspelt: bool) -> Joined:
    answer_file, question_file = published(shared, size)
    texts = question_texts(read_rows(question_file), "questions")
    rows = read_rows(answer_file)
    rows = [row for row in rows if misspelt or "imange" not in texts[str(row["question_id"])][1]]
    return join_file(RowFile(where="answers", rows=rows), ColumnSettings(), benchmark(shared), texts)[0]
