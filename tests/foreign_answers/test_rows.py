"""Rows of every make, their fields told apart, and the questions that they ask."""

import re

import pytest
from answer_examples import ASKED, CAT, DOG, IMAGE, INSTRUCTION, OTHER, Row, joined, refuses, responses

from repope_eval.errors import RepopeError
from repope_eval.foreign_answers.rows import QuestionIndex, is_question, question_texts
from repope_eval.records import Answer, Question


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


def index(*images: str, texts: tuple[str, ...] = (DOG,)) -> QuestionIndex:
    questions = [Question(image, text, "") for image in images for text in texts]
    return QuestionIndex({"custom": dict(enumerate(questions, 1))})


def image_found(name: str, *images: str) -> str | None:
    question = index(*images).find_by_text(name, DOG)
    return None if question is None else question.image


@pytest.mark.parametrize(
    ("name", "images", "found"),
    [
        ("1.jpg", ("1.jpg", "1.png"), "1.jpg"),
        ("val/1.png", ("1.jpg", "1.png"), "1.png"),
        ("1.webp", ("1.jpg", "2.jpg"), "1.jpg"),
        ("/data/b/1.jpg", ("a/1.jpg", "b/1.jpg"), "b/1.jpg"),
        ("b/1", ("a/1.jpg", "b/1.jpg"), "b/1.jpg"),
        ("1.jpg", ("a/1.jpg",), "a/1.jpg"),
        ("c/1.jpg", ("a/1.jpg", "b/1.jpg"), None),
        ("c/1.jpg", ("a/1.jpg",), None),
        ("1.2", ("1.jpg",), None),  # a dot in a name is no extension
        ("1.2", ("1.2.jpg",), "1.2.jpg"),
        ("", ("1.jpg",), None),
        ("bücher.png", ("bücher.jpg",), "bücher.jpg"),
    ],
)
def test_images_found(name: str, images: tuple[str, ...], found: str | None) -> None:
    assert image_found(name, *images) == found


@pytest.mark.parametrize(("name", "images"), [("1", ("1.jpg", "1.png")), ("1.jpg", ("a/1.jpg", "b/1.jpg"))])
def test_an_image_that_may_be_either_is_refused(name: str, images: tuple[str, ...]) -> None:
    message = f"the image '{name}' may be {' or '.join(images)}; name images as the benchmark's file does"
    with pytest.raises(RepopeError, match=re.escape(message)):
        index(*images).find_by_text(name, DOG)


@pytest.mark.parametrize(
    ("text", "question", "fits"),
    [
        (DOG, DOG, True),
        (f"\t{DOG} ", f" {DOG}", True),
        (f"{DOG} Answer yes or no.", DOG, True),
        (f"{DOG}Answer yes or no.", DOG, False),
        ("is there a dog in the image?", DOG, False),
        ("Please answer: " + DOG, DOG, False),
        ("Is there a hot\nOne word.", "Is there a hot", True),
        ("anything", "", False),
        ("\nanything", "", False),
        ("", "", True),
        ("Where is <image>?", "Where is <image>?", True),
    ],
)
def test_texts_that_hold_a_question(text: str, question: str, fits: bool) -> None:
    assert is_question(text, question) is fits


def test_the_longest_question_that_a_text_begins_with_is_meant() -> None:
    short, long = "Is it there?", "Is it there? Look twice."
    questions = index("1.jpg", texts=(short, long))
    for text, meant in ((f"{long} One word.", long), (f"{short} One word.", short), (long, long)):
        found = questions.find_by_text("1.jpg", text)
        assert found is not None
        assert found.text == meant


FILE: list[Row] = [
    {"question_id": 1, "image": IMAGE, "text": CAT + INSTRUCTION},
    {"question_id": 2, "image": IMAGE, "text": DOG + INSTRUCTION},
    {"question_id": "three", "image": "older.jpg", "text": DOG + INSTRUCTION},
]


@pytest.mark.parametrize(
    "row",
    [
        {"question_id": 2, "text": "No"},
        {"question_id": 2.0, "response": "No"},
        {"question_id": 2, "prompt": DOG + INSTRUCTION, "text": "No"},
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
            "question_id '4' is not in questions=FILE; give the file the answers were made from",
        ),
        (
            {"question_id": 1, "prompt": DOG, "response": "No"},
            f"question_id '1' comes with '{DOG}', but questions=FILE has {CAT + INSTRUCTION!r}; give the file",
        ),
        ({"question_id": 1, "prompt": "", "response": "No"}, "the question is empty"),
        (
            {"question_id": 1, "image": "COCO_val2014_000000000001.jpg", "response": "No"},
            "question_id '1' comes with image 'COCO_val2014_000000000001.jpg', but questions=FILE has "
            f"'{IMAGE}'; give the file",
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
        "the responses in one of response, prediction, pred, model_output, output, answer, text"
    ):
        joined(FILE, FILE)


def test_a_model_that_repeats_one_question_is_believed() -> None:
    rows = [{"question_id": 1, "text": CAT}, {"question_id": 2, "text": "No"}]
    assert responses(joined(rows, FILE)) == {OTHER: CAT, ASKED: "No"}


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"image": IMAGE, "text": DOG}, "row 1: question_id, image and text are needed"),
        ({"question_id": 1, "text": DOG}, "row 1: question_id, image and text are needed"),
        ({"question_id": 1, "image": IMAGE, "text": 3}, "row 1: the question is 3, not a text"),
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
        "questions.jsonl, row 4: question_id '1' stands for two questions; join the variants' files only where "
        "their ids differ"
    ):
        question_texts(rows, "questions.jsonl")


def test_a_row_of_a_question_file_that_stands_twice_is_fine() -> None:
    assert question_texts([*FILE, FILE[0]], "questions.jsonl")["1"] == (IMAGE, CAT + INSTRUCTION)


def test_further_draws_are_no_conflicts_but_refused() -> None:
    """Each line of a run has `n_tokens`; elsewhere `draw` may mean anything."""
    row = {"image": IMAGE, "question": DOG, "response": "No", "draw": 1}
    assert responses(joined([row])) == {ASKED: "No"}
    with refuses("row 1: is a further draw of an answer; figures over draws stand in its run folder"):
        joined([{**row, "n_tokens": 2}])
