"""Rows of every make, told apart and joined to a benchmark's questions; what does not fit is refused or counted."""

import re
from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Any

import pytest

from repope_eval.errors import RepopeError
from repope_eval.records import Answer, Question, Variant
from repope_eval.scoring.answer_files import Joined, answer_rows, join, question_texts

DOG, CAT = "Is there a dog in the image?", "Is there a cat in the image?"
INSTRUCTION = "\nAnswer the question using a single word or phrase."
IMAGE = "COCO_val2014_000000310196.jpg"
ASKED = Question(IMAGE, DOG, "dog")
OTHER = Question(IMAGE, CAT, "cat")

Ids = Mapping[Variant, Mapping[int | str, Question]]
ONE_VARIANT: Ids = {"random": {1: ASKED, 2: OTHER}}
TWO_VARIANTS: Ids = {"random": {1: ASKED, 2: OTHER}, "popular": {1: OTHER, 2: ASKED}}

Row = dict[str, Any]


def joined(rows: list[Row], questions: list[Row] | None = None, ids: Ids = TWO_VARIANTS) -> Joined:
    texts = None if questions is None else question_texts(questions, "questions.jsonl")
    return join(answer_rows(rows, "answers.jsonl"), ids, texts, "answers.jsonl")


def responses(found: Joined) -> dict[Question, str]:
    return {question: answer.response for question, answer in found.answers.items()}


def refuses(message: str) -> AbstractContextManager[object]:
    return pytest.raises(RepopeError, match=re.escape(message))


# Which field is what.


@pytest.mark.parametrize(
    "row",
    [
        {"image": IMAGE, "question": DOG, "response": "No"},
        {"image": IMAGE, "question": DOG, "answer": "No"},
        {"image": IMAGE, "question": DOG, "text": "No"},
        {"image": IMAGE, "question": DOG, "prediction": "No"},
        {"image": IMAGE, "prompt": DOG, "response": "No"},
        {"image": IMAGE, "prompt": DOG, "answer": "No"},
        {"image": IMAGE, "prompt": DOG, "text": "No"},
        {"image": IMAGE, "prompt": DOG, "prediction": "No"},
        {"image": IMAGE, "text": DOG, "response": "No"},
        {"image": IMAGE, "text": DOG, "answer": "No"},
        {"image": IMAGE, "text": DOG, "prediction": "No"},
        {"image": IMAGE, "question": DOG, "prompt": DOG + INSTRUCTION, "response": "No"},
        {"image": IMAGE, "question": None, "prompt": DOG, "response": "No"},
        {"image": IMAGE, "question": None, "text": DOG, "response": "No"},
        {
            "question_id": 9,
            "image": IMAGE,
            "question": DOG,
            "response": "No",
            "model_id": "m",
            "metadata": {},
        },
    ],
    ids=lambda row: ", ".join(row),
)
def test_names_of_the_fields(row: Row) -> None:
    assert responses(joined([row])) == {ASKED: "No"}


@pytest.mark.parametrize(
    "row",
    [
        {"image": IMAGE, "question": DOG, "answer": "yes", "response": "No"},
        {"image": IMAGE, "question": DOG, "answer": "yes", "prediction": "No"},
        {"image": IMAGE, "text": DOG, "answer": "yes", "prediction": "No"},
        {"image": IMAGE, "text": DOG, "label": "yes", "answer": "No"},
    ],
    ids=lambda row: ", ".join(row),
)
def test_a_label_beside_the_response_is_not_read_as_one(row: Row) -> None:
    assert responses(joined([row])) == {ASKED: "No"}


def test_a_response_goes_before_the_prediction_drawn_from_it() -> None:
    row = {"image": IMAGE, "question": DOG, "prediction": "no", "response": "No, there is none."}
    assert responses(joined([row])) == {ASKED: "No, there is none."}


def test_text_beside_a_question_and_a_response_is_neither() -> None:
    row = {"image": IMAGE, "question": DOG, "text": "something else", "response": "No"}
    assert responses(joined([row])) == {ASKED: "No"}


def test_text_and_answer_beside_a_question_might_each_be_the_response() -> None:
    row = {"image": IMAGE, "question": DOG, "text": "No, I see none", "answer": "yes"}
    with refuses(
        "answers.jsonl, row 1: either of text 'No, I see none' and answer 'yes' may be the response; "
        "name the response `response`"
    ):
        joined([row])


@pytest.mark.parametrize("text", ["No", DOG, DOG + INSTRUCTION])
def test_text_beside_a_question_and_an_answer_that_says_the_same_is_no_doubt(text: str) -> None:
    assert responses(joined([{"image": IMAGE, "question": DOG, "text": text, "answer": "No"}])) == {
        ASKED: "No"
    }


