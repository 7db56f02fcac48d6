"""Rows of fields in common use, told apart, and the question of a benchmark that each means, by text or id."""

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from repope_eval.benchmarks.pope_file import (
    MISSPELT,
    MOST_NAME_CHARACTERS,
    MOST_QUESTION_CHARACTERS,
    asked_text,
    plain_question,
)
from repope_eval.errors import RepopeError
from repope_eval.records import Question, Variant, is_probability
from repope_eval.settings.config import ColumnSettings
from repope_eval.system.rows import RowFile
from repope_eval.wording import counted, shown

_EXTENSION = re.compile(r"\.(jpe?g|png|webp|bmp|gif|tiff?|avif|heic)$", re.IGNORECASE)
_SENTENCE_END = (".", "?", "!", "。", "？")

Ids = Mapping[Variant, Mapping[int | str, Question]]
"""A benchmark's questions by variant and id (see `Benchmark.ids`)."""


class QuestionIndex:
    """A benchmark's questions, found by image and text, or by the id of its only variant."""

    def __init__(self, ids: Ids) -> None:
        self.variants = tuple(ids)
        self._asked: dict[str, dict[str, Question]] = defaultdict(dict)
        for questions in ids.values():
            for question in questions.values():
                self._asked[question.image][plain_question(question.text)] = question
        self._images: dict[str, list[str]] = defaultdict(list)
        for image in self._asked:
            self._images[_image_stem(image)].append(image)
        self._own_names: dict[str, str | None] = {}
        only = next(iter(ids.values())) if len(ids) == 1 else {}
        self._by_id = {str(key): question for key, question in only.items()}

    def find_by_text(self, image: str, text: str) -> Question | None:
        """The question about an image that a text asks, alone or with an instruction after it.

        What POPE's older files misspelt is taken for what they meant (see `is_misspelt`).
        """
        if image not in self._own_names:
            self._own_names[image] = self._own_image_name(image)
        name = self._own_names[image]
        if name is None:
            return None
        asked = self._asked[name]
        plain = plain_question(text)
        if plain in asked:
            return asked[plain]
        begun = [known for known in asked if _begins_with(plain, known)]
        return asked[max(begun, key=len)] if begun else None

    def find_by_id(self, question_id: str) -> Question | None:
        """The question of that id, in a benchmark of one variant."""
        return self._by_id.get(question_id)

    def _own_image_name(self, image: str) -> str | None:
        """The benchmark's own name of an image; None where the image is none of its images."""
        if image in self._asked:
            return image
        likely = [known for known in self._images.get(_image_stem(image), ()) if same_image(image, known)]
        exact = [known for known in likely if _path_parts(known)[-1] == _path_parts(image)[-1]]
        if len(exact or likely) > 1:
            raise RepopeError(
                f"the image {image!r} may be {' or '.join((exact or likely)[:3])}; name images as the "
                "benchmark's file does"
            )
        return next(iter(exact or likely), None)


def same_image(image: str, other: str) -> bool:
    """Whether two names may mean one image: equal but for its extension and folders that one of them leaves out."""
    *folders, _ = _path_parts(image)
    *others, _ = _path_parts(other)
    depth = min(len(folders), len(others))
    return (
        _image_stem(image) == _image_stem(other)
        and folders[len(folders) - depth :] == others[len(others) - depth :]
    )


def is_question(text: str, question: str) -> bool:
    """Whether a text is a question, alone or with an instruction after it."""
    plain, asked = plain_question(text), plain_question(question)
    return plain == asked or _begins_with(plain, asked)


def is_misspelt(text: str, question: str) -> bool:
    """Whether a text is a question in the spelling of POPE's older files, which is no longer the question's."""
    return MISSPELT in text and MISSPELT not in question


def _begins_with(text: str, question: str) -> bool:
    """Whether an instruction follows the question: on a line of its own, or after the question's last mark."""
    if not question or not text.startswith(question) or len(text) == len(question):
        return False
    following = text[len(question)]
    return following == "\n" or (following.isspace() and question.endswith(_SENTENCE_END))


