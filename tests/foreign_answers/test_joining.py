"""Rows joined to a benchmark's questions by image and text, or by an id with its text; the rest is told."""

import pytest
from answer_examples import (
    ASKED,
    CAT,
    DOG,
    IMAGE,
    INSTRUCTION,
    ONE_VARIANT,
    OTHER,
    TWO_VARIANTS,
    Row,
    joined,
    refuses,
    responses,
)

from repope_eval.benchmarks.dash_b import question_text
from repope_eval.records import Answer, Question


@pytest.mark.parametrize(
    "image",
    [IMAGE, f"/data/coco/val2014/{IMAGE}", f"C:\\coco\\val2014\\{IMAGE}", "COCO_val2014_000000310196.png"],
)
def test_an_image_with_or_without_folder_and_extension(image: str) -> None:
    assert responses(joined([{"image": image, "question": DOG, "response": "No"}])) == {ASKED: "No"}


@pytest.mark.parametrize("text", [DOG, DOG + INSTRUCTION, f"<image>\n{DOG}", f"<image>\n{DOG}{INSTRUCTION}"])
def test_an_instruction_after_the_question_is_set_aside(text: str) -> None:
    assert responses(joined([{"image": IMAGE, "question": text, "response": "No"}])) == {ASKED: "No"}


@pytest.mark.parametrize("instruction", ["", INSTRUCTION])
def test_a_question_spelt_as_in_older_pope_files_is_joined_and_counted(instruction: str) -> None:
    text = DOG.replace("image?", "imange?") + instruction
    rows = [
        {"image": IMAGE, "question": text, "response": "No"},
        {"image": IMAGE, "question": text.replace("imange", "immage"), "response": "No"},
    ]
    found = joined(rows)
    assert responses(found) == {ASKED: "No"}
    assert (found.n_misspelt, len(found.unjoined)) == (1, 1)


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
        ({"question": DOG, "response": "No"}, "names no image; "),
        ({"question_id": 1, "image": IMAGE, "text": "No"}, "names no question; "),
    ],
)
def test_a_row_that_names_no_question_is_refused(row: Row, message: str) -> None:
    with refuses(f"answers.jsonl, row 1: {message}"):
        joined([row], ids=ONE_VARIANT)


def test_no_row_that_fits_shows_the_first_and_asks_for_the_benchmark() -> None:
    rows = [{"image": "1.jpg", "question": DOG, "response": "No"}] * 3
    with refuses(
        "answers.jsonl: none of 3 rows is about a question of this benchmark, first image '1.jpg', "
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


def test_an_id_with_another_text_is_refused() -> None:
    rows = [
        {"question_id": 1, "question": DOG, "answer": "no"},
        {"question_id": 2, "question": DOG, "answer": "no"},
    ]
    with refuses(
        f"answers.jsonl, row 2: question_id '2' comes with '{DOG}', but the benchmark asks '{CAT}' there; the "
        "answers are to other questions (an older POPE?), so give questions=FILE that they were made from"
    ):
        joined(rows, ids=ONE_VARIANT)


def test_an_id_the_variant_does_not_have_is_refused() -> None:
    with refuses(
        f"question_id '3001' comes with '{DOG}', but the benchmark has no such question; the answers are to "
        "other questions"
    ):
        joined([{"question_id": 3001, "question": DOG, "answer": "no"}], ids=ONE_VARIANT)


def test_ids_of_several_variants_are_refused() -> None:
    with refuses(
        "answers.jsonl, row 1: has no image, and a question_id means something else in each of random, "
        "popular; give questions=FILE, or score one variant (bench=repope_random, say)"
    ):
        joined([{"question_id": 1, "question": DOG, "answer": "no"}], ids=TWO_VARIANTS)


def test_the_earlier_of_two_answers_counts_and_the_first_pair_is_known() -> None:
    rows = [
        {"image": IMAGE, "question": text, "response": said}
        for text, said in ((CAT, "No"), (DOG, "Yes"), (DOG, "Yes"), (DOG, "No"), (CAT, "Yes"))
    ]
    found = joined(rows)
    assert responses(found) == {OTHER: "No", ASKED: "Yes"}
    assert (found.n_conflicts, found.first_conflict) == (2, (2, 4))
    assert joined(rows[:3]).first_conflict is None


def test_a_file_of_questions_is_told_from_one_of_answers() -> None:
    with refuses(
        "answers.jsonl, row 1: its responses are the questions themselves, so it seems to be a question file"
    ):
        joined([{"question_id": 1, "image": IMAGE, "text": DOG, "label": "yes"}])


@pytest.mark.parametrize(
    ("variant", "text", "mend"),
    [
        (
            "random",
            "Can you see a dog in this image? Please answer only with yes or no.",
            "DASH-B's, so give bench=dash_b",
        ),
        ("dash_b", "Is there an owl in the image?", "its questions are POPE's, so give bench=repope"),
        ("dash_b", "What is this?", "is bench right?"),
    ],
)
def test_answers_to_another_benchmark_name_the_right_one(variant: str, text: str, mend: str) -> None:
    own = question_text("dog") if variant == "dash_b" else DOG
    ids = {variant: {1: Question(IMAGE, own, "dog")}}
    with refuses(mend):
        joined([{"image": "neg/coco/dog/1.png", "question": text, "response": "No"}], ids=ids)


def test_a_thought_before_an_answer_is_left_out_and_counted() -> None:
    rows = [
        {"image": IMAGE, "question": DOG, "response": "<think>Ears: yes maybe.</think> No", "p_yes": 0.9},
        {"image": IMAGE, "question": CAT, "response": "<think>Yes, or"},
    ]
    found = joined(rows)
    assert list(found.answers.values()) == [Answer(ASKED, "No"), Answer(OTHER, "")]
    assert (found.n_thoughts, found.n_cut) == (2, 1)


def test_a_thought_in_other_tags_is_left_out_and_a_tag_that_nobody_knows_is_counted() -> None:
    rows = [
        {"image": IMAGE, "question": DOG, "response": "[THINK]Ears: yes maybe.[/THINK]No"},
        {"image": IMAGE, "question": CAT, "response": "<reflection>Yes?</reflection>No"},
    ]
    found = joined(rows)
    assert [answer.response for answer in found.answers.values()] == ["No", "<reflection>Yes?</reflection>No"]
    assert (found.n_thoughts, found.unknown_tags) == (1, {"<reflection>": 1})