def test_an_empty_response_is_an_answer() -> None:
    assert responses(joined([{"image": IMAGE, "question": DOG, "response": ""}])) == {ASKED: ""}


def test_what_is_known_of_the_tokens_is_kept() -> None:
    row = {"image": IMAGE, "question": DOG, "response": "No", "n_tokens": 2, "p_yes": 0.25, "p_no": 1}
    assert list(joined([row]).answers.values()) == [Answer(ASKED, "No", 2, 0.25, 1)]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"response": None}, "the response is None, not a text; leave out rows without a response"),
        ({"response": ["No"]}, "the response is ['No'], not a text"),
        ({"response": True}, "the response is True, not a text"),
        ({"response": 0}, "the response is 0, not a text"),
        ({"response": ["No"] * 1000}, ", 'N..., not a text"),
        ({"question": 7}, "the question is 7, not a text"),
        ({"image": 310196}, "the image is 310196, not a text"),
        ({"question_id": 1.5}, "the question_id is 1.5, neither a whole number nor a text"),
        ({"question_id": True}, "the question_id is True, neither"),
        ({"question_id": [1]}, "the question_id is [1], neither"),
        ({"n_tokens": "2"}, "n_tokens is '2', not a whole number; mend it or leave it out"),
        ({"n_tokens": 2.5}, "n_tokens is 2.5, not a whole number"),
        ({"p_yes": "high"}, "p_yes is 'high', not a number; mend it or leave it out"),
        ({"p_no": float("nan")}, "p_no is nan, not a number"),
        ({"p_no": float("inf")}, "p_no is inf, not a number"),
        ({"p_yes": True}, "p_yes is True, not a number"),
    ],
)
def test_a_field_of_a_wrong_type_is_named_with_its_row(change: Row, message: str) -> None:
    right = {"image": IMAGE, "question": DOG, "response": "No"}
    with pytest.raises(RepopeError, match=r"answers\.jsonl, row 2: ") as refused:
        joined([right, right | change])
    assert message in str(refused.value)


def test_a_row_without_a_response_is_refused_with_the_names_it_may_have() -> None:
    with refuses(
        "answers.jsonl, row 1: has no response; one of response, prediction, answer, text is expected"
    ):
        joined([{"image": IMAGE, "question": DOG, "output": "No"}])


# By image and question.


@pytest.mark.parametrize(
    "image",
    [
        IMAGE,
        "COCO_val2014_000000310196",
        f"val2014/{IMAGE}",
        f"/data/coco/val2014/{IMAGE}",
        f"C:\\coco\\val2014\\{IMAGE}",
        f"./{IMAGE}",
        "/data/COCO_val2014_000000310196",
        "COCO_val2014_000000310196.png",
        "COCO_val2014_000000310196.JPG",
    ],
)
def test_an_image_with_or_without_folder_and_extension(image: str) -> None:
    assert responses(joined([{"image": image, "question": DOG, "response": "No"}])) == {ASKED: "No"}


@pytest.mark.parametrize(
    "text",
    [
        DOG,
        f" {DOG}\n",
        DOG + INSTRUCTION,
        f"{DOG} Please answer yes or no.",
        f"<image>\n{DOG}",
        f"{DOG}\n<image>",
        f"<image>\n{DOG}{INSTRUCTION}",
        f"{DOG}\r\nAnswer yes or no.",
    ],
)
def test_an_instruction_after_the_question_is_set_aside(text: str) -> None:
    assert responses(joined([{"image": IMAGE, "question": text, "response": "No"}])) == {ASKED: "No"}


def test_rows_about_other_questions_and_questions_without_a_row_are_told() -> None:
    rows = [
        {"image": IMAGE, "question": "Is there a cup in the image?", "response": "Yes"},
        {"image": IMAGE, "question": DOG, "response": "No"},
        {"image": "COCO_val2014_000000000001.jpg", "question": DOG, "response": "Yes"},
    ]
    found = joined(rows)
    assert responses(found) == {ASKED: "No"}
    assert (found.n_rows, [row.number for row in found.unjoined]) == (3, [1, 3])
    assert found.unjoined[0].text == "Is there a cup in the image?"


def test_ids_play_no_part_where_image_and_question_are_named() -> None:
    rows = [
        {"question_id": 2, "image": IMAGE, "question": DOG, "response": "No"},
        {"question_id": 2, "image": IMAGE, "question": CAT, "response": "Yes"},
    ]
    assert responses(joined(rows, ids=ONE_VARIANT)) == {ASKED: "No", OTHER: "Yes"}


