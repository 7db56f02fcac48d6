"""COCO's annotations: the objects of each image, files that are none of COCO's, and what is kept of them."""

import json
import logging
from pathlib import Path

import pytest
from coco_examples import CATEGORIES, write_coco

from repope_eval.captions.coco_files import CAPTIONS, INSTANCES, kept_objects, objects_of_images
from repope_eval.errors import RepopeError

FIRST, SECOND = "COCO_val2014_000000000042.jpg", "COCO_val2014_000000000073.jpg"


def test_objects_are_those_of_instances_and_of_captions(tmp_path: Path) -> None:
    paths = write_coco(
        tmp_path,
        {42: ["dog", "dog", "couch"], 73: []},
        {42: ["A puppy on a sofa.", "Two cups."], 73: ["Sky."]},
    )
    assert objects_of_images(*paths) == {FIRST: {"dog", "couch", "cup"}, SECOND: frozenset()}


@pytest.mark.parametrize(
    ("others", "told"),
    [
        ({"images": [{"id": 42, "file_name": "000000000042.jpg"}]}, "of another year or split"),
        (
            {"images": [{"id": 42, "file_name": "COCO_train2014_000000000042.jpg"}]},
            "of another year or split",
        ),
        ({"annotations": []}, "has no list annotations"),
        ({"annotations": [{"image_id": 42}]}, "lacks image_id or category_id"),
        ({"annotations": [{"image_id": 7, "category_id": 1}]}, "no image has the id 7"),
        ({"annotations": [{"image_id": 42, "category_id": 99}]}, "no category has the id 99"),
        ({"categories": [*CATEGORIES, {"id": 99, "name": "banjo"}]}, "'banjo' is none of COCO's 80 objects"),
        ({"categories": None}, "has no list categories"),
    ],
)
def test_other_files_are_refused(tmp_path: Path, others: dict[str, object], told: str) -> None:
    paths = write_coco(tmp_path, {42: ["dog"]}, **others)
    with pytest.raises(RepopeError) as raised:
        objects_of_images(*paths)
    assert told in str(raised.value)
    assert "annotations_trainval2014.zip" in str(raised.value)


def test_a_file_that_is_cut_is_refused(tmp_path: Path) -> None:
    instances, captions = write_coco(tmp_path, {42: ["dog"]})
    instances.write_text(instances.read_text()[:-20])
    with pytest.raises(RepopeError, match="is no JSON"):
        objects_of_images(instances, captions)


def test_an_image_without_a_caption_is_refused(tmp_path: Path) -> None:
    paths = write_coco(tmp_path, {42: ["dog"], 73: ["cat"]}, {42: ["A dog."]})
    with pytest.raises(RepopeError, match=f"1 image without a caption, first {SECOND}"):
        objects_of_images(*paths)


def test_files_of_different_images_are_refused(tmp_path: Path) -> None:
    _, captions = write_coco(tmp_path / "first", {42: ["dog"]})
    instances, _ = write_coco(tmp_path / "second", {42: ["dog"], 73: ["cat"]})
    with pytest.raises(RepopeError, match="has 2 images, captions_val2014"):
        objects_of_images(instances, captions)


def test_what_the_files_say_is_kept(tmp_path: Path) -> None:
    instances, captions = write_coco(tmp_path / "coco", {42: ["dog"]})
    sources, kept = {INSTANCES: instances, CAPTIONS: captions}, tmp_path / "kept" / "objects.json"
    found = kept_objects(kept, sources)
    assert kept_objects(kept, {}) == found  # without COCO's files
    write_coco(tmp_path / "coco", {42: ["cat"]})
    assert kept_objects(kept, sources) == {FIRST: {"cat"}}  # of other files, so it is made anew
    assert kept_objects(kept, {}) == {FIRST: {"cat"}}


@pytest.mark.parametrize(
    "content", ["", "{}", '{"schema": 0}', '{"schema": 1, "made_of": {}, "objects": {"a": ["banjo"]}}']
)
def test_a_damaged_file_is_made_anew_or_told(tmp_path: Path, content: str) -> None:
    instances, captions = write_coco(tmp_path / "coco", {42: ["dog"]})
    kept = tmp_path / "objects.json"
    kept.write_text(content)
    with pytest.raises(RepopeError, match="is damaged; remove it"):
        kept_objects(kept, {})
    assert kept_objects(kept, {INSTANCES: instances, CAPTIONS: captions}) == {FIRST: {"dog"}}
    assert json.loads(kept.read_text())["schema"] == 1


def test_where_nothing_can_be_kept_it_is_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    instances, captions = write_coco(tmp_path / "coco", {42: ["dog"]})
    (tmp_path / "file").write_text("")
    with caplog.at_level(logging.WARNING):
        found = kept_objects(tmp_path / "file" / "objects.json", {INSTANCES: instances, CAPTIONS: captions})
    assert found == {FIRST: {"dog"}}
    assert "so COCO's files are read each time" in caplog.text
