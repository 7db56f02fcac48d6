"""Answer files of other programs: each recognised, joined, and stopped at the first text out of its place."""

from collections.abc import Mapping
from typing import Any

import pytest
from answer_examples import refuses, responses
from variant_examples import ADVERSARIAL, BY_HUB, POPULAR, RANDOM, VARIANTS, benchmark, joined, question

from repope_eval.foreign_answers.joining import Joined
from repope_eval.records import Question

Row = dict[str, Any]

INSTRUCTION = "\nAnswer the question using a single word or phrase."


# The paper's code.


def paper(variants: Mapping[str, list[Question]], **change: Any) -> list[Row]:
    return [
        {"text": asked.text, "response": f"{subset} {number}", "label": "yes", "subset": subset}
        | {"question_id": str(number)}
        | change
        for subset, questions in variants.items()
        for number, asked in enumerate(questions, 1)
    ]


def test_paper_rows_are_joined_by_subset_and_id() -> None:
    found = joined(paper(VARIANTS), is_nested=True)
    assert responses(found)[POPULAR[3]] == "popular 4"
    assert (len(found.answers), found.n_rows, found.n_conflicts) == (7, 12, 5)


def test_paper_rows_of_other_variants_and_a_part_of_them() -> None:
    found = joined(paper(VARIANTS)[:6], benchmark(random=RANDOM), is_nested=True)
    assert (len(found.answers), len(found.unjoined)) == (4, 2)
    with refuses("answers: none of 4 rows is of a variant of this benchmark"):
        joined(paper({"rare": RANDOM}), is_nested=True)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"question_id": "9"},
            "answers, subset 'random', question_id '9': the benchmark has no such question",
        ),
        ({"text": POPULAR[3].text}, "question_id '1': asks 'Is there a chair in the image?', but the bench"),
        ({"text": None}, "answers, subset 'random', question_id '1': needs text (the question) and response"),
    ],
)
def test_a_paper_row_that_does_not_fit(change: Row, message: str) -> None:
    with refuses(message):
        joined([paper(VARIANTS)[0] | change], is_nested=True)


# lmms-eval.


def samples(questions: list[Question], **change: Any) -> list[Row]:
    return [
        {"doc_id": number, "input": asked.text + INSTRUCTION, "target": "yes", "doc_hash": "0"}
        | {"filtered_resps": [f"{asked.image} {asked.object}"], "pope_accuracy": {"score": 1.0}}
        | change
        for number, asked in enumerate(questions)
    ]


def all_right(found: Joined) -> bool:
    return all(answer.response == f"{asked.image} {asked.object}" for asked, answer in found.answers.items())


@pytest.mark.parametrize(
    "order", [BY_HUB, [*RANDOM, *POPULAR, *ADVERSARIAL], POPULAR, BY_HUB[:7], BY_HUB[:1]]
)
def test_samples_are_joined_by_their_place(order: list[Question]) -> None:
    for rows in (samples(order), samples(order)[::-1]):
        found = joined(rows)
        assert set(found.answers) == set(order)
        assert all_right(found)


def test_samples_of_a_single_variant() -> None:
    assert set(joined(samples(POPULAR), benchmark(popular=POPULAR)).answers) == set(POPULAR)
    with refuses("answers, row 5: asks 'Is there a dog"):
        joined(samples([*POPULAR, *POPULAR]), benchmark(popular=POPULAR))


@pytest.mark.parametrize("response", ["No", ["No"], [["No"]]])
def test_shapes_of_a_sample(response: Any) -> None:
    (row,) = samples(RANDOM[:1])
    del row["filtered_resps"]
    assert responses(joined([row | {"resps": response}])) == {RANDOM[0]: "No"}


def test_samples_that_kept_their_documents_are_joined_by_image() -> None:
    rows = samples(BY_HUB[::-1])
    for row, asked in zip(rows, BY_HUB[::-1], strict=True):
        row["doc"] = {"image_source": asked.image.removesuffix(".jpg"), "question": asked.text}
    found = joined(rows)
    assert all_right(found)
    assert len(found.answers) == 7


def test_samples_in_an_order_of_their_own_are_stopped_with_the_row() -> None:
    with refuses("answers, row 2: asks 'Is there a tie in the image?\\nAnswer"):
        joined(samples([BY_HUB[0], *BY_HUB[1:][::-1]]))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"doc_id": None}, "row 1: the doc_id is None, not a whole number from 0"),
        ({"doc_id": 12}, "row 1: asks 'Is there a dog"),
        ({"input": None}, "row 1: asks None"),
        ({"filtered_resps": [[1.0, False]]}, "row 1: holds 2 responses, not one"),
    ],
)
def test_a_broken_sample(change: Row, message: str) -> None:
    with refuses(f"answers, {message}"):
        joined([samples(BY_HUB)[0] | change])


def test_orders_that_lead_to_different_questions_are_not_chosen_between() -> None:
    twin = [question("3", "dog")]
    with refuses("answers: its 1 rows have no image, and fit the benchmark in the orders"):
        joined(samples(twin), benchmark(random=RANDOM, other=twin))


def test_a_sample_after_others_without_a_response() -> None:
    rows = samples(BY_HUB)
    del rows[3]["filtered_resps"]
    with refuses("answers, row 4: the response is None"):
        joined(rows)


def test_a_table_of_samples_has_no_empty_responses() -> None:
    rows = samples(BY_HUB)
    rows[1]["filtered_resps"] = None
    with refuses("answers, row 2: the response is None"):
        joined(rows, is_table=True)


@pytest.mark.parametrize("number", ["9" * 500, "²"])
def test_a_place_that_is_no_number_that_can_be_counted_to(number: str) -> None:
    rows = samples(RANDOM) + samples(RANDOM, doc_id=number)[:1]
    with refuses("answers, row "):
        joined(rows)
