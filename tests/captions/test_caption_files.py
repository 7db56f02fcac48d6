"""Files of captions of every form, and rows that say nothing."""

import json
from pathlib import Path

import pytest
from test_mentions import CHAIR

from repope_eval.captions.caption_files import read_caption_rows, read_image_list
from repope_eval.errors import RepopeError

FIRST, SECOND = "COCO_val2014_000000000042.jpg", "COCO_val2014_000000000073.jpg"
ROWS = [{"image_id": 42, "caption": "A dog."}, {"image_id": 73, "caption": "A cat."}]


NAMED = [{"image": f"val2014/{FIRST}", "text": "A dog."}, {"image": "73.jpg", "text": "A cat."}]
SAMPLES = [
    {"doc_id": number, "doc": {"image_id": row["image_id"]}, "filtered_resps": [row["caption"]]}
    for number, row in enumerate(ROWS)
]
OF_CHAIR = {"overall": {"CHAIRs": 0.5}, "imgToEval": {str(row["image_id"]): row for row in ROWS}}

FORMS = {
    "array": json.dumps(ROWS),
    "lines": "\n".join(map(json.dumps, ROWS)),
    "indented": "\n".join(json.dumps(row, indent=4) for row in ROWS),
    "joined": "".join(map(json.dumps, ROWS)),
    "annotations": json.dumps({"annotations": ROWS}),
    "what CHAIR's program reads": json.dumps(OF_CHAIR),
    "names of files": json.dumps(NAMED),
    "lmms-eval's samples": "\n".join(map(json.dumps, SAMPLES)),
}


@pytest.mark.parametrize("text", FORMS.values(), ids=FORMS.keys())
def test_forms(tmp_path: Path, text: str) -> None:
    path = tmp_path / "captions.json"
    path.write_text(text)
    assert [(row.image, row.caption) for row in read_caption_rows(path)] == [
        (FIRST, "A dog."),
        (SECOND, "A cat."),
    ]
    assert read_image_list(path) == (FIRST, SECOND)


def test_a_table(tmp_path: Path) -> None:
    path = tmp_path / "captions.csv"
    path.write_text("image_id,prompt,caption\n42,Describe.,A dog.\n")
    (row,) = read_caption_rows(path)
    assert (row.image, row.prompt, row.caption) == (FIRST, "Describe.", "A dog.")


@pytest.mark.parametrize("text", ["42\n73\n42\n", "COCO_val2014_000000000042.jpg 73", "[42, 73]"])
def test_lists_of_images(tmp_path: Path, text: str) -> None:
    path = tmp_path / "images.txt"
    path.write_text(text)
    assert read_image_list(path) == (FIRST, SECOND)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('{"caption": "A dog."}', "row 1: has no field image_id or image"),
        ('{"image_id": "COCO_train2014_000000000042.jpg", "caption": ""}', "is no image of COCO's val2014"),
        ('{"image_id": "kitchen.jpg", "caption": ""}', "'kitchen.jpg' is no image of COCO's val2014"),
        ('{"image_id": true, "caption": ""}', "True is no image"),
        ('{"image_id": 42, "caption": ["A dog."]}', "the caption is ['A dog.'], not a text"),
        ('{"image_id": 42, "caption": "A dog."', "row 1: is no JSON"),
        ("[]", "has no rows"),
        ("[[42]]", "row 1: is a JSON list"),
    ],
)
def test_rows_that_say_nothing_are_refused(tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / "captions.json"
    path.write_text(text)
    with pytest.raises(RepopeError) as raised:
        read_caption_rows(path)
    assert told in str(raised.value)


@pytest.mark.parametrize(
    ("name", "number"), [("opera_llava15_greedy.jsonl", 500), ("pope_llava_describe.json", 2000)]
)
def test_public_files_are_read_as_they_are(name: str, number: int) -> None:
    if not CHAIR.is_dir():
        pytest.skip(f"{CHAIR} is not here: public captions")
    rows = read_caption_rows(CHAIR / "captions" / name)
    assert len({row.image for row in rows}) == len(rows) == number
    assert all(row.caption for row in rows)