def _path_parts(image: str) -> list[str]:
    return [part for part in image.replace("\\", "/").split("/") if part not in ("", ".")] or [""]


def _image_stem(image: str) -> str:
    """An image's name without folder and extension; only the extensions of images are taken off."""
    return _EXTENSION.sub("", _path_parts(image)[-1])


IMAGE_FIELDS = ("image", "image_path", "image_source")
QUESTION_FIELDS = ("question", "prompt")
DOUBTFUL_FIELDS = ("answer", "text")
"""Fields that hold a response in some files, and a label or a question in others (see `joining.refuse_labels`)."""
RESPONSE_FIELDS = ("response", "prediction", "pred", "model_output", "output", *DOUBTFUL_FIELDS)
"""The first of these that a row has counts: an `answer` beside a `response` or `prediction` is mostly the label.
`text` is a question where another field holds a response, and a response where none does."""

USUAL_COLUMNS = ColumnSettings()


@dataclass(frozen=True, slots=True)
class AnswerRow:
    """One row of an answer file, its fields told apart."""

    number: int
    """Counted from 1."""
    response: str
    question_id: str | None = None
    image: str | None = None
    text: str | None = None
    n_tokens: int | None = None
    p_yes: float | None = None
    p_no: float | None = None


def answer_rows(file: RowFile, columns: ColumnSettings = USUAL_COLUMNS) -> list[AnswerRow]:
    """Tells the fields of an answer file's rows apart.

    In a table, where an empty response cannot be told from none, an empty cell is an empty response.

    Args:
        columns: the names of fields that cannot be recognised by their names.

    Raises:
        RepopeError: a row lacks a field that `columns` names, has no response, two fields that may be it, or a
            field of another type; or the responses of a table are all empty.
    """
    rows = [_answer_row(row, number, file, columns) for number, row in enumerate(file.rows, 1)]
    if file.is_table and rows and not any(row.response for row in rows):
        raise RepopeError(
            f"{file.where}: of {counted(len(rows), 'row')} none has a response; "
            f"name its column with columns.response=, there are {field_names(file.rows[0])}"
        )
    return rows


def question_texts(rows: Sequence[Mapping[str, Any]], where: str) -> dict[str, tuple[str, str]]:
    """Image and text by question id, from the rows of a question file.

    Raises:
        RepopeError: there are no rows, a row lacks id, image or text, or an id stands for two questions.
    """
    if not rows:
        raise RepopeError(f"{where}: holds no rows; each needs question_id, image and text")
    texts: dict[str, tuple[str, str]] = {}
    for number, row in enumerate(rows, 1):
        at = f"{where}, row {number}"
        question_id = question_id_of(row, at)
        image = _text_or_none(_first_value(row, IMAGE_FIELDS), "image", at)
        text = _text_or_none(_first_value(row, (*QUESTION_FIELDS, "text")), "question", at)
        if question_id is None or image is None or text is None:
            raise RepopeError(f"{at}: question_id, image and text are needed")
        known = texts.setdefault(question_id, (image, text))
        if known != (image, text):
            raise RepopeError(
                f"{at}: question_id {shown(question_id)} stands for two questions; join the "
                "variants' files only where their ids differ"
            )
    return texts


