"""Files in the form that POPE's own code reads: question and answer, which only a whole published file can place."""

from pathlib import Path
from typing import Any

import pytest
from answer_examples import refuses
from variant_examples import VARIANTS, benchmark

from repope_eval.benchmarks.benchmark import Benchmark
from repope_eval.benchmarks.pope_file import POPE_VARIANTS
from repope_eval.benchmarks.sources import load_benchmark
from repope_eval.foreign_answers.formats import join_file, join_files
from repope_eval.records import Question
from repope_eval.settings.config import BenchSettings, ColumnSettings
from repope_eval.system.rows import RowFile

Row = dict[str, Any]


def code(asked: Question) -> str:
    """A response that says which question it answers."""
    return f"{asked.image} {asked.object}"


def rows_of(questions: Any) -> list[Row]:
    return [{"question": asked.text, "answer": code(asked)} for asked in questions]


def file_of(rows: list[Row]) -> RowFile:
    return RowFile(where="answers", rows=rows)


def require_all_right(bench: Benchmark, *files: RowFile) -> int:
    """Checks that each answer went to its own question; how many there are."""
    found, _ = join_files([(file, None) for file in files], ColumnSettings(), bench)
    assert all(answer.response == code(asked) for asked, answer in found.answers.items())
    assert (found.unjoined, found.n_conflicts) == ((), 0)
    return len(found.answers)


@pytest.fixture(params=["coco", "pope_gqa"])
def bench(request: pytest.FixtureRequest, published: Path) -> Benchmark:
    data_dir = published.parent if request.param == "coco" else published
    return load_benchmark(
        BenchSettings(name=request.param, source=request.param, variants=POPE_VARIANTS), data_dir
    )


def test_a_whole_file_is_of_the_variant_whose_questions_stand_at_its_places(bench: Benchmark) -> None:
    files = [file_of(rows_of(questions.values())) for questions in bench.ids.values()]
    for file, questions in zip(files, bench.ids.values(), strict=True):
        assert require_all_right(bench, file) == len(set(questions.values()))
    assert require_all_right(bench, *files) == len(bench.questions)


def test_the_rows_that_repope_has_left_are_a_label_file_too(published: Path) -> None:
    settings = BenchSettings(name="repope", source="coco", variants=("adversarial",))
    bench = load_benchmark(settings, published.parent)
    left = bench.label_sets[1].variants["adversarial"]
    assert require_all_right(bench, file_of(rows_of(left))) == 2684


def test_parts_and_other_orders_are_refused_with_the_mend(bench: Benchmark) -> None:
    rows = rows_of(bench.ids["popular"].values())
    with refuses(
        "answers: has 2,999 rows without image, which are told by their place in a whole label file alone"
    ):
        require_all_right(bench, file_of(rows[1:]))
    swapped = [rows[1], rows[0], *rows[2:]]
    with refuses("answers, row 1: asks "):
        require_all_right(bench, file_of(swapped))
    with refuses("give each row its image, in a column that columns.image= names"):
        require_all_right(bench, file_of([*rows[1:], rows[0]]))


def test_a_file_that_is_not_published_places_no_row() -> None:
    """Its questions may be the same about every image."""
    with refuses(
        "answers, row 1: names no image; rows of question and answer alone go by their place in a label file"
    ):
        join_file(file_of(rows_of(VARIANTS["random"])), ColumnSettings(), benchmark(**VARIANTS), None)


@pytest.mark.parametrize("fields", [{"image": "1.jpg"}, {"question_id": 1}])
def test_rows_that_say_more_are_joined_by_that(fields: Row) -> None:
    asked = VARIANTS["random"][0]
    bench = benchmark(random=[asked])
    row = {"question": asked.text, "answer": "no", **fields}
    found, _ = join_file(file_of([row]), ColumnSettings(), bench, None)
    assert [answer.response for answer in found.answers.values()] == ["no"]
