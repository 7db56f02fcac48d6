"""Files in the forms that AMBER's, DASH-B's and POPEv2's own code reads: no answer goes to another question."""

import json
from pathlib import Path
from typing import Any

import pytest
from answer_examples import refuses, responses

from repope_eval.benchmarks import amber
from repope_eval.benchmarks.benchmark import Benchmark
from repope_eval.benchmarks.dash_b import dash_b_benchmark, question_text
from repope_eval.benchmarks.popev2 import VARIANTS
from repope_eval.benchmarks.sources import load_benchmark
from repope_eval.foreign_answers.benchmark_codes import POPEV2_RESPONSES, has_other_positives
from repope_eval.foreign_answers.formats import join_file
from repope_eval.foreign_answers.joining import Joined
from repope_eval.records import LabelSet, Question
from repope_eval.settings.config import BenchSettings, ColumnSettings
from repope_eval.system.rows import RowFile

Row = dict[str, Any]

SKY = Question("AMBER_1.jpg", "Is the sky sunny in this image?", "state")
LAKE = Question("AMBER_1.jpg", "Is the lake calm in this image?", "state")
BOAT = Question("AMBER_2.jpg", "Is there a boat in this image?", "boat")
IDS: dict[str, dict[int | str, Question]] = {
    "state": {1005: SKY, 1006: LAKE, 1007: SKY},
    "existence": {2001: BOAT},
}
AMBER = Benchmark("amber", (LabelSet("amber", {}),), IDS, {**amber.QUERIES.sha256, "annotations.json": "a"})


def joined_amber(*rows: Row, bench: Benchmark = AMBER, is_table: bool = False) -> Joined:
    file = RowFile(where="answers", rows=rows, is_table=is_table)
    return join_file(file, ColumnSettings(), bench, None)[0]


def test_an_id_leads_to_its_question() -> None:
    found = joined_amber({"id": 2001, "response": "No"}, {"id": 1006, "response": "Yes"})
    assert responses(found) == {BOAT: "No", LAKE: "Yes"}
    assert (found.unjoined, found.n_conflicts) == ((), 0)


@pytest.mark.parametrize("number", ["1006", 1006.0])
def test_an_id_as_a_table_writes_it(number: object) -> None:
    assert responses(joined_amber({"id": number, "response": "Yes"}, is_table=True)) == {LAKE: "Yes"}


def test_generative_and_unknown_ids_are_left_out() -> None:
    rows = [
        {"id": 1, "response": "A lake."},
        {"id": 2001, "response": "No"},
        {"id": 99_999, "response": "No"},
    ]
    found = joined_amber(*rows)
    assert responses(found) == {BOAT: "No"}
    assert [row.number for row in found.unjoined] == [1, 3]
    with refuses(
        "answers: none of 1 row has the id of a question that yes or no answers, first id '1'; those of"
    ):
        joined_amber(rows[0])


def test_the_earlier_of_two_answers_counts() -> None:
    """Also where two ids ask one question, as ten of AMBER's do."""
    found = joined_amber(
        {"id": 1005, "response": "No"}, {"id": 1005, "response": "Yes"}, {"id": 1007, "response": "Yes"}
    )
    assert responses(found) == {SKY: "No"}
    assert (found.n_conflicts, found.first_conflict) == (2, (1, 2))


def test_image_and_query_beside_the_id_must_be_those_of_the_id() -> None:
    row = {"id": 1006, "image": "AMBER_1.jpg", "query": f"{LAKE.text} Answer yes or no.", "response": "Yes"}
    assert responses(joined_amber(row)) == {LAKE: "Yes"}
    assert joined_amber(
        row, {"id": 1, "image": "AMBER_1.jpg", "query": "Describe it.", "response": "x"}
    ).unjoined
    for change in ({"id": 1005}, {"image": "AMBER_2.jpg"}, {"query": BOAT.text}):
        with refuses("answers, row 2: id '100"):
            joined_amber({"id": 2001, "response": "No"}, row | change)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"response": "No"}, "row 2: has no column 'id'"),
        ({"id": 1006, "response": None}, "row 2: the response is None, not a text"),
        ({"id": True, "response": "No"}, "row 2: the id is True, neither a whole number nor a text"),
    ],
)
def test_a_broken_row_stops_with_its_number(wrong: Row, message: str) -> None:
    with refuses(f"answers, {message}"):
        joined_amber({"id": 1005, "response": "No"}, wrong)


