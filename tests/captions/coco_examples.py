"""Small files in the formats of COCO's annotations."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from repope_eval.captions.coco_files import CAPTIONS, INSTANCES, image_name
from repope_eval.captions.mentions import coco_vocabulary

CATEGORIES = [{"id": number, "name": name} for number, name in enumerate(coco_vocabulary().objects, 1)]
IDS = {each["name"]: each["id"] for each in CATEGORIES}


def write_shared_truth(shared: Path, folder: Path) -> None:
    """COCO's two files with the truth of the public captions' images, and links to RePOPE's files beside them."""
    truth = json.loads((shared / "chair" / "truth.json").read_text())
    write_coco(folder, {int(number): names for number, names in truth.items()})
    for path in (shared / "annotations").iterdir():
        if not (folder / path.name).exists():
            (folder / path.name).symlink_to(path)


def write_coco(
    folder: Path,
    marked: Mapping[int, Sequence[str]],
    written: Mapping[int, Sequence[str]] | None = None,
    **others: Any,
) -> tuple[Path, Path]:
    """COCO's two files of images by id, with the objects that instances mark and the captions that people wrote.

    Args:
        written: the captions; one without an object for each image where it is None.
        others: parts of the file of instances that are to be otherwise.
    """
    folder.mkdir(parents=True, exist_ok=True)
    images = [{"id": number, "file_name": image_name(number)} for number in marked]
    instances = {
        "images": images,
        "annotations": [
            {"image_id": number, "category_id": IDS[name], "bbox": [0, 0, 1, 1]}
            for number, names in marked.items()
            for name in names
        ],
        "categories": CATEGORIES,
        **others,
    }
    captions = {number: ["A photo."] for number in marked} if written is None else written
    rows = [{"image_id": number, "caption": text} for number, texts in captions.items() for text in texts]
    paths = folder / INSTANCES, folder / CAPTIONS
    paths[0].write_text(json.dumps(instances))
    paths[1].write_text(json.dumps({"images": images, "annotations": rows}))
    return paths
