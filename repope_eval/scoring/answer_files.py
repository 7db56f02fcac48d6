"""Anybody's answers: reading rows of unknown make, and joining them to a benchmark's questions.

Rows are joined by image and question text. An id alone is never trusted: it leads to a text in
`questions=FILE`, or to the benchmark's own, and wherever a row has a text too, the two must agree.
"""

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

from repope_eval.errors import RepopeError
from repope_eval.records import Answer, Question, Variant

QUESTION_FIELDS = ("question", "prompt")
RESPONSE_FIELDS = ("response", "prediction", "answer", "text")
"""`text` is a question where another field holds a response, and a response where none does."""


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
        RepopeError: a row has no response, or it is no text.
    """
    return [_answer_row(row, number, where) for number, row in enumerate(rows, 1)]


def question_texts(rows: Sequence[Mapping[str, Any]], where: str) -> dict[str, tuple[str, str]]:
    """Image and text by question id, from the rows of a question file.

    Raises:
        RepopeError: a row lacks id, image or text, or an id stands for two questions.
    """
    texts: dict[str, tuple[str, str]] = {}
    for number, row in enumerate(rows, 1):
        text = next((row[name] for name in (*QUESTION_FIELDS, "text") if name in row), None)
        if "question_id" not in row or not isinstance(row.get("image"), str) or not isinstance(text, str):
            raise RepopeError(f"{where}, row {number}: question_id, image and text are needed")
        known = texts.setdefault(str(row["question_id"]), (row["image"], text))
        if known != (row["image"], text):
            raise RepopeError(
                f"{where}, row {number}: question_id {row['question_id']} stands for two questions; join the "
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
        RepopeError: a row names no question, its id and its text disagree, or no row at all fits.
    """
    index = _Index(ids)
    answers: dict[Question, Answer] = {}
    unjoined = []
    n_conflicts = 0
    for row in rows:
        question = _question(row, index, texts, f"{where}, row {row.number}")
        if question is None:
            unjoined.append(row)
            continue
        answer = Answer(question, row.response, row.n_tokens, row.p_yes, row.p_no)
        n_conflicts += answers.setdefault(question, answer).response != row.response
    if not answers:
        raise RepopeError(
            f"{where}: none of its {len(rows)} rows is about a question of this benchmark, first image "
            f"{rows[0].image!r}, question {rows[0].text!r}; is bench right?"
            if rows
            else f"{where}: holds no rows"
        )
    return Joined(answers, len(rows), tuple(unjoined), n_conflicts)


class _Index:
    """A benchmark's questions, to be found by image and text, or by the id of its only variant."""

    def __init__(self, ids: Mapping[Variant, Mapping[int | str, Question]]) -> None:
        self.variants = tuple(ids)
        self._by_image: dict[str, dict[str, Question]] = defaultdict(dict)
        for questions in ids.values():
            for question in questions.values():
                self._by_image[_stem(question.image)][question.text] = question
        (only, *others) = ids.values()
        self._by_id = {} if others else {str(key): question for key, question in only.items()}

    def by_text(self, image: str, text: str) -> Question | None:
        """The question about an image that a text is, or begins with before an instruction."""
        asked = self._by_image.get(_stem(image), {})
        fitting = [known for known in asked if _fits(text, known)]
        return asked[max(fitting, key=len)] if fitting else None

    def by_id(self, question_id: str) -> Question | None:
        """The question of that id, in a benchmark of one variant."""
        return self._by_id.get(question_id)


def _question(
    row: AnswerRow, index: _Index, texts: Mapping[str, tuple[str, str]] | None, where: str
) -> Question | None:
    if texts is not None:
        return _question_by_file(row, index, texts, where)
    if row.image is not None and row.text is not None:
        return index.by_text(row.image, row.text)
    if row.question_id is None or row.text is None:
        raise RepopeError(
            f"{where}: names no image and question; give rows an image and a question, or a question_id "
            "together with questions=FILE"
        )
    if len(index.variants) > 1:
        raise RepopeError(
            f"{where}: has no image, and a question_id means something else in each of "
            f"{', '.join(index.variants)}; give questions=FILE, or score one variant (bench=repope_random, say)"
        )
    question = index.by_id(row.question_id)
    if question is None or not _fits(row.text, question.text):
        known = "has no such question" if question is None else f"asks {question.text!r} there"
        raise RepopeError(
            f"{where}: question_id {row.question_id} comes with {row.text!r}, but the benchmark {known}; the "
            "answers are to other questions (an older POPE?), so give questions=FILE that they were made from"
        )
    return question


def _question_by_file(
    row: AnswerRow, index: _Index, texts: Mapping[str, tuple[str, str]], where: str
) -> Question | None:
    if row.question_id is None:
        raise RepopeError(f"{where}: has no question_id to look up in questions=FILE")
    if row.question_id not in texts:
        raise RepopeError(f"{where}: question_id {row.question_id} is not in questions=FILE")
    image, text = texts[row.question_id]
    if row.text is not None and not (_fits(row.text, text) or _fits(text, row.text)):
        raise RepopeError(
            f"{where}: question_id {row.question_id} comes with {row.text!r}, but questions=FILE has {text!r}"
        )
    if row.image is not None and _stem(row.image) != _stem(image):
        raise RepopeError(
            f"{where}: question_id {row.question_id} comes with image {row.image}, but questions=FILE has {image}"
        )
    return index.by_text(image, text)


_IMAGE_MARK = re.compile(r"^\s*<image>\s*|\s*<image>\s*$")


def _fits(text: str, question: str) -> bool:
    """Whether a text is a question, alone or with an instruction after it."""
    bare = _IMAGE_MARK.sub("", text).strip()
    return bare == question.strip() or (bare.startswith(question) and bare[len(question)].isspace())


def _stem(image: str) -> str:
    """An image's name without folder and extension."""
    return PurePath(image.replace("\\", "/")).stem


def _answer_row(row: Mapping[str, Any], number: int, where: str) -> AnswerRow:
    question_field = next((name for name in QUESTION_FIELDS if name in row), None)
    response_field = next((name for name in RESPONSE_FIELDS if name in row), None)
    if response_field is None:
        raise RepopeError(
            f"{where}, row {number}: has no response; one of {', '.join(RESPONSE_FIELDS)} is expected"
        )
    if question_field is None and response_field != "text" and "text" in row:
        question_field = "text"
    response = row[response_field]
    text = None if question_field is None else row[question_field]
    image = row.get("image")
    for name, value in (("response", response), ("question", text), ("image", image)):
        if not isinstance(value, str) and not (value is None and name != "response"):
            raise RepopeError(f"{where}, row {number}: the {name} is {value!r}, not a text")
    question_id = None if row.get("question_id") is None else str(row["question_id"])
    return AnswerRow(
        number,
        response,
        question_id,
        image,
        text,
        n_tokens=row.get("n_tokens"),
        p_yes=row.get("p_yes"),
        p_no=row.get("p_no"),
    )
