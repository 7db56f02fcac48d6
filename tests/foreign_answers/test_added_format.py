"""A format of another program is added in one file and an entry in the table, and joined like those that are there."""

from collections.abc import Sequence
from types import MappingProxyType

import pytest
from answer_examples import refuses, responses
from variant_examples import POPULAR, RANDOM, joined

from repope_eval.benchmarks.benchmark import Benchmark
from repope_eval.foreign_answers import formats
from repope_eval.foreign_answers.joining import Format, questions_by_image
from repope_eval.foreign_answers.rows import AnswerRow
from repope_eval.records import Question
from repope_eval.system.rows import RowFile

# All that a new format's file would hold: rows {"ask": "IMAGE|QUESTION", "said": TEXT}.


def rows(file: RowFile) -> list[AnswerRow]:
    found = []
    for number, row in enumerate(file.rows, 1):
        image, text = row["ask"].split("|")
        found.append(AnswerRow(number, row["said"], image=image, text=text))
    return found


def questions(rows: Sequence[AnswerRow], file: RowFile, benchmark: Benchmark) -> Sequence[Question | None]:
    return questions_by_image(rows, benchmark.ids, None, file.where)


FORMAT = Format(
    recognises=lambda file: bool(file.rows) and {"ask", "said"} <= set(file.rows[0]),
    rows=rows,
    questions=questions,
)


@pytest.fixture(autouse=True)
def _added(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(formats, "FORMATS", MappingProxyType({**formats.FORMATS, "mine": FORMAT}))


def test_rows_of_an_added_format_are_joined() -> None:
    asked = [RANDOM[0], POPULAR[3]]
    found = joined([{"ask": f"{each.image}|{each.text}", "said": each.object} for each in asked])
    assert responses(found) == {RANDOM[0]: "dog", POPULAR[3]: "chair"}


def test_rows_of_an_added_format_about_nothing_are_refused() -> None:
    with refuses("answers: none of 1 row is about a question of this benchmark, first image '9.jpg'"):
        joined([{"ask": "9.jpg|Is there a dog in the image?", "said": "No"}])


def test_files_of_other_formats_are_recognised_as_before() -> None:
    row = {"image": RANDOM[0].image, "question": RANDOM[0].text, "response": "Yes"}
    assert responses(joined([row])) == {RANDOM[0]: "Yes"}