def test_of_rows_that_disagree_the_first_counts_and_the_others_are_counted() -> None:
    given = ["No", "No", "Yes", "no"]
    found = joined([{"image": IMAGE, "question": DOG, "response": response} for response in given])
    assert responses(found) == {ASKED: "No"}
    assert (found.n_rows, found.n_conflicts, found.unjoined) == (4, 2, ())


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (
            {"response": "No"},
            "names no question; give rows an image and a question, or a question_id together with "
            "questions=FILE",
        ),
        ({"image": IMAGE, "response": "No"}, "names no question; "),
        ({"question": DOG, "response": "No"}, "names no image; "),
        ({"question_id": 1, "response": "No"}, "names no question; "),
        ({"question_id": 1, "image": IMAGE, "response": "No"}, "names no question; "),
        ({"question_id": 1, "image": IMAGE, "text": "No"}, "names no question; "),
    ],
)
def test_a_row_that_names_no_question_is_refused(row: Row, message: str) -> None:
    with refuses(f"answers.jsonl, row 1: {message}"):
        joined([row], ids=ONE_VARIANT)


def test_no_rows_at_all() -> None:
    with refuses("answers.jsonl: holds no rows; each needs an image, a question and a response"):
        joined([])


def test_no_row_that_fits_shows_the_first_and_asks_for_the_benchmark() -> None:
    rows = [{"image": "1.jpg", "question": DOG, "response": "No"}] * 3
    with refuses(
        "answers.jsonl: none of its 3 rows is about a question of this benchmark, first image '1.jpg', "
        f"question '{DOG}'; is bench right?"
    ):
        joined(rows)


def test_no_row_that_fits_shows_what_the_question_file_has() -> None:
    with refuses(f"first image '1.jpg', question '{DOG}'"):
        joined(
            [{"question_id": 1, "response": "No"}], [{"question_id": 1, "image": "1.jpg", "question": DOG}]
        )


# By the ids of a single variant.


def test_ids_of_a_single_variant_are_joined_and_checked_text_by_text() -> None:
    rows = [
        {"question_id": 2, "question": CAT, "answer": "yes"},
        {"question_id": "1", "question": DOG + INSTRUCTION, "answer": "no"},
    ]
    assert responses(joined(rows, ids=ONE_VARIANT)) == {OTHER: "yes", ASKED: "no"}


def test_an_id_written_as_a_fraction_is_the_whole_number() -> None:
    rows = [{"question_id": 2.0, "question": CAT, "answer": "yes"}]
    assert responses(joined(rows, ids=ONE_VARIANT)) == {OTHER: "yes"}


def test_an_id_with_another_text_is_refused() -> None:
    rows = [
        {"question_id": 1, "question": DOG, "answer": "no"},
        {"question_id": 2, "question": DOG, "answer": "no"},
    ]
    with refuses(
        f"answers.jsonl, row 2: question_id 2 comes with '{DOG}', but the benchmark asks '{CAT}' there; the "
        "answers are to other questions (an older POPE?), so give questions=FILE that they were made from"
    ):
        joined(rows, ids=ONE_VARIANT)


def test_an_id_the_variant_does_not_have_is_refused() -> None:
    with refuses(
        f"question_id 3001 comes with '{DOG}', but the benchmark has no such question; the answers are to "
        "other questions"
    ):
        joined([{"question_id": 3001, "question": DOG, "answer": "no"}], ids=ONE_VARIANT)


def test_ids_of_several_variants_are_refused() -> None:
    with refuses(
        "answers.jsonl, row 1: has no image, and a question_id means something else in each of random, "
        "popular; give questions=FILE, or score one variant (bench=repope_random, say)"
    ):
        joined([{"question_id": 1, "question": DOG, "answer": "no"}], ids=TWO_VARIANTS)


# By questions=FILE.

FILE: list[Row] = [
    {"question_id": 1, "image": IMAGE, "text": CAT + INSTRUCTION},
    {"question_id": 2, "image": IMAGE, "text": DOG + INSTRUCTION},
    {"question_id": "three", "image": "older.jpg", "text": DOG + INSTRUCTION},
]


@pytest.mark.parametrize(
    "row",
    [
        {"question_id": 2, "text": "No"},
        {"question_id": "2", "response": "No"},
        {"question_id": 2.0, "response": "No"},
        {"question_id": 2, "prompt": DOG + INSTRUCTION, "text": "No"},
        {"question_id": 2, "question": DOG, "answer": "No"},
        {"question_id": 2, "prompt": f"{DOG} Please answer yes or no.", "text": "No"},
        {"question_id": 2, "image": IMAGE, "text": DOG, "answer": "No"},
        {"question_id": 2, "image": "val2014/COCO_val2014_000000310196", "response": "No"},
    ],
    ids=lambda row: ", ".join(row),
)
def test_an_id_leads_to_the_question_files_text(row: Row) -> None:
    assert responses(joined([row], FILE)) == {ASKED: "No"}


