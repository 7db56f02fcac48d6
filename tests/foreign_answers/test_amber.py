"""Files in the form that AMBER's own code reads: joined by id where the ids are AMBER's, and by nothing less."""

from typing import Any

import pytest
from answer_examples import refuses, responses

from repope_eval.benchmarks import amber
from repope_eval.benchmarks.benchmark import Benchmark
from repope_eval.foreign_answers.formats import join_file
from repope_eval.foreign_answers.joining import Joined
from repope_eval.records import LabelSet, Question
from repope_eval.settings.config import ColumnSettings
from repope_eval.system.rows import RowFile

Row = dict[str, Any]

SKY = Question("AMBER_1.jpg", "Is the sky sunny in this image?", "state")
LAKE = Question("AMBER_1.jpg", "Is the lake calm in this image?", "state")
BOAT = Question("AMBER_2.jpg", "Is there a boat in this image?", "boat")
IDS: dict[str, dict[int | str, Question]] = {
    "state": {1005: SKY, 1006: LAKE, 1007: SKY},
    "existence": {2001: BOAT},
}
BENCHMARK = Benchmark(
    "amber", (LabelSet("amber", {}),), IDS, {**amber.QUERIES.sha256, "annotations.json": "a"}
)


def joined(*rows: Row, bench: Benchmark = BENCHMARK, is_table: bool = False) -> Joined:
    file = RowFile(where="answers", rows=rows, is_table=is_table)
    return join_file(file, ColumnSettings(), bench, None)[0]


def test_an_id_leads_to_its_question() -> None:
    found = joined({"id": 2001, "response": "No"}, {"id": 1006, "response": "Yes"})
    assert responses(found) == {BOAT: "No", LAKE: "Yes"}
    assert (found.unjoined, found.n_conflicts) == ((), 0)


@pytest.mark.parametrize("number", ["1006", 1006.0])
def test_an_id_as_a_table_writes_it(number: object) -> None:
    assert responses(joined({"id": number, "response": "Yes"}, is_table=True)) == {LAKE: "Yes"}


def test_generative_and_unknown_ids_are_left_out() -> None:
    rows = [
        {"id": 1, "response": "A lake."},
        {"id": 2001, "response": "No"},
        {"id": 99_999, "response": "No"},
    ]
    found = joined(*rows)
    assert responses(found) == {BOAT: "No"}
    assert [row.number for row in found.unjoined] == [1, 3]
    with refuses(
        "answers: none of 1 row has the id of a question that yes or no answers, first id '1'; those of"
    ):
        joined(rows[0])


def test_the_earlier_of_two_answers_counts() -> None:
    """Also where two ids ask one question, as ten of AMBER's do."""
    found = joined(
        {"id": 1005, "response": "No"}, {"id": 1005, "response": "Yes"}, {"id": 1007, "response": "Yes"}
    )
    assert responses(found) == {SKY: "No"}
    assert (found.n_conflicts, found.first_conflict) == (2, (1, 2))


def test_image_and_query_beside_the_id_must_be_those_of_the_id() -> None:
    row = {"id": 1006, "image": "AMBER_1.jpg", "query": f"{LAKE.text} Answer yes or no.", "response": "Yes"}
    assert responses(joined(row)) == {LAKE: "Yes"}
    assert joined(row, {"id": 1, "image": "AMBER_1.jpg", "query": "Describe it.", "response": "x"}).unjoined
    for change in ({"id": 1005}, {"image": "AMBER_2.jpg"}, {"query": BOAT.text}):
        with refuses("answers, row 2: id '100"):
            joined({"id": 2001, "response": "No"}, row | change)


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
        joined({"id": 1005, "response": "No"}, wrong)


@pytest.mark.parametrize("hashes", [{}, {"query_discriminative.json": "another"}])
def test_ids_of_no_published_file_are_not_trusted(hashes: dict[str, str]) -> None:
    other = Benchmark("repope", (), {"random": {1005: SKY}}, hashes)
    with refuses(
        "answers: its rows go by id, as AMBER's own code has them (id, response); give bench=amber, or rows that name "
        "an image and a question"
    ):
        joined({"id": 1005, "response": "No"}, bench=other)


@pytest.mark.parametrize(
    "fields",
    [{"id": 7, "question_id": 1005}, {"id": 7, "image": "1.jpg", "query": "Is there a dog in the image?"}],
)
def test_rows_that_name_something_else_are_not_of_this_form(fields: Row) -> None:
    with refuses("answers, row 1: names no "):
        joined({**fields, "response": "No"})


def test_an_id_beside_image_and_question_says_nothing() -> None:
    row = {"id": 1006, "image": "AMBER_2.jpg", "question": BOAT.text, "response": "No"}
    assert responses(joined(row)) == {BOAT: "No"}
