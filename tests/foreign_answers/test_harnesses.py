"""VLMEvalKit's result tables: rows without images, found by the order of each variant's questions."""

from typing import Any

import pytest
from answer_examples import refuses, responses
from variant_examples import ADVERSARIAL, POPULAR, RANDOM, VARIANTS, benchmark, joined

from repope_eval.records import Question

Row = dict[str, Any]

# Each distinct question once, with the variants it stands in, in an order that keeps that of each variant.
ORDER: list[tuple[Question, str]] = [
    (RANDOM[0], "adversarial,popular,random"),
    (ADVERSARIAL[1], "adversarial, random"),
    (POPULAR[1], "popular"),
    (RANDOM[2], "adversarial,popular,random"),
    (ADVERSARIAL[3], "adversarial"),
    (POPULAR[3], "popular"),
    (RANDOM[3], "random"),
]


def table(first: int = 0) -> list[Row]:
    return [
        {"index": number, "question": asked.text, "answer": "Yes", "category": category}
        | {"prediction": f"{asked.image} {asked.object}"}
        for number, (asked, category) in enumerate(ORDER, first)
    ]


@pytest.mark.parametrize("first", [0, 1])
def test_rows_are_joined_by_the_order_of_their_variants(first: int) -> None:
    for rows in (
        table(first),
        table(first)[::-1],
        [row | {"index": str(row["index"])} for row in table(first)],
    ):
        found = joined(rows, is_table=True)
        assert list(responses(found).items()) == [
            (asked, f"{asked.image} {asked.object}") for asked, _ in ORDER
        ]


def test_of_two_answers_to_a_question_the_one_with_the_lower_index_counts() -> None:
    asked = RANDOM[0]
    assert asked in POPULAR
    rows = [
        {"index": number, "question": asked.text, "category": category, "prediction": response}
        for number, (category, response) in enumerate([("popular", "Yes"), ("random", "No")])
    ]
    for file in (rows, rows[::-1]):
        found = joined(file, is_table=True)
        assert (responses(found), found.n_conflicts) == ({asked: "Yes"}, 1)


def rows_of(questions: list[Question]) -> list[Row]:
    return [
        {"index": number, "question": asked.text, "category": ",".join(standing(asked))}
        | {"prediction": f"{asked.image} {asked.object}"}
        for number, asked in enumerate(questions)
    ]


def standing(asked: Question) -> list[str]:
    return sorted(variant for variant, questions in VARIANTS.items() if asked in questions)


ONE_AFTER_THE_OTHER = list(dict.fromkeys([*ADVERSARIAL, *POPULAR, *RANDOM]))
IMAGE_BY_IMAGE = sorted(ONE_AFTER_THE_OTHER, key=lambda asked: asked.image)


@pytest.mark.parametrize("order", [ONE_AFTER_THE_OTHER, IMAGE_BY_IMAGE])
def test_other_orders_are_found_by_their_texts_and_categories(order: list[Question]) -> None:
    found = joined(rows_of(order), is_table=True)
    assert responses(found) == {asked: f"{asked.image} {asked.object}" for asked in order}


def test_an_order_that_fits_no_file_is_refused() -> None:
    with refuses("answers, row 1: asks 'Is there a tie in the image?', but in the benchmark ("):
        joined(rows_of(ONE_AFTER_THE_OTHER[::-1]), is_table=True)


def test_a_variant_alone_is_taken_out_of_the_table() -> None:
    found = joined(table(), benchmark(popular=POPULAR), is_table=True)
    assert set(found.answers) == set(POPULAR)
    assert len(found.unjoined) == 3


def test_a_single_variant_needs_no_category() -> None:
    rows = [
        {"index": number, "question": f"{asked.text} Please answer yes or no.", "prediction": "No"}
        for number, asked in enumerate(RANDOM)
    ]
    assert set(joined(rows, benchmark(random=RANDOM), is_table=True).answers) == set(RANDOM)
    with refuses("answers, row 1: the category is None, not the names of variants"):
        joined(rows, is_table=True)


@pytest.mark.parametrize("name", ["image_path", "image"])
def test_rows_with_images_are_joined_by_them(name: str) -> None:
    rows = [row | {name: f"/x/{asked.image}"} for row, (asked, _) in zip(table(), ORDER, strict=True)]
    found = joined([rows[5], rows[1]], is_table=True)
    assert responses(found) == {POPULAR[3]: "2.jpg chair", ADVERSARIAL[1]: "1.jpg cup"}


def test_a_row_in_anothers_place_is_stopped() -> None:
    rows = table()
    rows[4]["index"], rows[0]["index"] = 0, 4
    with refuses(
        "answers, row 5: asks 'Is there a sofa in the image?', but in the benchmark (each variant in"
    ):
        joined(rows, is_table=True)


@pytest.mark.parametrize(
    ("place", "change", "message"),
    [
        (2, {"category": "random"}, "row 3: asks 'Is there a car in the image?', but in the benchmark ("),
        (1, {"category": 3}, "row 2: the category is 3, not the names of variants"),
        (3, {"index": 4}, "row 4: index 4 stands where 3 should"),
        (0, {"index": None}, "row 1: the index is None, not a whole number"),
        (0, {"prediction": 0}, "row 1: the prediction is 0, not a text"),
    ],
)
def test_a_row_that_does_not_fit(place: int, change: Row, message: str) -> None:
    rows = table()
    rows[place] |= change
    with refuses(f"answers, {message}"):
        joined(rows, is_table=True)


def test_missing_rows_are_refused() -> None:
    with refuses("answers, row 3: index 3 stands where 2 should, so rows are missing or repeated"):
        joined([row for row in table() if row["index"] != 2], is_table=True)
    with refuses("answers, row 1: index 4 stands where 1 should"):
        joined(table()[4:], is_table=True)


def test_a_table_of_other_categories_is_another_benchmarks() -> None:
    with refuses("answers: none of 7 rows is of a variant of this benchmark"):
        joined([row | {"category": "OCR"} for row in table()], is_table=True)


def test_an_empty_prediction_is_an_answer() -> None:
    rows = table()
    rows[0]["prediction"] = None
    assert responses(joined(rows, is_table=True))[RANDOM[0]] == ""