@pytest.mark.parametrize("hashes", [{}, {"query_discriminative.json": "another"}])
def test_ids_of_no_published_file_are_not_trusted(hashes: dict[str, str]) -> None:
    other = Benchmark("repope", (), {"random": {1005: SKY}}, hashes)
    with refuses(
        "answers: its rows go by id, as AMBER's own code has them (id, response); give bench=amber, or rows that name "
        "an image and a question"
    ):
        joined_amber({"id": 1005, "response": "No"}, bench=other)


@pytest.mark.parametrize(
    "fields",
    [{"id": 7, "question_id": 1005}, {"id": 7, "image": "1.jpg", "query": "Is there a dog in the image?"}],
)
def test_rows_that_name_something_else_are_not_of_this_form(fields: Row) -> None:
    with refuses("answers, row 1: names no "):
        joined_amber({**fields, "response": "No"})


def test_an_id_beside_image_and_question_says_nothing() -> None:
    row = {"id": 1006, "image": "AMBER_2.jpg", "question": BOAT.text, "response": "No"}
    assert responses(joined_amber(row)) == {BOAT: "No"}


DASH_B_SETTINGS = BenchSettings(name="dash_b", source="dash_b", variants=("dash_b",))

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


DASH_B = dash_b_benchmark("dash_b", {asked(image): label for image, label in NAMES.items()}, {})


def row(name: str, file: str, label: str | None, response: Any = "no") -> Row:
    fields = {"img_id": file, "object_name": name, "gt": label, "response": response, "answer": "yes"}
    return {key: value for key, value in fields.items() if key != "gt" or label is not None}


def joined_dash_b(*rows: Row, is_table: bool = False, bench: Benchmark = DASH_B) -> Joined:
    file = RowFile(where="answers", rows=rows, is_table=is_table)
    return join_file(file, ColumnSettings(), bench, None)[0]


def test_label_object_and_file_name_one_image() -> None:
    found = joined_dash_b(
        row("bed", "7.png", "yes", "a"), row("bed", "7.png", "no", "b"), row("tie", "7.png", None, "c")
    )
    assert {question.image: answer.response for question, answer in found.answers.items()} == {
        "pos/coco/bed/7.png": "a",
        "neg/coco/bed/7.png": "b",
        "neg/coco/tie/7.png": "c",
    }


def test_labels_are_read_in_any_case() -> None:
    found = joined_dash_b(row("bed", "7.png", "Yes ", "a"), row("bed", "7.png", "NO", "b"))
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
        joined_dash_b(row("bed", "7.png", "no"), wrong)
    assert message in str(stopped.value)  # type: ignore[attr-defined]


def test_a_table_of_them() -> None:
    found = joined_dash_b(row("bed", "7.png", "no", None), row("tie", "7.png", "no"), is_table=True)
    assert [answer.response for answer in found.answers.values()] == ["", "no"]


def test_rows_that_name_image_and_question_are_joined_as_ever() -> None:
    image = "neg/coco/bed/7.png"
    plain = {"image": f"/data/dash_b/{image}", "question": question_text("bed"), "response": "no"}
    assert list(joined_dash_b(plain).answers) == [asked(image)]
    with refuses("the image '7.png' may be neg/coco/bed/7.png or neg/coco/tie/7.png or pos/coco/bed/7.png"):
        joined_dash_b(plain | {"image": "7.png"})


def test_of_another_benchmark_they_are_refused_with_the_right_one() -> None:
    other = Benchmark("repope", (), {"random": {1: Question("1.jpg", "?", "")}}, {})
    with refuses(
        "answers: is a file of DASH-B's own code (img_id, object_name, response); give bench=dash_b"
    ):
        joined_dash_b(row("bed", "7.png", "no"), bench=other)


@pytest.fixture
def published_rows(shared: Path) -> list[Row]:
    rows: list[Row] = json.loads((shared / "dash_b" / "paligemma-3b_answers.json").read_text())
    return rows


