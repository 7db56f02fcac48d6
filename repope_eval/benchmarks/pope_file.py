"""Reading and writing POPE's file format: JSON lines of question id, image, text and label."""

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from repope_eval.errors import RepopeError
from repope_eval.json_files import parse_line
from repope_eval.records import Label, Question

BINARY_LABELS: tuple[Label, ...] = ("yes", "no")
ANNOTATOR_LABELS: tuple[Label, ...] = ("yes", "no", "ambiguous")

_OBJECT = re.compile(r"\ban? (.+?) in th(?:e|is) image\?")


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a file in POPE's format."""

    question_id: int | str
    """Unique inside one file only."""
    question: Question
    label: Label


@lru_cache(maxsize=10_000)  # a file asks about its objects again and again
def object_of(text: str) -> str:
    """The object asked about (`a snowboard` -> `snowboard`); the whole text where it has another form."""
    match = _OBJECT.search(text)
    return match.group(1) if match else text


def question_text(name: str) -> str:
    """POPE's question about an object: "an" before a vowel letter, otherwise "a"."""
    article = "an" if name[:1].lower() in set("aeiou") else "a"
    return f"Is there {article} {name} in the image?"


def read_rows(path: Path, labels: Sequence[Label] = BINARY_LABELS) -> tuple[Row, ...]:
    """The rows of a file in POPE's format, checked line by line.

    Raises:
        RepopeError: the file cannot be read; a line is no JSON object with the four fields; a label is
            none of `labels`; a question id or an (image, question) pair stands twice.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").split("\n")  # JSON texts may hold other line separators
    except (OSError, UnicodeDecodeError) as error:
        raise RepopeError(f"{path}: cannot be read ({error}); a file in POPE's format is expected") from error
    rows = list(_rows(path, lines, labels))
    if not rows:
        raise RepopeError(f"{path}: holds no questions; a file in POPE's format is expected")
    _refuse_repeats(path, rows)
    return tuple(rows)


def write_rows(path: Path, rows: Iterable[Row]) -> None:
    """Writes rows in POPE's format, one JSON object a line."""
    text = "".join(
        json.dumps(
            {
                "question_id": row.question_id,
                "image": row.question.image,
                "text": row.question.text,
                "label": row.label,
            },
        )
        + "\n"
        for row in rows
    )
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise RepopeError(f"{path}: cannot be written ({error.strerror}); choose another place") from error


def _rows(path: Path, lines: Iterable[str], labels: Sequence[Label]) -> Iterator[Row]:
    for number, line in enumerate(lines, 1):
        if line.strip():
            try:
                yield _row(line, labels)
            except RepopeError as error:
                raise RepopeError(f"{path}, line {number}: {error}") from error


def _row(line: str, labels: Sequence[Label]) -> Row:
    """Raises: RepopeError: what is wrong with the line, without its place."""
    try:
        fields = parse_line(line)
        question_id, image, text, label = (
            fields["question_id"],
            fields["image"],
            fields["text"],
            fields["label"],
        )
    except json.JSONDecodeError as error:
        raise RepopeError(f"is no JSON ({error.msg} at column {error.colno})") from error
    except TypeError:
        raise RepopeError(f"is a JSON {type(fields).__name__}, not an object with named fields") from None
    except KeyError:
        missing = [name for name in ("question_id", "image", "text", "label") if name not in fields]
        raise RepopeError(
            f"lacks {', '.join(missing)}; each line needs question_id, image, text and label"
        ) from None
    if isinstance(question_id, bool) or not isinstance(question_id, int | str):
        raise RepopeError(f"question_id is {question_id!r}; a number or a text is expected")
    if not (isinstance(image, str) and image and isinstance(text, str) and text):
        raise RepopeError(f"image and text must be texts, not {image!r} and {text!r}")
    if label not in labels:
        raise RepopeError(f"the label is {label!r}; allowed are {', '.join(labels)}")
    return Row(question_id, Question(image, text, object_of(text)), label)


def _refuse_repeats(path: Path, rows: Sequence[Row]) -> None:
    if len({row.question for row in rows}) == len({row.question_id for row in rows}) == len(rows):
        return
    labels: dict[Question, Label] = {}
    ids: set[int | str] = set()
    for row in rows:
        known = labels.get(row.question)
        if known is not None:
            what = "stands twice" if known == row.label else f"has two labels, {known} and {row.label}"
            raise RepopeError(f"{path}: {row.question.image}, {row.question.text!r} {what}; keep one")
        if row.question_id in ids:
            raise RepopeError(f"{path}: question_id {row.question_id} stands twice; give each its own")
        labels[row.question] = row.label
        ids.add(row.question_id)
