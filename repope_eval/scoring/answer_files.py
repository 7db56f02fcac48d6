"""Anybody's answers: reading rows of unknown make, and joining them to a benchmark's questions.

Rows are joined by image and question text. An id alone is never trusted: it leads to a text in
`questions=FILE`, or to the benchmark's own, and wherever a row has a text too, the two must agree.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from repope_eval.errors import RepopeError
from repope_eval.records import Answer, Question, Variant
from repope_eval.scoring.question_index import QuestionIndex, is_question, same_image

QUESTION_FIELDS = ("question", "prompt")
RESPONSE_FIELDS = ("response", "prediction", "answer", "text")
"""The first that a row has counts: an `answer` beside a `response` or `prediction` is mostly the label.
`text` is a question where another field holds a response, and a response where none does."""


@dataclass(frozen=True, slots=True)
class AnswerRow:
    """One row of an answer file, its fields told apart."""

    number: int
    """Counted from 1."""
    response: str
    question_id: str | None
    image: str | None
    text: str | None
    n_tokens: int | None
    p_yes: float | None
    p_no: float | None


@dataclass(frozen=True, slots=True)
class Joined:
    """Answers by question, and what was left over."""

    answers: Mapping[Question, Answer]
    n_rows: int
    unjoined: tuple[AnswerRow, ...]
    """Rows about questions that the benchmark does not have."""
    n_conflicts: int
    """Rows that answer a question otherwise than an earlier row, which counts."""


def answer_rows(rows: Sequence[Mapping[str, Any]], where: str) -> list[AnswerRow]:
    """Tells the fields of an answer file's rows apart.

    Raises:
        RepopeError: a row has no response, or two fields that may be it, or a field of another type.
    """
    return [_answer_row(row, number, where) for number, row in enumerate(rows, 1)]


def question_texts(rows: Sequence[Mapping[str, Any]], where: str) -> dict[str, tuple[str, str]]:
    """Image and text by question id, from the rows of a question file.

    Raises:
        RepopeError: there are no rows, a row lacks id, image or text, or an id stands for two questions.
    """
    if not rows:
        raise RepopeError(f"{where}: holds no rows; each needs question_id, image and text")
    texts: dict[str, tuple[str, str]] = {}
    for number, row in enumerate(rows, 1):
        question_id = _question_id(row, f"{where}, row {number}")
        image, text = row.get("image"), _first(row, (*QUESTION_FIELDS, "text"))
        if question_id is None or not isinstance(image, str) or not isinstance(text, str):
            raise RepopeError(f"{where}, row {number}: question_id, image and text are needed")
        known = texts.setdefault(question_id, (image, text))
        if known != (image, text):
            raise RepopeError(
                f"{where}, row {number}: question_id {question_id} stands for two questions; join the "
                "variants' files only where their ids differ"
            )
    return texts


def join(
    rows: Sequence[AnswerRow],
    ids: Mapping[Variant, Mapping[int | str, Question]],
    texts: Mapping[str, tuple[str, str]] | None,
    where: str,
) -> Joined:
    """Joins rows to a benchmark's questions.

    Args:
        rows: of the answer file.
        ids: the benchmark's questions by variant and id.
        texts: what the rows' ids point to, where the user gave a question file.
        where: the answer file's name, for messages.

    Raises:
        RepopeError: a row names no question, its id and its text disagree, no row at all fits, or the
            file holds questions in place of responses.
    """
    index = QuestionIndex(ids)
    answers: dict[Question, Answer] = {}
    unjoined = []
    n_conflicts = 0
    for row in rows:
        try:
            question = _question(row, index, texts)
        except RepopeError as error:
            raise RepopeError(f"{where}, row {row.number}: {error}") from error
        if question is None:
            unjoined.append(row)
            continue
        answer = Answer(question, row.response, row.n_tokens, row.p_yes, row.p_no)
        n_conflicts += answers.setdefault(question, answer).response != row.response
    if not answers:
        raise RepopeError(_nothing_joined(rows, texts, where))
    if all(is_question(answer.response, question.text) for question, answer in answers.items()):
        raise RepopeError(
            f"{where}: its responses are the questions themselves, so it seems to be a question file; give the "
            f"responses in one of {', '.join(RESPONSE_FIELDS)}"
        )
    return Joined(answers, len(rows), tuple(unjoined), n_conflicts)


def _nothing_joined(
    rows: Sequence[AnswerRow], texts: Mapping[str, tuple[str, str]] | None, where: str
) -> str:
    if not rows:
        return f"{where}: holds no rows; each needs an image, a question and a response"
    first = rows[0]
    named = (first.image, first.text) if texts is None else texts[first.question_id or ""]
    image, text = (_shown(name) for name in named)
    return (
        f"{where}: none of its {len(rows)} rows is about a question of this benchmark, first image {image}, "
        f"question {text}; is bench right?"
    )


def _question(
    row: AnswerRow, index: QuestionIndex, texts: Mapping[str, tuple[str, str]] | None
) -> Question | None:
    if texts is not None:
        return _question_by_file(row, index, texts)
    if row.image is not None and row.text is not None:
        return index.by_text(row.image, row.text)
    if row.question_id is None or row.text is None:
        missing = "question" if row.text is None else "image"
        raise RepopeError(
            f"names no {missing}; give rows an image and a question, or a question_id together with "
            "questions=FILE"
        )
    if len(index.variants) > 1:
        raise RepopeError(
            "has no image, and a question_id means something else in each of "
            f"{', '.join(index.variants)}; give questions=FILE, or score one variant (bench=repope_random, say)"
        )
    question = index.by_id(row.question_id)
    if question is None or not is_question(row.text, question.text):
        known = "has no such question" if question is None else f"asks {_shown(question.text)} there"
        raise RepopeError(
            f"question_id {row.question_id} comes with {_shown(row.text)}, but the benchmark {known}; the "
            "answers are to other questions (an older POPE?), so give questions=FILE that they were made from"
        )
    return question


def _question_by_file(
    row: AnswerRow, index: QuestionIndex, texts: Mapping[str, tuple[str, str]]
) -> Question | None:
    if row.question_id is None:
        raise RepopeError(
            "has no question_id to look up in questions=FILE; leave questions= out where rows name image "
            "and question"
        )
    if row.question_id not in texts:
        raise RepopeError(
            f"question_id {row.question_id} is not in questions=FILE; give the file the answers were made from"
        )
    image, text = texts[row.question_id]
    question = index.by_text(image, text)
    if row.text is not None and not _agree(row.text, text, question):
        raise RepopeError(
            f"question_id {row.question_id} comes with {_shown(row.text)}, but questions=FILE has "
            f"{_shown(text)}; give the file the answers were made from"
        )
    if row.image is not None and not same_image(row.image, image):
        raise RepopeError(
            f"question_id {row.question_id} comes with image {row.image}, but questions=FILE has {image}; "
            "give the file the answers were made from"
        )
    return question


def _agree(text: str, other: str, question: Question | None) -> bool:
    """Whether two texts are one question, be it with different instructions after it."""
    return (
        is_question(text, other)
        or is_question(other, text)
        or (question is not None and is_question(text, question.text))
    )


def _answer_row(row: Mapping[str, Any], number: int, where: str) -> AnswerRow:
    place = f"{where}, row {number}"
    response_field = next((name for name in RESPONSE_FIELDS if name in row), None)
    if response_field is None:
        raise RepopeError(f"{place}: has no response; one of {', '.join(RESPONSE_FIELDS)} is expected")
    response, text, image = row[response_field], _first(row, QUESTION_FIELDS), row.get("image")
    if response_field == "answer" and isinstance(text, str):
        _refuse_two_responses(row, text, place)
    if text is None and response_field != "text":
        text = row.get("text")
    if not isinstance(response, str):
        raise RepopeError(
            f"{place}: the {response_field} is {_shown(response)}, not a text; leave out rows without a response"
        )
    for name, value in (("question", text), ("image", image)):
        if not (value is None or isinstance(value, str)):
            raise RepopeError(f"{place}: the {name} is {_shown(value)}, not a text")
    return AnswerRow(
        number,
        response,
        _question_id(row, place),
        image,
        text,
        n_tokens=_whole_number(row, "n_tokens", place),
        p_yes=_number(row, "p_yes", place),
        p_no=_number(row, "p_no", place),
    )


def _refuse_two_responses(row: Mapping[str, Any], question: str, place: str) -> None:
    """Beside a question, `text` and `answer` are a response and a label, and nothing tells which is which."""
    text = row.get("text")
    if isinstance(text, str) and text != row["answer"] and not is_question(text, question):
        raise RepopeError(
            f"{place}: either of text {_shown(text)} and answer {_shown(row['answer'])} may be the response; "
            "name the response `response`"
        )


def _first(row: Mapping[str, Any], names: Sequence[str]) -> Any:
    """The first of the named fields that holds something."""
    return next((row[name] for name in names if row.get(name) is not None), None)


def _question_id(row: Mapping[str, Any], place: str) -> str | None:
    """The id as text, so that 7, 7.0 (as tables write whole numbers) and "7" are one."""
    value = row.get("question_id")
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not (value is None or isinstance(value, int | str)):
        raise RepopeError(f"{place}: the question_id is {_shown(value)}, neither a whole number nor a text")
    return None if value is None else str(value)


def _whole_number(row: Mapping[str, Any], name: str, place: str) -> int | None:
    value = row.get(name)
    if value is None or (isinstance(value, int) and not isinstance(value, bool)):
        return value
    raise RepopeError(f"{place}: {name} is {_shown(value)}, not a whole number; mend it or leave it out")


def _number(row: Mapping[str, Any], name: str, place: str) -> float | None:
    value = row.get(name)
    number = isinstance(value, int | float) and not isinstance(value, bool) and -math.inf < value < math.inf
    if value is None or number:
        return value
    raise RepopeError(f"{place}: {name} is {_shown(value)}, not a number; mend it or leave it out")


def _shown(value: object) -> str:
    """A value as messages quote it: on one line, cut where it is long."""
    text = repr(value)
    return text if len(text) <= 120 else f"{text[:117]}..."
