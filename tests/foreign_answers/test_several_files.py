"""Several answer files of one model are joined together, each by what it holds."""

from collections.abc import Sequence
from typing import Any

import pytest
from run_folders import demo

from repope_eval.benchmarks.benchmark import Benchmark
from repope_eval.errors import RepopeError
from repope_eval.foreign_answers.formats import join_files
from repope_eval.settings.config import ColumnSettings
from repope_eval.system.rows import RowFile

VARIANTS = ("random", "popular", "adversarial")


@pytest.fixture(scope="module")
def benchmark() -> Benchmark:
    return demo()


def file(where: str, rows: Sequence[dict[str, Any]]) -> RowFile:
    return RowFile(where=where, rows=rows)


def by_id(benchmark: Benchmark, variant: str, response: str = "Yes") -> RowFile:
    """Rows that name a variant's question by its id, and no image."""
    rows = [
        {"question_id": key, "question": question.text, "response": response}
        for key, question in benchmark.ids[variant].items()
    ]
    return file(f"{variant}.jsonl", rows)


def test_files_without_images_are_each_of_the_variant_they_fit(benchmark: Benchmark) -> None:
    files = [(by_id(benchmark, variant), None) for variant in reversed(VARIANTS)]
    joined, edition = join_files(files, ColumnSettings(), benchmark)
    assert set(joined.answers) == set(benchmark.questions)
    assert joined.n_rows == sum(len(questions) for questions in benchmark.ids.values())
    assert (joined.unjoined, joined.n_conflicts, edition) == ((), 0, benchmark)


def test_the_first_of_two_files_counts_and_what_differs_is_counted(benchmark: Benchmark) -> None:
    files = [(by_id(benchmark, "random", "Yes"), None), (by_id(benchmark, "popular", "No"), None)]
    joined, _ = join_files(files, ColumnSettings(), benchmark)
    shared = set(benchmark.ids["random"].values()) & set(benchmark.ids["popular"].values())
    assert joined.n_conflicts == len(shared) > 0
    assert all(joined.answers[question].response == "Yes" for question in shared)


def test_a_file_that_fits_no_variant_is_named(benchmark: Benchmark) -> None:
    strange = file("strange.jsonl", [{"question_id": 1, "question": "Is it raining?", "response": "Yes"}])
    with pytest.raises(RepopeError, match=r"strange\.jsonl, row 1: has no image"):
        join_files([(by_id(benchmark, "random"), None), (strange, None)], ColumnSettings(), benchmark)


def test_each_file_may_have_a_question_file_of_its_own(benchmark: Benchmark) -> None:
    files = []
    for variant in VARIANTS:
        questions = list(benchmark.ids[variant].values())
        rows = [{"question_id": number, "response": "Yes"} for number in range(len(questions))]
        texts = {str(number): (question.image, question.text) for number, question in enumerate(questions)}
        files.append((file(f"{variant}.jsonl", rows), texts))
    joined, _ = join_files(files, ColumnSettings(), benchmark)
    assert set(joined.answers) == set(benchmark.questions)
