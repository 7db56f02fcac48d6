"""Columns that the user names, and rows that are the cells of a table."""

import json
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from answer_examples import ASKED, CAT, DOG, IMAGE, OTHER, TWO_VARIANTS, refuses, responses
from conftest import CommandLine

from repope_eval.benchmarks.benchmark import Benchmark
from repope_eval.benchmarks.pope_file import POPE_VARIANTS
from repope_eval.benchmarks.sources import load_benchmark
from repope_eval.foreign_answers.formats import join_file
from repope_eval.foreign_answers.joining import Joined
from repope_eval.foreign_answers.rows import question_texts
from repope_eval.settings.config import BenchSettings, ColumnSettings
from repope_eval.system.rows import RowFile

DEMO = BenchSettings(name="demo", source="demo", variants=POPE_VARIANTS)
BENCHMARK = Benchmark("repope", (), TWO_VARIANTS, {})


def joined(rows: list[dict[str, Any]], *, is_table: bool = False, **columns: str) -> Joined:
    file = RowFile(where="answers", rows=rows, is_table=is_table)
    return join_file(file, ColumnSettings(**columns), BENCHMARK, None)[0]


def test_named_columns_are_read_whatever_others_are_called() -> None:
    row = {"picture": IMAGE, "image": "x.jpg", "asked": DOG, "question": CAT, "said": "No", "response": "Yes"}
    assert responses(joined([row], image="picture", question="asked", response="said")) == {ASKED: "No"}
    assert responses(joined([row | {"image": IMAGE}], response="said")) == {OTHER: "No"}


def test_a_named_question_is_not_taken_for_the_response() -> None:
    assert responses(joined([{"image": IMAGE, "text": "No", "answer": DOG}], question="answer")) == {
        ASKED: "No"
    }


def test_a_named_response_settles_a_doubt() -> None:
    row = {"image": IMAGE, "question": DOG, "text": "No, none", "answer": "yes"}
    assert responses(joined([row], response="text")) == {ASKED: "No, none"}
    assert responses(joined([row], response="answer")) == {ASKED: "yes"}


def test_a_named_id_leads_into_the_question_file() -> None:
    texts = question_texts([{"question_id": 5, "image": IMAGE, "text": DOG}], "questions")
    file = RowFile(where="answers", rows=[{"qid": "5", "response": "No"}])
    found, _ = join_file(file, ColumnSettings(question_id="qid"), BENCHMARK, texts)
    assert responses(found) == {ASKED: "No"}


@pytest.mark.parametrize("role", ["image", "question", "response", "question_id"])
def test_a_column_that_is_not_there_is_told_with_those_that_are(role: str) -> None:
    right = {"image": IMAGE, "question": DOG, "response": "No", "mine": "x"}
    with refuses(f"answers, row 1: has no column 'yours' (columns.{role}=); there are image, question, resp"):
        joined([right], **{role: "yours"})


def test_no_response_shows_the_columns_there_are() -> None:
    with refuses("or a column that columns.response= names; there are image, question, said"):
        joined([{"image": IMAGE, "question": DOG, "said": "No"}])


def test_an_empty_cell_is_an_empty_answer() -> None:
    rows = [
        {"image": IMAGE, "question": DOG, "response": None},
        {"image": IMAGE, "question": CAT, "response": "No"},
    ]
    assert responses(joined(rows, is_table=True)) == {ASKED: "", OTHER: "No"}
    with refuses("answers, row 1: the response is None, not a text"):
        joined(rows)


def test_a_column_of_empty_cells_is_no_response() -> None:
    with refuses("answers: of 1 row none has a response; name its column with columns.response=, there are"):
        joined([{"image": IMAGE, "question": DOG, "response": None, "said": "No"}], is_table=True)


@pytest.mark.parametrize("name", ["image_path", "image_source"])
def test_other_names_of_the_image(name: str) -> None:
    row = {name: f"/data/{IMAGE}", "question": DOG, "prediction": "No", "answer": "Yes", "index": 0}
    assert responses(joined([row], is_table=True)) == {ASKED: "No"}


@pytest.mark.parametrize("rows", [[], [{}]])
def test_nothing_in_it(rows: list[dict[str, Any]]) -> None:
    with refuses("answers: holds no rows" if not rows else "answers, row 1: has no response"):
        joined(rows, is_table=True)


def test_a_workbook_through_the_command_line(command_line: CommandLine, tmp_path: Path) -> None:
    questions = load_benchmark(DEMO, tmp_path).questions
    book = openpyxl.Workbook()
    sheet = book.worksheets[0]
    sheet.append(["picture", "asked", "said"])
    for question in questions:
        sheet.append([question.image, question.text, "Yes"])
    book.save(tmp_path / "answers.xlsx")
    words = [
        "score",
        f"answers={tmp_path / 'answers.xlsx'}",
        f"out={tmp_path / 'run'}",
        "columns.response=said",
    ]
    failed = command_line(*words, "columns.image=picture", "columns.question=text")
    assert failed.returncode == 1
    assert "has no column 'text' (columns.question=); there are picture, asked, said" in failed.stderr
    result = command_line(*words, "columns.image=picture", "columns.question=asked")
    assert result.returncode == 0, result.stderr
    cell = json.loads((tmp_path / "run" / "scores.json").read_text())["scores"]["pope"]["random"]
    assert (cell["recall"], cell["n_answered"]) == (1, cell["n_questions"])
