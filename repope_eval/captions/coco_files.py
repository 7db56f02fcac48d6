"""COCO's annotation files of val2014: the objects of each image, by its instances and by what people wrote of it.

CHAIR's truth is both together: a caption may mention what an instance marks, or what one of five human captions
mentions, read by the same rules. The files are large (`instances_val2014.json` has 160 MB), so what they say is kept in
a small file.
"""

import logging
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from repope_eval.captions.mentions import coco_vocabulary
from repope_eval.errors import RepopeError
from repope_eval.system.json_files import read_json
from repope_eval.system.texts import content_hash
from repope_eval.system.writing import write_json
from repope_eval.wording import counted, first_few, shown

log = logging.getLogger(__name__)

INSTANCES = "instances_val2014.json"
CAPTIONS = "captions_val2014.json"
COCO_FILES = (INSTANCES, CAPTIONS)

IMAGE_START = "COCO_val2014_"
"""What the name of every image of val2014 begins with, before its id in twelve digits."""

SCHEMA = 1
"""The version of the kept file's form."""

_MEND = "put COCO's own file there, out of annotations_trainval2014.zip"


def image_name(number: int) -> str:
    """The name of an image of val2014 by its id."""
    return f"{IMAGE_START}{number:012d}.jpg"


def objects_of_images(instances: Path, captions: Path) -> dict[str, frozenset[str]]:
    """The objects of each image by its name.

    Raises:
        RepopeError: a file is cut, has another form, is of other images than val2014's, or the two are of different
            images.
    """
    marked, written = _instances(instances), _captions(captions)
    if strange := sorted(marked.keys() ^ written.keys()):
        raise RepopeError(
            f"{captions}: {counted(len(strange), 'image')} in one of the files alone, first {first_few(strange, 1)} "
            f"({instances.name} has {len(marked):,} images, {captions.name} {len(written):,}); {_MEND}"
        )
    return {image: frozenset(marked[image] | written[image]) for image in sorted(marked)}


def _instances(path: Path) -> Mapping[str, set[str]]:
    """The objects that instances mark, by image."""
    document = read_json(path)
    names = {row["id"]: row["name"] for row in _rows(document, "categories", ("id", "name"), path)}
    if strange := sorted(set(map(str, names.values())) - set(coco_vocabulary().objects)):
        raise RepopeError(f"{path}: {shown(strange[0])} is none of COCO's 80 objects; {_MEND}")
    found = _images(document, path)
    for row in _rows(document, "annotations", ("image_id", "category_id"), path):
        if row["category_id"] not in names:
            raise RepopeError(f"{path}: no category has the id {shown(row['category_id'])}; {_MEND}")
        _of_image(found, row, path).add(names[row["category_id"]])
    return {image_name(number): objects for number, objects in found.items()}


def _captions(path: Path) -> Mapping[str, set[str]]:
    """The objects that people's captions mention, by image."""
    document = read_json(path)
    found, n_captions = _images(document, path), defaultdict[int, int](int)
    for row in _rows(document, "annotations", ("image_id", "caption"), path):
        mentions = coco_vocabulary().mentions(str(row["caption"]))
        _of_image(found, row, path).update(each.object for each in mentions)
        n_captions[row["image_id"]] += 1
    if missing := [image_name(number) for number in found if not n_captions[number]]:
        raise RepopeError(
            f"{path}: {counted(len(missing), 'image')} without a caption, first {missing[0]}; {_MEND}"
        )
    return {image_name(number): objects for number, objects in found.items()}


def _images(document: Any, path: Path) -> dict[int, set[str]]:
    """An empty set of objects for each image."""
    found: dict[int, set[str]] = {}
    for row in _rows(document, "images", ("id", "file_name"), path):
        number = row["id"]
        if type(number) is not int or row["file_name"] != image_name(number):
            raise RepopeError(
                f"{path}: {shown(row['file_name'])} is no image of val2014, so it is COCO's file of another year or "
                f"split; {_MEND}"
            )
        found[number] = set()
    return found


def _of_image(found: Mapping[int, set[str]], row: Mapping[str, Any], path: Path) -> set[str]:
    objects = found.get(row["image_id"]) if type(row["image_id"]) is int else None
    if objects is None:
        raise RepopeError(f"{path}: no image has the id {shown(row['image_id'])}; {_MEND}")
    return objects


def _rows(document: Any, part: str, keys: tuple[str, ...], path: Path) -> Iterator[Mapping[str, Any]]:
    """The rows of a part of a file, all of which have some keys."""
    rows = document.get(part) if isinstance(document, dict) else None
    if not isinstance(rows, list) or not rows:
        raise RepopeError(f"{path}: has no list {part}, so it is no such file of COCO's; {_MEND}")
    for row in rows:
        if not isinstance(row, dict) or not row.keys() >= set(keys):
            raise RepopeError(f"{path}: a row of {part} lacks {' or '.join(keys)}: {shown(row)}; {_MEND}")
        yield row


def kept_objects(path: Path, sources: Mapping[str, Path]) -> dict[str, frozenset[str]]:
    """The objects of each image out of a kept file, which is made of COCO's where it is missing or of others.

    Args:
        path: the kept file; where it cannot be written, COCO's are read each time.
        sources: COCO's two files by their names; empty where they are not here, so that the kept file alone counts.

    Raises:
        RepopeError: as `objects_of_images`; or the kept file is damaged, and COCO's are not here.
    """
    hashes = {name: content_hash(source) for name, source in sources.items()}
    if path.is_file() and (kept := _read_kept(path, hashes)) is not None:
        return kept
    if not sources:
        raise RepopeError(f"{path}: is damaged; remove it, and have it made anew of COCO's files")
    log.info("reading %s, which takes about a minute, once", " and ".join(map(str, sources.values())))
    objects = objects_of_images(sources[INSTANCES], sources[CAPTIONS])
    document = {
        "schema": SCHEMA,
        "made_of": hashes,
        "objects": {image: sorted(names) for image, names in objects.items()},
    }
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_json(path, document)
    except (OSError, RepopeError) as error:
        log.warning("%s: is not kept (%s), so COCO's files are read each time", path, error)
    return objects


def _read_kept(path: Path, hashes: Mapping[str, str]) -> dict[str, frozenset[str]] | None:
    """What a kept file holds; None where it is damaged or of other files."""
    try:
        document = read_json(path)
        if document["schema"] != SCHEMA or (hashes and document["made_of"] != hashes):
            return None
        objects = {str(image): frozenset(names) for image, names in document["objects"].items()}
    except (RepopeError, KeyError, TypeError, AttributeError):
        return None
    return objects if set().union(*objects.values()) <= set(coco_vocabulary().objects) else None
