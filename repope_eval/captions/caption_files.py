"""Files of captions as programs write them: which image each row is about, and what was written of it.

Read are COCO's results (a JSON array of `image_id` and `caption`), JSON lines and tables of the same, objects one after
another over several lines, as POPE's authors published theirs, what CHAIR's own program reads (`imgToEval`), and
lmms-eval's samples. A caption may be called `caption`, `text` or `response`.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from json import JSONDecoder
from pathlib import Path
from typing import Any

from repope_eval.captions.coco_files import IMAGE_START, image_name
from repope_eval.errors import RepopeError
from repope_eval.system.json_files import flaw, parse_document, parsed
from repope_eval.system.rows import is_table, read_row_file
from repope_eval.system.texts import MOST_ROWS, decoded, read_content
from repope_eval.wording import shown

CAPTION_FIELDS = ("caption", "text", "response", "answer", "output", "prediction")
"""What the caption of a row may be called; the first that a row has counts."""

IMAGE_FIELDS = ("image_id", "image", "image_source", "file_name", "image_name", "image_path")
"""What the image of a row may be called, by its id in COCO or its file's name."""

PROMPT_FIELDS = ("prompt", "question", "query", "input")
"""What the prompt of a row may be called."""

_DECODER = JSONDecoder()
_NOT_SPACE = re.compile(r"\S")
_NUMBER = re.compile(r"(?:.*[/\\])?(?:COCO_val2014_)?0*([0-9]{1,12})(?:\.(?:jpe?g|png))?", re.IGNORECASE)
_OTHER_SPLIT = re.compile(r"COCO_(?!val2014_)\w+?_[0-9]{12}", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class CaptionRow:
    """A row of a file of captions."""

    image: str
    """The name of the image in val2014."""
    caption: str | None
    """What was written of it; None where the row has no such field, as in a list of images."""
    prompt: str
    """What was asked; empty where the row does not say it."""
    place: str
    """Where in the file it is: `row 3`."""


def read_caption_rows(path: Path) -> tuple[CaptionRow, ...]:
    """The rows of a file of captions.

    Raises:
        RepopeError: it cannot be read, has another form, or a row names no image of val2014.
    """
    rows = [_caption_row(row, place, f"{path}, {place}") for place, row in _placed_rows(path)]
    if not rows:
        raise RepopeError(f"{path}: has no rows; give a file of captions")
    return tuple(rows)


def read_image_list(path: Path) -> tuple[str, ...]:
    """The names of the images in a file of COCO's ids or names, one a line, or in one of captions, each once.

    Raises:
        RepopeError: as `read_caption_rows`.
    """
    content = read_content(path)
    lines = decoded(path, content).split() if not is_table(path, content) else []
    if lines and all(_NUMBER.fullmatch(line) for line in lines):
        return tuple(dict.fromkeys(_image_of(line, f"{path}, entry {n}") for n, line in enumerate(lines, 1)))
    return tuple(dict.fromkeys(row.image for row in read_caption_rows(path)))


def _placed_rows(path: Path) -> Iterable[tuple[str, Mapping[str, Any]]]:
    """The rows of a file of any form, with their places."""
    content = read_content(path)
    text = "" if is_table(path, content) else decoded(path, content).strip()
    if text.startswith("["):
        document = parse_document(path, text)
    elif text.startswith("{"):
        document = _objects(path, text)
    else:
        file = read_row_file(path)
        return list(zip(file.places, file.rows, strict=True))
    if isinstance(document, list) and document and all(type(row) is int for row in document):
        document = [{"image_id": row} for row in document]
    return [
        (f"row {number}", _as_fields(row, f"{path}, row {number}")) for number, row in enumerate(document, 1)
    ]


def _as_fields(row: Any, where: str) -> Mapping[str, Any]:
    if not isinstance(row, dict):
        raise RepopeError(f"{where}: is a JSON {type(row).__name__}, not an object with named fields")
    return row


def _objects(path: Path, text: str) -> Sequence[Any]:
    """The objects that are one after another in a text; those inside a single one, where that holds captions."""
    objects: list[Any] = []
    place = 0
    while place < len(text):
        try:
            row, place = parsed(text, partial(_DECODER.raw_decode, idx=place))
        except ValueError as error:
            raise RepopeError(f"{path}, row {len(objects) + 1}: {flaw(error)}") from error
        objects.append(row)
        if len(objects) > MOST_ROWS:
            raise RepopeError(f"{path}: has more than {MOST_ROWS} rows; is it the right file?")
        following = _NOT_SPACE.search(text, place)
        place = following.start() if following else len(text)
    inside: Mapping[str, Any] = objects[0] if len(objects) == 1 else {}
    if isinstance(inside.get("imgToEval"), dict):
        return [{"image_id": key, **row} for key, row in inside["imgToEval"].items() if isinstance(row, dict)]
    return inside["annotations"] if isinstance(inside.get("annotations"), list) else objects


def _caption_row(row: Mapping[str, Any], place: str, where: str) -> CaptionRow:
    fields = _sample_fields(row)
    given = next((name for name in IMAGE_FIELDS if fields.get(name) is not None), None)
    if given is None:
        raise RepopeError(
            f"{where}: has no field {' or '.join(IMAGE_FIELDS[:2])}, so nothing says which image it is about"
        )
    caption = next((fields[name] for name in CAPTION_FIELDS if name in fields), None)
    if not (caption is None or isinstance(caption, str)):
        raise RepopeError(f"{where}: the caption is {shown(caption)}, not a text")
    prompt = next((fields[name] for name in PROMPT_FIELDS if isinstance(fields.get(name), str)), "")
    return CaptionRow(_image_of(fields[given], where), caption, prompt, place)


def _sample_fields(row: Mapping[str, Any]) -> Mapping[str, Any]:
    """The fields of a row; those of a sample of lmms-eval under names in common use."""
    responses = row.get("filtered_resps", row.get("resps"))
    if responses is None:
        return row
    while isinstance(responses, list) and len(responses) == 1:
        responses = responses[0]
    document = row.get("doc")
    return {
        **(document if isinstance(document, dict) else {}),
        "prompt": row.get("input"),
        "caption": responses,
    }


def _image_of(value: object, where: str) -> str:
    """The name of the image in val2014 that an id, or a name with one, means."""
    text = str(value) if type(value) in (int, str) else ""
    match = None if _OTHER_SPLIT.search(text) else _NUMBER.fullmatch(text.strip())
    if match is None:
        raise RepopeError(
            f"{where}: {shown(value)} is no image of COCO's val2014, such as 42 or {IMAGE_START}000000000042.jpg"
        )
    return image_name(int(match[1]))
