"""Reading and writing POPE's file format: JSON lines of question id, image, text and label.

Tables and JSON lists with the same columns are read as well.
"""

import re
import typing
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from operator import itemgetter
from pathlib import Path, PurePath
from typing import Any, TypeVar

from repope_eval.errors import RepopeError
from repope_eval.records import Label, Question
from repope_eval.system.rows import RowFile, read_row_file
from repope_eval.system.writing import write_lines
from repope_eval.wording import shown

MOST_QUESTION_CHARACTERS = 10_000
"""The longest question, a hundred times POPE's longest: an image's questions share its prompt in a model's memory."""

MOST_NAME_CHARACTERS = 1_000
"""The longest name of an image or object, or id: file systems hold names of 255, in folders of folders."""

_HALF = re.compile("[\ud800-\udfff]")
"""Half of a surrogate pair: JSON's escapes can write it, and UTF-8 cannot hold it."""


MISSPELT, SPELT = "in the imange?", "in the image?"
"""POPE's files had the first after "an" until October 2023, as in "Is there an apple in the imange?"."""

_IMAGE_MARK = re.compile(r"^<image>|<image>$")


def plain_question(text: str) -> str:
    """A question without what does not change it: spaces and a mark of the image around it, and POPE's misspelling."""
    plain = text.strip()
    if "<image>" in plain:
        plain = _IMAGE_MARK.sub("", plain).strip()
    return plain.replace(MISSPELT, SPELT)


def pair_asked(image: str, text: str) -> tuple[str, str]:
    """The image and the question that a row is about: rows for which they are equal ask the same."""
    # A table may have a million rows, and making a path of each name takes longer than all else here.
    has_idle_parts = "./" in image or "//" in image
    return str(PurePath(image)) if has_idle_parts else image, plain_question(text)


def whole_text(text: str) -> str:
    """A text with U+FFFD for each half of a surrogate pair; two halves that belong together are one character."""
    return text if text.isascii() else text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def asked_text(what: str, value: object, most: int = MOST_NAME_CHARACTERS, *, where: str = "") -> str:
    """A value that is a text to ask with.

    Args:
        what: the name of its field, for messages.
        most: the number of characters that are allowed.
        where: the file and row that a message begins with; where it is empty, the caller says it.

    Raises:
        RepopeError: it is no text, says nothing, is too long, or holds what no file can.
    """
    fault = None
    if not isinstance(value, str):
        fault = f"is {shown(value)}, not a text"
    elif not value.strip():
        fault = "is empty"
    elif len(value) > most:
        fault = f"has {len(value)} characters, {shown(value)}; at most {most} are taken"
    elif "\0" in value:
        fault = f"is {shown(value)}, with a NUL character in it; take that out"
    elif not value.isascii() and _HALF.search(value):
        half = "half of a character (a lone surrogate), which no file can hold"
        fault = f"is {shown(value)}, with {half}; write it whole"
    if fault is not None:
        raise RepopeError(f"{where and f'{where}: '}the {what} {fault}")
    return str(value)


POPE_VARIANTS = ("random", "popular", "adversarial")
BINARY_LABELS: tuple[Label, ...] = ("yes", "no")
ANNOTATOR_LABELS: tuple[Label, ...] = ("yes", "no", "ambiguous")

_ARTICLE = re.compile(r"\ban? ")
_QUESTION_END = re.compile(r" in th(?:e|is) image\?")

_WHOLE_NUMBER = re.compile(r"(0|[1-9]\d{0,17})(\.0)?", re.ASCII)
"""A cell that is a whole number; others, such as 007, would not be the same text again."""

FIELDS = ("question_id", "image", "text", "label")
_values = itemgetter(*FIELDS)
_LOG_FIELDS = ("annotator", "at")
DISPUTED = "disputed"
"""A field of a row without a label: two annotators do not agree on it, and nobody has decided."""
RELABELLED = "relabelled"
"""A field of a queue whose labels are what people found; nothing else tells one in which they changed nothing."""

Read = TypeVar("Read")


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a file in POPE's format."""

    question_id: int | str
    """Unique inside one file only."""
    question: Question
    label: Label


@dataclass(frozen=True, slots=True)
class Annotation(Row):
    """What an annotator says of a question."""

    annotator: str | None = None
    """Who says it; None where the file has no names."""
    time: datetime | None = None
    """When it was said; None where the file has no times."""
    note: str = ""


@lru_cache(maxsize=10_000)  # a file asks about its objects again and again
def object_of(text: str) -> str:
    """The object asked about (`a snowboard` -> `snowboard`); the whole text where it has another form."""
    for line in text.split("\n"):
        article = _ARTICLE.search(line)
        end = _QUESTION_END.search(line, article.end() + 1) if article else None
        if article and end:
            return line[article.end() : end.start()]
    return text


