"""How POPE's questions are built: which objects each image shows, and which are asked about.

The rules are those of Li et al., "Evaluating Object Hallucination in Large Vision-Language Models",
EMNLP 2023, arXiv 2305.10355. Everything here is a pure function of its arguments.
"""

import json
import random
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import permutations
from pathlib import Path
from typing import Any, Literal, NoReturn, get_args

from repope_eval.benchmarks.pope_file import Row, asked_text, question_text
from repope_eval.errors import RepopeError
from repope_eval.records import Label, Question
from repope_eval.system.json_files import flaw, parse_line, parsed
from repope_eval.system.texts import lines_of, read_text
from repope_eval.wording import counted, shown

ConstructedVariant = Literal["random", "popular", "adversarial"]
"""How the objects that an image lacks are chosen; see `construct`."""

POSITIVES_PER_IMAGE = 3
"""POPE asks about this many objects that are present in an image, and about as many that are absent."""


@dataclass(frozen=True, slots=True)
class ObjectList:
    """Which objects an image shows."""

    image: str
    """File name of the image; unique inside a pool."""
    objects: tuple[str, ...]
    """The objects present, each once, in a fixed order: seeded draws depend on it."""


@dataclass(frozen=True, slots=True)
class _Counts:
    """How often objects are in a pool. Both numbers count images, so five dogs in one image count once."""

    frequency: Counter[str]
    """For each object, the number of images that contain it."""
    together: Mapping[str, Counter[str]]
    """For each object, the number of images that contain it and the other one."""


def construct(
    pool: Sequence[ObjectList], *, images: int, variant: ConstructedVariant, seed: int
) -> tuple[Row, ...]:
    """POPE's questions of one variant about `images` images of the pool.

    Images with at least three objects are eligible; `images` of them are sampled, and three objects of each
    are sampled as positives. Each positive is followed by its negative, an object of the pool which is absent
    from the image and not yet asked about in it:

    - `random`: any such object;
    - `popular`: the most frequent one, frequency being the number of images that contain the object;
    - `adversarial`: the one that co-occurs most with this positive, counted as the number of images that
      contain both; where none ever co-occurs with it, any such object, as in `random`. (`popular` needs no
      such way out: every object of the pool stands in some image.)

    Both numbers are counted over the whole pool, whether or not an image is eligible or sampled; among equals
    the first by name is taken. The draws come from `random.Random(seed)`, images and positives before any
    negative, so that all variants of one seed and one pool share images and positives, as POPE's do.

    Returns:
        Six rows an image, positive and negative in turn, with question ids from 1.

    Raises:
        RepopeError: `variant` is unknown; `images` is below 1 or above the number of eligible images; a
            sampled image lacks fewer than three objects of the pool.
    """
    if variant not in get_args(ConstructedVariant):
        choices = ", ".join(get_args(ConstructedVariant))
        raise RepopeError(f"variant is {variant!r}; choose one of {choices}")
    generator = random.Random(seed)
    sampled = _sample_images(pool, images, generator)
    positives = [generator.sample(shown.objects, POSITIVES_PER_IMAGE) for shown in sampled]
    counts = _count_objects(pool)
    questions = [
        labelled
        for shown, present in zip(sampled, positives, strict=True)
        for labelled in _questions_about_image(shown, present, variant, counts, generator)
    ]
    return tuple(Row(number, question, label) for number, (question, label) in enumerate(questions, 1))


def _sample_images(pool: Sequence[ObjectList], images: int, generator: random.Random) -> Sequence[ObjectList]:
    if images < 1:
        raise RepopeError(f"images is {images}; ask for at least 1")
    eligible = [shown for shown in pool if len(shown.objects) >= POSITIVES_PER_IMAGE]
    if len(eligible) < images:
        raise RepopeError(
            f"images is {images}, but the pool has {len(eligible)} of {counted(len(pool), 'image')} with at least "
            f"{POSITIVES_PER_IMAGE} objects; ask for fewer or list the objects of more images"
        )
    return generator.sample(eligible, images)


def _count_objects(pool: Sequence[ObjectList]) -> _Counts:
    frequency: Counter[str] = Counter()
    together: dict[str, Counter[str]] = {}
    for pictured in pool:
        frequency.update(pictured.objects)
        for one, other in permutations(pictured.objects, 2):
            together.setdefault(one, Counter())[other] += 1
    return _Counts(frequency, together)


def _questions_about_image(
    shown: ObjectList,
    positives: Sequence[str],
    variant: ConstructedVariant,
    counts: _Counts,
    generator: random.Random,
) -> Iterator[tuple[Question, Label]]:
    """The questions about one image, each positive followed by its negative."""
    candidates = set(counts.frequency).difference(shown.objects)
    if len(candidates) < len(positives):
        raise RepopeError(
            f"{shown.image}: only {len(candidates)} of the pool's {len(counts.frequency)} objects are "
            f"absent, {len(positives)} are needed; leave the image out or list images with other objects"
        )
    for positive in positives:
        # The numbers by which a variant prefers candidates: none where it has no preference.
        rankings = {"random": {}, "popular": counts.frequency, "adversarial": counts.together[positive]}
        ranking = rankings[variant]
        ranked = candidates.intersection(ranking)
        if ranked:  # the highest number, the first by name among equals
            negative = min(ranked, key=lambda name: (-ranking[name], name))
        else:
            negative = generator.choice(sorted(candidates))
        candidates.remove(negative)
        yield Question(shown.image, question_text(positive), positive), "yes"
        yield Question(shown.image, question_text(negative), negative), "no"


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
    coco = _coco_document(path, text)
    lists = _from_lines(path, text) if coco is None else _from_coco(path, coco)
    if not lists:
        raise RepopeError(f"{path}: holds no images; {_EXPECTED}")
    return lists


def _coco_document(path: Path, text: str) -> Mapping[str, Any] | None:
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
    lists: dict[str, tuple[int, ObjectList]] = {}
    for number, line in enumerate(lines_of(text), 1):
        if not line.strip():
            continue
        listed = _from_line(f"{path}, line {number}", line)
        first, _ = lists.setdefault(listed.image, (number, listed))
        if first != number:
            raise RepopeError(
                f"{path}, line {number}: image {shown(listed.image)} stands twice, first in line {first}; merge the two"
            )
    return tuple(listed for _, listed in lists.values())


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