def _answer_row(row: Mapping[str, Any], number: int, file: RowFile, columns: ColumnSettings) -> AnswerRow:
    where = f"{file.where}, row {number}"
    for role in ("image", "question", "response", "question_id"):
        name = getattr(columns, role)
        if name is not None and name not in row:
            raise RepopeError(
                f"{where}: has no column {name!r} (columns.{role}=); there are {field_names(row)}"
            )
    response_field = columns.response or next(
        (name for name in RESPONSE_FIELDS if name in row and name != columns.question), None
    )
    if response_field is None:
        raise RepopeError(
            f"{where}: has no response; one of {', '.join(RESPONSE_FIELDS)} is expected, or a column that "
            f"columns.response= names; there are {field_names(row)}"
        )
    if row.get("draw") and "n_tokens" in row:  # a run's own line; other files may mean anything by the word
        raise RepopeError(
            f"{where}: is a further draw of an answer; figures over draws stand in its run folder, and to score the "
            "first draw alone, leave out the lines that have draw"
        )
    image = row[columns.image] if columns.image else _first_value(row, IMAGE_FIELDS)
    text = row[columns.question] if columns.question else _first_value(row, QUESTION_FIELDS)
    if response_field == "answer" and columns.response is None and isinstance(text, str):
        _refuse_two_responses(row, text, where)
    if text is None and response_field != "text":
        text = row.get("text")
    return AnswerRow(
        number,
        response_text(row, response_field, where, is_cell=file.is_table),
        question_id_of(row, where, columns.question_id or "question_id"),
        _text_or_none(image, "image", where),
        _text_or_none(text, "question", where),
        n_tokens=_whole_number(row, "n_tokens", where),
        p_yes=_probability(row, "p_yes", where),
        p_no=_probability(row, "p_no", where),
    )


def response_text(row: Mapping[str, Any], name: str, where: str, *, is_cell: bool) -> str:
    """The response that a row's field holds; an empty cell of a table is an empty response."""
    response = "" if row[name] is None and is_cell else row[name]
    if isinstance(response, str):
        return response
    if response is None:
        raise RepopeError(f"{where}: the {name} is None, not a text; leave out rows without a response")
    raise RepopeError(
        f"{where}: the {name} is {shown(response)}, not a text; write what the model said, such as yes"
    )


def _text_or_none(value: object, name: str, where: str) -> str | None:
    """An image or a question as it is written; None where the row has none."""
    if value is None:
        return None
    most = MOST_QUESTION_CHARACTERS if name == "question" else MOST_NAME_CHARACTERS
    return asked_text(name, value, most, where=where)


def field_names(row: Mapping[str, Any]) -> str:
    """The names of a row's fields, for messages."""
    names = repr(", ".join(row))[1:-1]  # on one line
    return names if len(names) <= 300 else f"{names[:297]}..."


def _refuse_two_responses(row: Mapping[str, Any], question: str, where: str) -> None:
    """Refuses a row with `text` and `answer` beside a question: they are a response and a label in unknown order."""
    text = row.get("text")
    if isinstance(text, str) and text != row["answer"] and not is_question(text, question):
        raise RepopeError(
            f"{where}: either of text {shown(text)} and answer {shown(row['answer'])} may be the response; "
            "name the response `response`"
        )


def _first_value(row: Mapping[str, Any], names: Sequence[str]) -> Any:
    """The value of the first named field that is not empty."""
    return next((row[name] for name in names if row.get(name) is not None), None)


def question_id_of(row: Mapping[str, Any], where: str, name: str = "question_id") -> str | None:
    """The id as text, so that 7, 7.0 (as tables write whole numbers) and "7" are one."""
    value = row.get(name)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not (value is None or isinstance(value, int | str)):
        raise RepopeError(f"{where}: the {name} is {shown(value)}, neither a whole number nor a text")
    return _text_or_none(None if value is None else str(value), name, where)


def _whole_number(row: Mapping[str, Any], name: str, where: str) -> int | None:
    value = row.get(name)
    if value is None or (isinstance(value, int) and not isinstance(value, bool) and value >= 0):
        return value
    raise RepopeError(f"{where}: {name} is {shown(value)}, not a whole number; mend it or leave it out")


def _probability(row: Mapping[str, Any], name: str, where: str) -> float | None:
    value = row.get(name)
    if is_probability(value):
        return value
    raise RepopeError(f"{where}: {name} is {shown(value)}, not a number from 0 to 1; mend it or leave it out")
