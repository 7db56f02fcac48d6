"""Reading which objects each image shows: COCO's instance annotations, or one JSON object a line."""

import json
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

from repope_eval.benchmarks.asked_texts import asked_text
from repope_eval.benchmarks.construction import ObjectList
from repope_eval.errors import RepopeError
from repope_eval.files.json_files import flaw, parse_line, parsed
from repope_eval.files.texts import lines_of, read_text
from repope_eval.wording import shown

_COCO_KEYS = ("images", "annotations", "categories")
MOST_OBJECTS = 1_000
"""The most objects of an image, more than any set of images has: every two of them are counted together."""

_EXPECTED = 'COCO instances or JSON lines {"image": ..., "objects": [...]} are expected'


def read_object_lists(path: Path) -> tuple[ObjectList, ...]:
    """The object lists of a file, in the file's order of images.

    Two forms are told apart by what the file holds, not by its name:

    - COCO instances, one JSON object with `images` (id, file_name), `annotations` (image_id, category_id) and
      `categories` (id, name). An object is present when an annotation says so, a crowd (`iscrowd`) as well
      as a single instance. Objects are in the file's order of categories, and an image without annotations
      has none.
    - JSON lines `{"image": "a.jpg", "objects": ["dog", "cat"]}`; other fields are ignored. An object that is
      named several times in one list counts once, where it is named first.

    Raises:
        RepopeError: the file cannot be read or holds no images; JSON or a field is malformed; an annotation
            points to no image or no category; an image stands twice. The text names the line, or for COCO
            the entry (`annotations[7]`, counted from 0).
    """
    text = read_text(path, _EXPECTED)
    coco = _coco(path, text)
    lists = _from_lines(path, text) if coco is None else _from_coco(path, coco)
    if not lists:
        raise RepopeError(f"{path}: holds no images; {_EXPECTED}")
    return lists


def _coco(path: Path, text: str) -> Mapping[str, Any] | None:
    """The text's JSON object if it has COCO's keys; None where the text has to be read line by line."""
    start = len(text) - len(text.lstrip())
    try:
        content, end = parsed(text, lambda text: _COCO.raw_decode(text, start))
    except json.JSONDecodeError as error:
        if '"annotations"' in text or '"categories"' in text:
            _refuse_json(f"{path}, line {error.lineno}", error)
        return None
    except ValueError as error:
        raise RepopeError(f"{path}: {flaw(error)}; {_EXPECTED}") from error
    if not isinstance(content, dict) or not any(key in content for key in _COCO_KEYS):
        return None
    if text[end:].strip():
        line = text.count("\n", 0, end) + 1
        raise RepopeError(
            f"{path}, line {line}: more text follows the JSON object; a COCO file holds just one"
        )
    return content


def _without_outline(fields: dict[str, Any]) -> dict[str, Any]:
    """Drops the outline of an instance while parsing: outlines are nearly all of a COCO file, and not needed."""
    fields.pop("segmentation", None)
    return fields


_COCO = json.JSONDecoder(object_hook=_without_outline)


def _from_coco(path: Path, content: Mapping[str, Any]) -> tuple[ObjectList, ...]:
    missing = [key for key in _COCO_KEYS if not isinstance(content.get(key), list)]
    if missing:
        raise RepopeError(
            f"{path}: has no list {', '.join(missing)}; COCO instances hold {', '.join(_COCO_KEYS)}"
        )
    images = _names_by_id(path, "images", content["images"], "file_name")
    categories = _names_by_id(path, "categories", content["categories"], "name")
    present: dict[int | str, set[int | str]] = {image_id: set() for image_id in images}
    for index, annotation in enumerate(content["annotations"]):
        where = f"{path}, annotations[{index}]"
        image_id = _identifier(where, annotation, "image_id", images)
        present[image_id].add(_identifier(where, annotation, "category_id", categories))
        _require_few(where, present[image_id])
    return tuple(
        ObjectList(
            image, tuple(name for category_id, name in categories.items() if category_id in present[image_id])
        )
        for image_id, image in images.items()
    )


def _names_by_id(path: Path, key: str, entries: Sequence[object], field: str) -> dict[int | str, str]:
    """The names of images or categories by their ids, in the file's order; ids and names are unique."""
    names: dict[int | str, str] = {}
    known: set[str] = set()
    for index, entry in enumerate(entries):
        where = f"{path}, {key}[{index}]"
        identifier = _identifier(where, entry, "id")
        name = asked_text(field, entry.get(field) if isinstance(entry, dict) else None, where=where)
        if identifier in names or name in known:
            what = f"id {shown(identifier)}" if identifier in names else f"{field} {shown(name)}"
            raise RepopeError(f"{where}: {what} stands twice; keep one")
        names[identifier] = name
        known.add(name)
    return names


def _identifier(
    where: str, entry: object, field: str, known: Collection[int | str] | None = None
) -> int | str:
    """The id in a field of an entry; it is among the known ones, unless these are None."""
    value = entry.get(field) if isinstance(entry, dict) else None
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise RepopeError(f"{where}: {field} is {shown(value)}; a number or a text is expected")
    if known is not None and value not in known:
        raise RepopeError(
            f"{where}: {field} {shown(value)} is not among the file's ids; add its entry or drop the annotation"
        )
    return value


def _from_lines(path: Path, text: str) -> tuple[ObjectList, ...]:
    found: dict[str, tuple[int, ObjectList]] = {}
    for number, line in enumerate(lines_of(text), 1):
        if not line.strip():
            continue
        listed = _from_line(f"{path}, line {number}", line)
        first, _ = found.setdefault(listed.image, (number, listed))
        if first != number:
            raise RepopeError(
                f"{path}, line {number}: image {shown(listed.image)} stands twice, first in line {first}; merge the two"
            )
    return tuple(listed for _, listed in found.values())


def _from_line(where: str, line: str) -> ObjectList:
    try:
        fields = parse_line(line)
    except ValueError as error:
        _refuse_json(where, error)
    if not isinstance(fields, dict):
        raise RepopeError(f"{where}: is a JSON {type(fields).__name__}; {_EXPECTED}")
    image, objects = asked_text("image", fields.get("image"), where=where), fields.get("objects")
    if not isinstance(objects, list):
        raise RepopeError(f"{where}: objects is {shown(objects)}; a list of names is expected")
    names = tuple(dict.fromkeys(asked_text("name of an object", name, where=where) for name in objects))
    _require_few(where, names)
    return ObjectList(image, names)


def _require_few(where: str, objects: Collection[object]) -> None:
    if len(objects) > MOST_OBJECTS:
        raise RepopeError(f"{where}: an image has more than {MOST_OBJECTS} objects; is it the right file?")


def _refuse_json(where: str, error: ValueError) -> NoReturn:
    raise RepopeError(f"{where}: {flaw(error)}; {_EXPECTED}") from error
