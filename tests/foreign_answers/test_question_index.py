"""Finding questions: names that mean one image, texts that hold one question, and look-alikes that do not."""

import re

import pytest

from repope_eval.errors import RepopeError
from repope_eval.foreign_answers.rows import QuestionIndex, is_question, same_image
from repope_eval.records import Question

DOG = "Is there a dog in the image?"


def index(*images: str, texts: tuple[str, ...] = (DOG,)) -> QuestionIndex:
    questions = [Question(image, text, "") for image in images for text in texts]
    return QuestionIndex({"custom": dict(enumerate(questions, 1))})


def image_found(name: str, *images: str) -> str | None:
    question = index(*images).by_text(name, DOG)
    return None if question is None else question.image


@pytest.mark.parametrize(
    ("name", "images", "found"),
    [
        ("1.jpg", ("1.jpg", "1.png"), "1.jpg"),
        ("1.png", ("1.jpg", "1.png"), "1.png"),
        ("val/1.png", ("1.jpg", "1.png"), "1.png"),
        ("1.webp", ("1.jpg", "2.jpg"), "1.jpg"),
        ("a/1.jpg", ("a/1.jpg", "b/1.jpg"), "a/1.jpg"),
        ("/data/b/1.jpg", ("a/1.jpg", "b/1.jpg"), "b/1.jpg"),
        ("b/1", ("a/1.jpg", "b/1.jpg"), "b/1.jpg"),
        ("1.jpg", ("a/1.jpg",), "a/1.jpg"),
        ("c/1.jpg", ("a/1.jpg", "b/1.jpg"), None),
        ("c/1.jpg", ("a/1.jpg",), None),
        ("11.jpg", ("1.jpg",), None),
        ("1.2", ("1.jpg",), None),  # a dot in a name is no extension
        ("1.2", ("1.2.jpg",), "1.2.jpg"),
        ("1.2.jpg", ("1.jpg",), None),
        ("1.json", ("1.jpg",), None),
        ("", ("1.jpg",), None),
        ("/", ("1.jpg",), None),
        ("bücher.png", ("bücher.jpg",), "bücher.jpg"),
    ],
)
def test_images_found(name: str, images: tuple[str, ...], found: str | None) -> None:
    assert image_found(name, *images) == found


@pytest.mark.parametrize(
    ("name", "images"),
    [("1", ("1.jpg", "1.png")), ("1.jpg", ("a/1.jpg", "b/1.jpg")), ("1.gif", ("1.jpg", "1.png"))],
)
def test_an_image_that_may_be_either_is_refused(name: str, images: tuple[str, ...]) -> None:
    message = f"the image '{name}' may be {' or '.join(images)}; name images as the benchmark's file does"
    with pytest.raises(RepopeError, match=re.escape(message)):
        index(*images).by_text(name, DOG)


@pytest.mark.parametrize(
    ("text", "question", "fits"),
    [
        (DOG, DOG, True),
        (f"\t{DOG} ", f" {DOG}", True),
        (f"{DOG} Answer yes or no.", DOG, True),
        (f"{DOG}Answer yes or no.", DOG, False),
        ("Is there a dog", DOG, False),
        ("is there a dog in the image?", DOG, False),
        ("Is there a dog in the image", DOG, False),
        ("Please answer: " + DOG, DOG, False),
        ("Is there a hot dog", "Is there a hot", False),  # the question goes on
        ("Is there a hot\nOne word.", "Is there a hot", True),
        ("Is there a dog stand?", "Is there a dog", False),
        ("anything", "", False),
        ("\nanything", "", False),
        ("", "", True),
        ("<image> " + DOG, DOG, True),
        (DOG + "<image>", DOG, True),
        ("Where is <image>?", "Where is <image>?", True),
    ],
)
def test_texts_that_hold_a_question(text: str, question: str, fits: bool) -> None:
    assert is_question(text, question) is fits


def test_the_longest_question_that_a_text_begins_with_is_meant() -> None:
    short, long = "Is it there?", "Is it there? Look twice."
    questions = index("1.jpg", texts=(short, long))
    for text, meant in ((f"{long} One word.", long), (f"{short} One word.", short), (long, long)):
        found = questions.by_text("1.jpg", text)
        assert found is not None
        assert found.text == meant


def test_an_image_is_the_same_where_the_folders_that_both_name_are() -> None:
    assert same_image("/data/val/1.jpg", "val/1.png")
    assert same_image("1", "any/folder/1.jpg")
    assert not same_image("train/1.jpg", "val/1.jpg")


def test_ids_are_looked_up_in_a_single_variant_alone() -> None:
    question = Question("1.jpg", DOG, "dog")
    assert QuestionIndex({"random": {7: question}}).by_id("7") == question
    assert QuestionIndex({"random": {"x": question}}).by_id("x") == question
    assert QuestionIndex({"random": {7: question}}).by_id("8") is None
    assert QuestionIndex({"random": {7: question}, "popular": {7: question}}).by_id("7") is None
