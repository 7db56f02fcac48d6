"""Reading object lists: both forms, told apart by content, and what is refused."""

import json
from pathlib import Path
from typing import Any

import pytest

from repope_eval.benchmarks.construction import ObjectList, read_object_lists
from repope_eval.errors import RepopeError


def coco(**changes: object) -> dict[str, Any]:
    """Two images, three categories; a.jpg shows a dog, two people and a crowd of cats, b.jpg nothing."""
    content: dict[str, Any] = {
        "info": {"year": 2014},
        "images": [{"id": 7, "file_name": "a.jpg", "width": 4}, {"id": 5, "file_name": "b.jpg"}],
        "annotations": [
            {"id": 1, "image_id": 7, "category_id": 18, "segmentation": [[1.5, 2.5]], "iscrowd": 0},
            {"id": 2, "image_id": 7, "category_id": 1, "segmentation": [[0.5, 0.5]], "iscrowd": 0},
            {"id": 3, "image_id": 7, "category_id": 1, "segmentation": [[9.5, 9.5]], "iscrowd": 0},
            {"id": 4, "image_id": 7, "category_id": 17, "segmentation": {"counts": [3]}, "iscrowd": 1},
        ],
        "categories": [
            {"id": 1, "name": "person", "supercategory": "person"},
            {"id": 17, "name": "cat"},
            {"id": 18, "name": "dog"},
        ],
    }
    return {**content, **changes}


COCO_LISTS = (ObjectList("a.jpg", ("person", "cat", "dog")), ObjectList("b.jpg", ()))


def file_with(folder: Path, text: str, name: str = "objects.json") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize("name", ["instances.json", "instances.jsonl"])
def test_coco_instances(tmp_path: Path, indent: int | None, name: str) -> None:
    path = file_with(tmp_path, "\n" + json.dumps(coco(), indent=indent) + "\n", name)
    assert read_object_lists(path) == COCO_LISTS


def test_coco_crowd_alone_counts_as_presence(tmp_path: Path) -> None:
    crowd = [{"image_id": 5, "category_id": 17, "iscrowd": 1}]
    lists = read_object_lists(file_with(tmp_path, json.dumps(coco(annotations=crowd))))
    assert lists == (ObjectList("a.jpg", ()), ObjectList("b.jpg", ("cat",)))


@pytest.mark.parametrize(
    "text",
    [
        '{"image": "a.jpg", "objects": ["dog", "cat"]}\n{"image": "b.jpg", "objects": []}\n',
        '\ufeff{"image": "a.jpg", "objects": ["dog", "cat"]}\r\n{"image": "b.jpg", "objects": []}\r\n',
        '{"image": "a.jpg", "image_id": 3, "objects": ["dog", "cat", "dog"]}\n{"image":"b.jpg","objects":[]}',
    ],
    ids=["plain", "byte order mark, CRLF", "other field, object named twice"],
)
def test_json_lines(tmp_path: Path, text: str) -> None:
    lists = read_object_lists(file_with(tmp_path, text))
    assert lists == (ObjectList("a.jpg", ("dog", "cat")), ObjectList("b.jpg", ()))


def test_unicode_line_separator_inside_a_name_ends_no_line(tmp_path: Path) -> None:
    lists = read_object_lists(file_with(tmp_path, '{"image": "a\u2028b.jpg", "objects": ["dog"]}'))
    assert lists == (ObjectList("a\u2028b.jpg", ("dog",)),)


