"""Answer files of DASH-B's own code: joined by label, object and file name, or stopped with the row."""

import json
from pathlib import Path
from typing import Any

import pytest
from answer_examples import refuses

from repope_eval.benchmarks.benchmark import Benchmark
from repope_eval.benchmarks.dash_b import dash_b_benchmark, question_text
from repope_eval.benchmarks.sources import load_benchmark
from repope_eval.foreign_answers.benchmark_codes import has_other_positives
from repope_eval.foreign_answers.formats import join_file
from repope_eval.foreign_answers.joining import Joined
from repope_eval.records import Question
from repope_eval.settings.config import BenchSettings, ColumnSettings
from repope_eval.system.rows import RowFile

Row = dict[str, Any]

DASH_B = BenchSettings(name="dash_b", source="dash_b", variants=("dash_b",))

NAMES = {
    "neg/coco/bed/7.png": False,
    "neg/coco/tie/7.png": False,
    "pos/coco/bed/7.png": True,
    "pos/coco/bed/0.jpg": True,
    "pos/objects/bed/0.jpg": True,
}


def asked(image: str) -> Question:
    name = image.split("/")[2]
    return Question(image, question_text(name), name)


BENCHMARK = dash_b_benchmark("dash_b", {asked(image): label for image, label in NAMES.items()}, {})


def row(name: str, file: str, label: str | None, response: Any = "no") -> Row:
    fields = {"img_id": file, "object_name": name, "gt": label, "response": response, "answer": "yes"}
    return {key: value for key, value in fields.items() if key != "gt" or label is not None}


def joined(*rows: Row, is_table: bool = False, bench: Benchmark = BENCHMARK) -> Joined:
    file = RowFile(where="answers", rows=rows, is_table=is_table)
    return join_file(file, ColumnSettings(), bench, None)[0]


def test_label_object_and_file_name_one_image() -> None:
    found = joined(
        row("bed", "7.png", "yes", "a"), row("bed", "7.png", "no", "b"), row("tie", "7.png", None, "c")
    )
    assert {question.image: answer.response for question, answer in found.answers.items()} == {
        "pos/coco/bed/7.png": "a",
        "neg/coco/bed/7.png": "b",
        "neg/coco/tie/7.png": "c",
    }


def test_labels_are_read_in_any_case() -> None:
    found = joined(row("bed", "7.png", "Yes ", "a"), row("bed", "7.png", "NO", "b"))
    assert [question.image for question in found.answers] == ["pos/coco/bed/7.png", "neg/coco/bed/7.png"]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (
            row("bed", "0.jpg", "yes"),
            "'0.jpg' of 'bed', label yes, may be pos/coco/bed/0.jpg or pos/objects/bed/0",
        ),
        (
            row("bed", "7.png", None),
            "'7.png' of 'bed', of unknown label, may be neg/coco/bed/7.png or pos/coco",
        ),
        (
            row("bed", "8.png", "no"),
            "'8.png' of 'bed', label no, is unknown to the benchmark; the answers are",
        ),
        (row("bed", "coco/bed/7.png", "no"), "label no, is unknown"),
        (row("bed", "7.png", "maybe"), "the gt is 'maybe'; yes or no is expected"),
        ({"img_id": 7, "object_name": "bed", "response": "no"}, "the img_id is 7, not a text"),
        ({"img_id": "7.png", "response": "no"}, "lacks object_name; there are img_id, response"),
    ],
)
def test_what_may_be_another_image_or_is_none_stops_with_its_row(wrong: Row, message: str) -> None:
    with refuses("answers, row 2: ") as stopped:
        joined(row("bed", "7.png", "no"), wrong)
    assert message in str(stopped.value)  # type: ignore[attr-defined]


def test_a_table_of_them() -> None:
    found = joined(row("bed", "7.png", "no", None), row("tie", "7.png", "no"), is_table=True)
    assert [answer.response for answer in found.answers.values()] == ["", "no"]


def test_rows_that_name_image_and_question_are_joined_as_ever() -> None:
    image = "neg/coco/bed/7.png"
    plain = {"image": f"/data/dash_b/{image}", "question": question_text("bed"), "response": "no"}
    assert list(joined(plain).answers) == [asked(image)]
    with refuses("the image '7.png' may be neg/coco/bed/7.png or neg/coco/tie/7.png or pos/coco/bed/7.png"):
        joined(plain | {"image": "7.png"})


def test_of_another_benchmark_they_are_refused_with_the_right_one() -> None:
    other = Benchmark("repope", (), {"random": {1: Question("1.jpg", "?", "")}}, {})
    with refuses(
        "answers: is a file of DASH-B's own code (img_id, object_name, response); give bench=dash_b"
    ):
        joined(row("bed", "7.png", "no"), bench=other)


@pytest.fixture
def published(shared: Path) -> list[Row]:
    rows: list[Row] = json.loads((shared / "dash_b" / "paligemma-3b_answers.json").read_text())
    return rows


def test_published_answers_are_about_positives_of_their_own(published: list[Row], shared: Path) -> None:
    index = load_benchmark(DASH_B, shared)
    file = RowFile(where="answers", rows=published[::-1])
    found, bench = join_file(file, ColumnSettings(), index, None)
    assert has_other_positives(bench)
    assert not has_other_positives(index)
    assert bench.measures == index.measures
    positives = [question for question in found.answers if not question.image.startswith("neg/")]
    assert len(positives) == 1341
    assert not set(positives) & set(index.questions)
    assert len(set(found.answers) & set(index.questions)) == 1341


@pytest.mark.parametrize("change", ["one renamed", "the first 2000"])
def test_all_but_the_whole_of_the_published_answers_must_be_in_the_index(
    change: str, published: list[Row], shared: Path
) -> None:
    rows = {
        "one less": published[:-1],
        "one renamed": [*published[:-1], published[-1] | {"img_id": "x.jpg"}],
        "the first 2000": published[:2000],
    }[change]
    with refuses(
        "answers, row 1342: the image '0.jpg' of 'backpack', label yes, is unknown to the benchmark"
    ):
        joined(*rows, bench=load_benchmark(DASH_B, shared))


def test_negatives_alone_are_joined(published: list[Row], shared: Path) -> None:
    negatives = [row for row in published if row["gt"] == "no"]
    found = joined(*negatives, bench=load_benchmark(DASH_B, shared))
    assert len(found.answers) == 1341