def test_published_answers_are_about_positives_of_their_own(published_rows: list[Row], shared: Path) -> None:
    index = load_benchmark(DASH_B_SETTINGS, shared)
    file = RowFile(where="answers", rows=published_rows[::-1])
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
    change: str, published_rows: list[Row], shared: Path
) -> None:
    rows = {
        "one less": published_rows[:-1],
        "one renamed": [*published_rows[:-1], published_rows[-1] | {"img_id": "x.jpg"}],
        "the first 2000": published_rows[:2000],
    }[change]
    with refuses(
        "answers, row 1342: the image '0.jpg' of 'backpack', label yes, is unknown to the benchmark"
    ):
        joined_dash_b(*rows, bench=load_benchmark(DASH_B_SETTINGS, shared))


def test_negatives_alone_are_joined(published_rows: list[Row], shared: Path) -> None:
    negatives = [row for row in published_rows if row["gt"] == "no"]
    found = joined_dash_b(*negatives, bench=load_benchmark(DASH_B_SETTINGS, shared))
    assert len(found.answers) == 1341


CUP = "Is there a cup in the image?"
PHOTOGRAPH = Question("train2017/000000000007.jpg", CUP, "cup")
PAINTED_OUT = Question("popev2/images/000000000007.jpg", CUP, "cup")
POPEV2 = Benchmark(
    "popev2",
    (LabelSet("popev2", {}),),
    {"photograph": {"a": PHOTOGRAPH}, "painted_out": {"b": PAINTED_OUT}},
    {},
)


def popev2_row(image: str, **fields: Any) -> Row:
    return {
        "image_id": 7,
        "image_name": image,
        "target_object": "cup",
        "query": CUP,
        "label": "Yes",
        **fields,
    }


def joined_popev2(*rows: Row, bench: Benchmark = POPEV2) -> Joined:
    return join_file(RowFile(where="answers", rows=rows), ColumnSettings(), bench, None)[0]


@pytest.mark.parametrize("field", POPEV2_RESPONSES)
@pytest.mark.parametrize("folder", ["", "D:\\data\\POPEv2"])
def test_names_of_images_are_those_of_the_authors_file(field: str, folder: str) -> None:
    found = joined_popev2(
        popev2_row(f"{folder}/images/000000000007.jpg", **{field: "No"}),
        popev2_row(f"{folder}/coco/train2017/000000000007.jpg", **{field: "Yes, a cup."}),
    )
    assert responses(found) == {PAINTED_OUT: "No", PHOTOGRAPH: "Yes, a cup."}


def test_they_join_under_names_in_common_use_as_well() -> None:
    found = joined_popev2(
        {"image": "/images/000000000007.jpg", "question": CUP, "response": "No"},
        {"image": "/coco/train2017/000000000007.jpg", "question": CUP, "response": "Yes"},
    )
    assert responses(found) == {PAINTED_OUT: "No", PHOTOGRAPH: "Yes"}


def test_a_file_name_alone_may_be_either_of_a_pair() -> None:
    with refuses(
        "answers, row 1: the image '000000000007.jpg' may be train2017/000000000007.jpg or popev2/images"
    ):
        joined_popev2(popev2_row("000000000007.jpg", response="No"))


def test_rows_of_popev2_are_refused_in_another_benchmark_with_the_right_one() -> None:
    with refuses(
        "answers: its rows are named as POPEv2's (image_name, query); give bench=popev2, or columns.image="
    ):
        joined_popev2(
            popev2_row("/images/000000000007.jpg", response="No"),
            bench=Benchmark("repope", (LabelSet("pope", {}),), {"random": {1: PHOTOGRAPH}}, {}),
        )


def test_the_published_rows_join_one_by_one(published: Path) -> None:
    benchmark = load_benchmark(BenchSettings(name="popev2", source="popev2", variants=VARIANTS), published)
    rows = json.loads((published / "popev2" / "annotations.json").read_text())
    found = joined_popev2(*[{**each, "response": each["label"]} for each in rows], bench=benchmark)
    assert (len(found.answers), found.unjoined, found.n_conflicts) == (1000, (), 0)
    (labels,) = benchmark.label_sets
    told = {asked: label for of_variant in labels.variants.values() for asked, label in of_variant.items()}
    assert {asked: said == "Yes" for asked, said in responses(found).items()} == told
