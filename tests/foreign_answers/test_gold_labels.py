"""Columns that people have: the response is found, or its key is told; a label is never scored as an answer."""

import re

import pytest
from answer_examples import Row, refuses

from repope_eval.benchmarks.benchmark import Benchmark
from repope_eval.errors import RepopeError
from repope_eval.foreign_answers.formats import join_file
from repope_eval.foreign_answers.joining import Joined
from repope_eval.records import LabelSet, Question
from repope_eval.settings.config import ColumnSettings
from repope_eval.system.rows import RowFile

QUESTIONS = [
    Question(f"COCO_val2014_{n:012}.jpg", f"Is there a {thing} in the image?", thing)
    for n in range(15)
    for thing in ("dog", "cat")
]
LABELS = {question: index % 3 == 0 for index, question in enumerate(QUESTIONS)}
BENCHMARK = Benchmark(
    "repope",
    (LabelSet("pope", {"random": LABELS}), LabelSet("repope", {"random": dict(list(LABELS.items())[4:])})),
    {"random": dict(enumerate(QUESTIONS, 1))},
    {},
)
SAID = {question: "No, there is none." if index % 4 else "Yes" for index, question in enumerate(QUESTIONS)}


def hub_rows(labels: str = "answer", **columns: str) -> list[Row]:
    """Rows with the columns of lmms-lab/POPE, and more columns: `said` for what the model said."""
    rows = []
    for number, question in enumerate(QUESTIONS, 1):
        label = "yes" if LABELS[question] else "no"
        row = {
            "question_id": str(number),
            "question": question.text,
            labels: label,
            "image_source": question.image.removesuffix(".jpg"),
            "category": "random",
        }
        rows.append(
            row | {name: SAID[question] if what == "said" else what for name, what in columns.items()}
        )
    return rows


def joined(rows: list[Row], **columns: str) -> Joined:
    file = RowFile(where="answers.jsonl", rows=rows)
    return join_file(file, ColumnSettings(**columns), BENCHMARK, None)[0]


def responses(found: Joined) -> dict[Question, str]:
    return {question: answer.response for question, answer in found.answers.items()}


@pytest.mark.parametrize("name", ["model_output", "response"])
def test_the_models_column_beside_the_hubs_own_is_the_response(name: str) -> None:
    assert responses(joined(hub_rows(**{name: "said"}))) == SAID


@pytest.mark.parametrize("label", ["gt", "answers"])
def test_an_answer_beside_a_label_of_another_name_is_the_response(label: str) -> None:
    assert responses(joined(hub_rows(label, answer="said"))) == SAID


@pytest.mark.parametrize("name", ["answers", "llava_says"])
def test_a_label_called_answer_is_refused_with_the_key_of_the_column_that_may_be_the_response(
    name: str,
) -> None:
    rows = hub_rows(**{name: "said"})
    with refuses(
        "answers.jsonl: answer equals the benchmark's label in 30 of 30 rows, so it seems to be the label and no "
        f"response; the response may be {name}: columns.response={name}. Where answer is what the model said, give "
        "columns.response=answer"
    ):
        joined(rows)
    assert responses(joined(rows, response=name)) == SAID


def test_a_file_of_labels_alone_is_refused() -> None:
    with refuses(
        "there are question_id, question, answer, image_source, category, and none of them holds answers. Where "
        "answer is what the model said, give columns.response=answer"
    ):
        joined(hub_rows())
    assert len(responses(joined(hub_rows(), response="answer"))) == len(QUESTIONS)


def test_corrected_labels_are_labels_too() -> None:
    rows = hub_rows()
    for row in rows[:4]:  # those that the second label set lacks
        row["answer"] = "maybe"
    with refuses("answer equals the benchmark's label in 26 of 26 rows"):
        joined(rows)


def test_one_label_in_hundreds_that_is_another_is_still_a_label() -> None:
    questions = [Question(f"{n}.jpg", "Is there a dog in the image?", "dog") for n in range(300)]
    labels = dict.fromkeys(questions, True)
    benchmark = Benchmark("b", (LabelSet("pope", {"all": labels}),), {"all": dict(enumerate(questions))}, {})
    rows = [{"image": each.image, "question": each.text, "answer": "Yes."} for each in questions]
    rows[0]["answer"] = "no"
    with pytest.raises(RepopeError, match=re.escape("in 299 of 300 rows")):
        join_file(RowFile(where="answers.jsonl", rows=rows), ColumnSettings(), benchmark, None)
    rows[1]["answer"] = "no"
    found, _ = join_file(RowFile(where="answers.jsonl", rows=rows), ColumnSettings(), benchmark, None)
    assert len(found.answers) == 300


def test_a_model_that_is_right_about_a_few_questions_is_believed() -> None:
    few = hub_rows("gold")[:12]
    for row in few:
        row["answer"] = row.pop("gold")
    assert len(responses(joined(few))) == 12


def test_few_labels_beside_what_may_be_the_response_are_refused() -> None:
    with refuses("answer equals the benchmark's label in 1 row, so"):
        joined(hub_rows(mine="said")[:1])
