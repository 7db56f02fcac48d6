"""A benchmark of three variants, made as POPE is; for the tests of files that name no image."""

from typing import Any

from repope_eval.benchmarks.benchmark import Benchmark
from repope_eval.foreign_answers.formats import join_file
from repope_eval.foreign_answers.joining import Joined
from repope_eval.records import Question
from repope_eval.settings.config import ColumnSettings
from repope_eval.system.rows import RowFile

Row = dict[str, Any]


def question(image: str, name: str) -> Question:
    return Question(f"{image}.jpg", f"Is there a {name} in the image?", name)


# As in POPE: the variants share their images and the questions with label yes, and differ in the others.
RANDOM = [question("1", name) for name in ("dog", "cup")] + [question("2", name) for name in ("cat", "tie")]
POPULAR = [RANDOM[0], question("1", "car"), RANDOM[2], question("2", "chair")]
ADVERSARIAL = [RANDOM[0], question("1", "cup"), RANDOM[2], question("2", "sofa")]
VARIANTS = {"random": RANDOM, "popular": POPULAR, "adversarial": ADVERSARIAL}
BY_HUB = [*ADVERSARIAL, *POPULAR, *RANDOM]


def benchmark(**variants: list[Question]) -> Benchmark:
    ids = {name: dict(enumerate(questions, 1)) for name, questions in variants.items()}
    return Benchmark("repope", (), ids, {})


def joined(rows: list[Row], bench: Benchmark | None = None, **kind: bool) -> Joined:
    file = RowFile(where="answers", rows=rows, **kind)
    return join_file(file, ColumnSettings(), bench or benchmark(**VARIANTS), None)[0]
