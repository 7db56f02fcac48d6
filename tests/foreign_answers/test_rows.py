"""Rows of every make, their fields told apart; what cannot be is refused with its row."""

import pytest
from answer_examples import ASKED, DOG, IMAGE, INSTRUCTION, Row, joined, refuses, responses

from repope_eval.errors import RepopeError
from repope_eval.records import Answer


@pytest.mark.parametrize(
    "row",
    [
        {"image": IMAGE, "question": DOG, "response": "No"},
        {"image": IMAGE, "prompt": DOG, "answer": "No"},
        {"image": IMAGE, "text": DOG, "prediction": "No"},
        {"image": IMAGE, "question": DOG, "prompt": DOG + INSTRUCTION, "response": "No"},
        {"image": IMAGE, "question": None, "prompt": DOG, "response": "No"},
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


@pytest.mark.parametrize("text", ["No", DOG + INSTRUCTION])
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
        ({"response": 0}, "the response is 0, not a text"),
        ({"question": 7}, "the question is 7, not a text"),
        ({"image": 310196}, "the image is 310196, not a text"),
        ({"question_id": 1.5}, "the question_id is 1.5, neither a whole number nor a text"),
        ({"n_tokens": "2"}, "n_tokens is '2', not a whole number; mend it or leave it out"),
        ({"p_yes": "high"}, "p_yes is 'high', not a number from 0 to 1; mend it or leave it out"),
        ({"p_no": float("nan")}, "p_no is nan, not a number"),
        ({"p_yes": 1.5}, "p_yes is 1.5, not a number from 0 to 1"),
        ({"n_tokens": -1}, "n_tokens is -1, not a whole number"),
        ({"image": "a\ud800"}, "the image is 'a\\ud800', with half of a character"),
        ({"question_id": "9" * 5000}, "the question_id has 5000 characters"),
    ],
)
def test_a_field_of_a_wrong_type_is_named_with_its_row(change: Row, message: str) -> None:
    right = {"image": IMAGE, "question": DOG, "response": "No"}
    with pytest.raises(RepopeError, match=r"answers\.jsonl, row 2: ") as refused:
        joined([right, right | change])
    assert message in str(refused.value)


def test_a_row_without_a_response_is_refused_with_the_names_it_may_have() -> None:
    with refuses(
        "answers.jsonl, row 1: has no response; one of response, prediction, pred, model_output, output, answer, "
        "text is expected"
    ):
        joined([{"image": IMAGE, "question": DOG, "said": "No"}])


def test_a_probability_may_be_above_one_by_rounding() -> None:
    """Sums of probabilities in half precision are."""
    row = {"image": IMAGE, "question": DOG, "response": "Yes", "p_yes": 1.0000001, "p_no": -1e-9}
    assert joined([row]).answers[ASKED].p_yes == 1.0000001


def test_a_response_may_end_with_half_a_character() -> None:
    """It is what a model said, cut in the middle of an emoji by what stored it; it names nothing."""
    assert responses(joined([{"image": IMAGE, "question": DOG, "response": "No \ud83d"}])) == {
        ASKED: "No \ud83d"
    }