def with_article(name: str) -> str:
    """An object with its article: "an" before a vowel letter, otherwise "a"."""
    return f"{'an' if name[:1].lower() in set('aeiou') else 'a'} {name}"


def question_text(name: str) -> str:
    """POPE's question about an object."""
    return f"Is there {with_article(name)} in the image?"


def read_rows(
    path: Path, labels: Sequence[Label] = BINARY_LABELS, *, may_repeat: bool = False
) -> tuple[Row, ...]:
    """The rows of a file in POPE's format, or of a table with its columns, checked row by row.

    Args:
        may_repeat: whether a pair may stand twice with one label, as in published files that nobody may mend.

    Raises:
        RepopeError: the file cannot be read; a row lacks one of the four fields; a label is none of `labels`; a
            question id or an (image, question) pair stands twice.
    """
    return rows_of(read_row_file(path), labels, may_repeat=may_repeat)


def rows_of(
    file: RowFile, labels: Sequence[Label] = BINARY_LABELS, *, may_repeat: bool = False
) -> tuple[Row, ...]:
    """The rows of a file that has been read, as `read_rows` has them."""
    _refuse_no_rows(file)
    rows = tuple(_read_each_row(file, lambda fields: _row(fields, labels, is_cells=file.is_table)))
    _refuse_repeats(file, zip(file.places, rows, strict=True), may_repeat=may_repeat)
    ids: dict[str, str] = {}
    for place, row in zip(file.places, rows, strict=True):
        # As other programs write it, so that 1 and "1" are one.
        if ids.setdefault(str(row.question_id), place) != place:
            raise RepopeError(
                f"{file.where}, {place}: question_id {shown(row.question_id)} stands twice, first in "
                f"{ids[str(row.question_id)]}; give each its own"
            )
    return rows


def read_annotations(path: Path) -> tuple[Annotation, ...]:
    """The rows of an annotator's file."""
    return annotations_of(read_row_file(path))


def annotations_of(file: RowFile) -> tuple[Annotation, ...]:
    """An annotator's rows, like those of `read_rows`, but for ids, which say nothing and may be left out.

    The question may also be in a field `question`. JSON rows that all have `annotator` and `at` are a log: the last
    row of a question counts, and leaves it unlabelled if its label is null. It may hold no label at all. Rows in
    dispute, which `relabel` writes, have none.

    Raises:
        RepopeError: as `read_rows` does; a name, time or note in a log is none.
    """
    _refuse_no_rows(file)
    if not file.is_table and all(name in fields for fields in file.rows for name in _LOG_FIELDS):
        latest = dict(_read_each_row(file, _log_entry))
        return tuple(annotation for annotation in latest.values() if annotation is not None)
    said = _read_each_row(file, lambda fields: _annotation(fields, is_cells=file.is_table))
    placed = [(place, row) for place, (_, row) in zip(file.places, said, strict=True) if row is not None]
    _refuse_repeats(file, placed)
    return tuple(row for _, row in placed)


def disputed_of(file: RowFile) -> tuple[Question, ...]:
    """The questions whose rows say that they are in dispute, and have the label null.

    Raises:
        RepopeError: such a row lacks its image or its text.
    """
    of_rows = _read_each_row(
        file, lambda fields: _annotation(fields, is_cells=False) if _is_disputed(fields) else None
    )
    return tuple(said[0] for said in of_rows if said is not None)


def write_rows(path: Path, rows: Iterable[Row]) -> None:
    """Writes rows in POPE's format, one JSON object a line."""
    write_lines(path, [row_fields(row) for row in rows])


def row_fields(row: Row) -> dict[str, Any]:
    """The fields of a row in POPE's format."""
    values = (row.question_id, row.question.image, row.question.text, row.label)
    return dict(zip(FIELDS, values, strict=True))


def is_queue(file: RowFile) -> bool:
    """Whether a file of rows is a queue: some row says how likely its question was to be looked at."""
    return any("p_sampled" in fields for fields in file.rows)


def is_by_people(file: RowFile) -> bool:
    """Whether a queue says that its labels are what people found."""
    return any(label_of(fields.get(RELABELLED)) in (True, "true") for fields in file.rows)


def _refuse_no_rows(file: RowFile) -> None:
    if not file.rows:
        raise RepopeError(f"{file.where}: holds no questions; a file in POPE's format is expected")