@pytest.mark.parametrize("name", ["text", "question", "prompt"])
def test_names_of_the_text_in_a_question_file(name: str) -> None:
    file = [{"question_id": 7, "image": IMAGE, name: DOG, "label": "yes"}]
    assert responses(joined([{"question_id": 7, "text": "No"}], file)) == {ASKED: "No"}


def test_a_question_the_benchmark_does_not_have_is_left_over() -> None:
    rows = [{"question_id": "three", "text": "Yes"}, {"question_id": 2, "text": "No"}]
    found = joined(rows, FILE)
    assert responses(found) == {ASKED: "No"}
    assert [row.number for row in found.unjoined] == [1]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (
            {"image": IMAGE, "question": DOG, "response": "No"},
            "has no question_id to look up in questions=FILE; leave questions= out where rows name image and "
            "question",
        ),
        (
            {"question_id": 4, "response": "No"},
            "question_id 4 is not in questions=FILE; give the file the answers were made from",
        ),
        (
            {"question_id": 1, "prompt": DOG, "response": "No"},
            f"question_id 1 comes with '{DOG}', but questions=FILE has {CAT + INSTRUCTION!r}; give the file",
        ),
        (
            {"question_id": 1, "prompt": "Is there", "response": "No"},
            "question_id 1 comes with 'Is there', but",
        ),
        ({"question_id": 1, "prompt": "", "response": "No"}, "question_id 1 comes with '', but"),
        (
            {"question_id": "three", "prompt": CAT, "response": "No"},
            f"question_id three comes with '{CAT}', but questions=FILE has",
        ),
        (
            {"question_id": 1, "image": "COCO_val2014_000000000001.jpg", "response": "No"},
            "question_id 1 comes with image COCO_val2014_000000000001.jpg, but questions=FILE has "
            f"{IMAGE}; give the file",
        ),
    ],
)
def test_a_disagreement_with_the_question_file_is_refused(row: Row, message: str) -> None:
    with refuses(f"answers.jsonl, row 1: {message}"):
        joined([row], FILE)


def test_a_question_file_in_the_place_of_answers_is_refused() -> None:
    """Its texts hold "snowboard" and the like, which would be read as answers."""
    with refuses(
        "answers.jsonl: its responses are the questions themselves, so it seems to be a question file; give "
        "the responses in one of response, prediction, answer, text"
    ):
        joined(FILE, FILE)


def test_a_model_that_repeats_one_question_is_believed() -> None:
    rows = [{"question_id": 1, "text": CAT}, {"question_id": 2, "text": "No"}]
    assert responses(joined(rows, FILE)) == {OTHER: CAT, ASKED: "No"}


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"image": IMAGE, "text": DOG}, "row 1: question_id, image and text are needed"),
        ({"question_id": None, "image": IMAGE, "text": DOG}, "row 1: question_id, image and text are needed"),
        ({"question_id": 1, "text": DOG}, "row 1: question_id, image and text are needed"),
        ({"question_id": 1, "image": IMAGE}, "row 1: question_id, image and text are needed"),
        ({"question_id": 1, "image": IMAGE, "text": 3}, "row 1: question_id, image and text are needed"),
        ({"question_id": {}, "image": IMAGE, "text": DOG}, "row 1: the question_id is {}, neither"),
    ],
)
def test_an_incomplete_row_of_a_question_file_is_refused(row: Row, message: str) -> None:
    with refuses(f"questions.jsonl, {message}"):
        question_texts([row], "questions.jsonl")


def test_an_empty_question_file_is_refused() -> None:
    with refuses("questions.jsonl: holds no rows; each needs question_id, image and text"):
        question_texts([], "questions.jsonl")


def test_an_id_that_stands_for_two_questions_is_refused() -> None:
    rows = [*FILE, {"question_id": "1", "image": IMAGE, "text": DOG}]
    with refuses(
        "questions.jsonl, row 4: question_id 1 stands for two questions; join the variants' files only where "
        "their ids differ"
    ):
        question_texts(rows, "questions.jsonl")


def test_a_row_of_a_question_file_that_stands_twice_is_fine() -> None:
    assert question_texts([*FILE, FILE[0]], "questions.jsonl")["1"] == (IMAGE, CAT + INSTRUCTION)