FIRST_LINE = '{"image": "a.jpg", "objects": ["dog"]}\n'


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"objects\.json: holds no images; COCO instances or JSON lines"),
        ('{"image": "a.jpg", "objects": ["dog"]\n', r"objects\.json, line 1: is no JSON \(Expecting"),
        (FIRST_LINE + "dog\n", r"line 2: is no JSON \(Expecting value at column 1\)"),
        (FIRST_LINE + '\n["dog"]\n', r"line 3: is a JSON list; COCO instances or JSON lines"),
        (FIRST_LINE + '{"objects": ["dog"]}', r"line 2: the image is None, not a text"),
        ('{"image": "a.jpg"}', r"line 1: objects is None; a list of names is expected"),
        ('{"image": "a.jpg", "objects": "dog"}', r"line 1: objects is 'dog'; a list of names is expected"),
        ('{"image": "a.jpg", "objects": ["dog", 3]}', r"line 1: the name of an object is 3, not a text"),
        (FIRST_LINE + "\n" + FIRST_LINE, r"line 3: image 'a\.jpg' stands twice, first in line 1; merge"),
    ],
)
def test_malformed_lines(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(RepopeError, match=message):
        read_object_lists(file_with(tmp_path, text))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"categories": None}, r"objects\.json: has no list categories; COCO instances hold images, annot"),
        ({"images": [], "annotations": []}, r"holds no images"),
        ({"images": [{"id": 1}]}, r"images\[0\]: the file_name is None, not a text"),
        ({"images": [{"file_name": "a.jpg"}]}, r"images\[0\]: id is None; a number or a text"),
        ({"categories": [{"id": [1], "name": "dog"}]}, r"categories\[0\]: id is \[1\]"),
        (
            {"images": [{"id": 7, "file_name": "a.jpg"}, {"id": 8, "file_name": "a.jpg"}]},
            r"images\[1\]: file_name 'a\.jpg' stands twice; keep one",
        ),
        (
            {"images": [{"id": 7, "file_name": "a.jpg"}, {"id": 7, "file_name": "b.jpg"}]},
            r"images\[1\]: id 7 stands twice",
        ),
        ({"annotations": [{"image_id": 7}]}, r"annotations\[0\]: category_id is None"),
        (
            {"annotations": [{"image_id": 7, "category_id": 1}, {"image_id": 9, "category_id": 1}]},
            r"annotations\[1\]: image_id 9 is not among the file's ids",
        ),
    ],
)
def test_malformed_coco(tmp_path: Path, changes: dict[str, object], message: str) -> None:
    with pytest.raises(RepopeError, match=message):
        read_object_lists(file_with(tmp_path, json.dumps(coco(**changes))))


def test_broken_json_of_a_coco_file_names_the_line(tmp_path: Path) -> None:
    text = json.dumps(coco(), indent=1).replace('"file_name": "b.jpg"', '"file_name" "b.jpg"')
    line = next(number for number, part in enumerate(text.split("\n"), 1) if '"file_name" "b' in part)
    with pytest.raises(RepopeError, match=rf"objects\.json, line {line}: is no JSON \(Expecting ':'"):
        read_object_lists(file_with(tmp_path, text))


def test_text_after_a_coco_object(tmp_path: Path) -> None:
    with pytest.raises(RepopeError, match=r"line 1: more text follows the JSON object"):
        read_object_lists(file_with(tmp_path, json.dumps(coco()) + "\n" + FIRST_LINE))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[" * 100_000, r": is no JSON that can be read \(brackets within brackets without end\); COCO"),
        (
            FIRST_LINE + '{"image": "b", "objects": ' + "[" * 100_000,
            r", line 2: is no JSON that can be read \(br",
        ),
        (
            FIRST_LINE + '{"image": "b", "image": "c", "objects": []}',
            r", line 2: an object has 'image' twice",
        ),
        (
            json.dumps({"image": "a", "objects": list(map(str, range(1_001)))}),
            r", line 1: an image has more than 10",
        ),
    ],
)
def test_lists_without_bounds(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(RepopeError, match=message):
        read_object_lists(file_with(tmp_path, text))


def test_coco_instances_of_too_many_categories_in_an_image(tmp_path: Path) -> None:
    categories = [{"id": number, "name": f"thing {number}"} for number in range(1_001)]
    annotations = [{"image_id": 5, "category_id": category["id"]} for category in categories]
    text = json.dumps(coco(categories=categories, annotations=annotations))
    with pytest.raises(RepopeError, match=r"annotations\[1000\]: an image has more than 1000 objects"):
        read_object_lists(file_with(tmp_path, text))