def _read_each_row(file: RowFile, read: Callable[[Mapping[str, Any]], Read]) -> Iterator[Read]:
    """What is read of each row; an error says where the row is."""
    for place, fields in zip(file.places, file.rows, strict=True):
        try:
            yield read(fields)
        except RepopeError as error:
            raise RepopeError(f"{file.where}, {place}: {error}") from error


def _is_disputed(fields: Mapping[str, Any]) -> bool:
    return fields.get("label", "") is None and fields.get(DISPUTED) is True


def _annotation(fields: Mapping[str, Any], *, is_cells: bool) -> tuple[Question, Annotation | None]:
    """The question of a row, and what the row says of it; None where it is in dispute."""
    is_disputed = _is_disputed(fields)
    labelled = {**fields, "label": "ambiguous"} if is_disputed else fields
    row = _row(_as_questions(labelled), ANNOTATOR_LABELS, is_cells=is_cells)
    name, note = (value if isinstance(value, str) else "" for value in map(fields.get, ("annotator", "note")))
    said = Annotation(row.question_id, row.question, row.label, name.strip() or None, note=whole_text(note))
    return row.question, None if is_disputed else said


def _log_entry(fields: Mapping[str, Any]) -> tuple[Question, Annotation | None]:
    """The question of a row of a log, and what the row says of it; None where it takes back what was said."""
    takes_back = fields.get("label", "") is None
    labelled = {**fields, "label": "ambiguous"} if takes_back else fields
    row = _row(_as_questions(labelled), ANNOTATOR_LABELS, is_cells=False)
    name, at, note = (
        asked_text("annotator", fields["annotator"]).strip(),
        _time_of(fields["at"]),
        fields.get("note"),
    )
    if note is not None and not isinstance(note, str):
        raise RepopeError(f"the note is {shown(note)}, not a text")
    said = Annotation(row.question_id, row.question, row.label, name, at, whole_text(note or ""))
    return row.question, None if takes_back else said


def _time_of(value: object) -> datetime:
    """A time as ISO 8601 writes it; without a zone, it is taken for one in UTC."""
    try:
        time = datetime.fromisoformat(str(value))
    except ValueError:
        raise RepopeError(
            f"the at is {shown(value)}; a time such as 2026-01-31T09:30:00Z is expected"
        ) from None
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def _as_questions(annotation: Mapping[str, Any]) -> Mapping[str, Any]:
    """An annotator's row with the field names of POPE's format; its id says nothing, and is the same for all."""
    text = {"text": annotation["question"]} if "question" in annotation else {}
    return {**text, **annotation, "question_id": "none"}


def _row(fields: Mapping[str, Any], labels: Sequence[Label], *, is_cells: bool) -> Row:
    """Reads a row; the caller adds to an error where the row is."""
    try:
        question_id, image, text, label = _values(fields)
    except KeyError:
        missing = ", ".join(name for name in FIELDS if name not in fields)
        raise RepopeError(f"lacks {missing}; each row needs question_id, image, text and label") from None
    image = asked_text("image", image)
    text = asked_text("text", text, MOST_QUESTION_CHARACTERS)
    said = label_of(label)
    if said not in labels:
        raise RepopeError(f"the label is {shown(label)}; allowed are {', '.join(labels)}")
    return Row(
        _question_id(question_id, is_cell=is_cells),
        Question(image, text, object_of(text)),
        typing.cast(Label, said),
    )


def label_of(value: object) -> object:
    """A label in lower case and without spaces around; a value that is no text stays as it is."""
    return value.strip().lower() if isinstance(value, str) else value


def _question_id(value: object, *, is_cell: bool) -> int | str:
    """The id as it is written; in a table, where all cells may be texts, the text of a whole number is a number."""
    if is_cell and isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, str):
        text = asked_text("question_id", value)
        return int(text.partition(".")[0]) if is_cell and _WHOLE_NUMBER.fullmatch(text) else text
    if isinstance(value, bool) or not isinstance(value, int):
        raise RepopeError(f"the question_id is {shown(value)}; a number or a text is expected")
    return value


def _refuse_repeats(file: RowFile, placed: Iterable[tuple[str, Row]], *, may_repeat: bool = False) -> None:
    """Refuses rows, each with its place, that ask what another asks, spaces around it left aside."""
    first: dict[tuple[str, str], tuple[str, Row]] = {}
    for place, row in placed:
        known_place, known = first.setdefault(pair_asked(row.question.image, row.question.text), (place, row))
        if known is not row and not (may_repeat and known.label == row.label):
            what = (
                "stands twice"
                if known.label == row.label
                else f"has two labels, {known.label} and {row.label}"
            )
            raise RepopeError(
                f"{file.where}, {place}: {shown(row.question.image)}, {shown(row.question.text)} {what}, first in "
                f"{known_place}; keep one"
            )
