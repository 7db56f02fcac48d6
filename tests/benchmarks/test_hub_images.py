import io
import sys
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from repope_eval.benchmarks.hub_images import copy_hub_images
from repope_eval.errors import RepopeError

SOURCES = [f"COCO_val2014_{number:012}" for number in (7, 3, 5)]
NAMES = [f"{source}.jpg" for source in SOURCES]


def _encoded(number: int) -> bytes:
    buffer = io.BytesIO()
    # Not Pillow's default quality: re-encoding would change the bytes.
    Image.new("RGB", (16, 12), (number, 50, 200)).save(buffer, "JPEG", quality=93)
    return buffer.getvalue()


IMAGES = {name: _encoded(number) for number, name in enumerate(NAMES)}


@pytest.fixture(autouse=True)
def _offline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import datasets
    import huggingface_hub.constants

    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")


def _rows(cells: dict[str, Any]) -> dict[str, list[Any]]:
    """Two questions about each image, as in POPE: the image stands in each row."""
    names = [name for name in cells for _ in range(2)]
    count = len(names)
    return {
        "id": [str(number) for number in range(count)],
        "question_id": [str(number) for number in range(count)],
        "question": ["Is there a dog in the image?"] * count,
        "answer": ["yes"] * count,
        "image_source": [name.removesuffix(".jpg") for name in names],
        "image": [cells[name] for name in names],
        "category": ["random"] * count,
    }


def _parquet(folder: Path, cells: dict[str, Any], split: str = "test") -> str:
    """A dataset as on the Hub, but not by the writer of `datasets`: that one takes in files named by path."""
    import datasets
    import pyarrow
    import pyarrow.parquet

    folder.mkdir(exist_ok=True)
    rows = _rows(cells)
    texts = {name: datasets.Value("string") for name in rows if name != "image"}
    schema = datasets.Features({**texts, "image": datasets.Image()}).arrow_schema
    table = pyarrow.table(rows, schema=schema)
    pyarrow.parquet.write_table(table, folder / f"{split}-00000-of-00001.parquet")
    return str(folder)


@pytest.fixture
def dataset(tmp_path: Path) -> str:
    return _parquet(tmp_path / "pope", {name: {"bytes": data, "path": name} for name, data in IMAGES.items()})


def test_wanted_images_are_written_as_they_were_encoded(dataset: str, tmp_path: Path) -> None:
    copy_hub_images(dataset, NAMES[:2], tmp_path / "new" / "val2014")
    written = {path.name: path.read_bytes() for path in (tmp_path / "new" / "val2014").iterdir()}
    assert written == {name: IMAGES[name] for name in NAMES[:2]}


def test_file_permissions_are_the_users_own(dataset: str, tmp_path: Path) -> None:
    copy_hub_images(dataset, NAMES[:1], tmp_path)
    (tmp_path / "ordinary").touch()
    assert (tmp_path / NAMES[0]).stat().st_mode == (tmp_path / "ordinary").stat().st_mode


def test_plain_binary_columns_and_names_with_suffix_are_understood(tmp_path: Path) -> None:
    import pyarrow
    import pyarrow.parquet

    folder = tmp_path / "plain"
    folder.mkdir()
    table = pyarrow.table({"image_source": NAMES, "image": list(IMAGES.values())})
    pyarrow.parquet.write_table(table, folder / "test.parquet")
    copy_hub_images(str(folder), NAMES, tmp_path / "out")
    assert {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()} == IMAGES


def test_images_may_lie_in_files_of_their_own(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    for name, content in IMAGES.items():
        (tmp_path / "elsewhere" / name).write_bytes(content)
    dataset = _parquet(
        tmp_path / "pope",
        {name: {"bytes": None, "path": str(tmp_path / "elsewhere" / name)} for name in NAMES},
    )
    copy_hub_images(dataset, NAMES, tmp_path / "out")
    assert {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()} == IMAGES


def test_missing_images_are_told_after_the_others_are_written(dataset: str, tmp_path: Path) -> None:
    wanted = [NAMES[2], "COCO_val2014_000000000099.jpg"]
    with pytest.raises(RepopeError, match=r"lacks 1 of 2 images \(COCO_val2014_000000000099.jpg\)"):
        copy_hub_images(dataset, wanted, tmp_path / "out")
    assert [path.name for path in (tmp_path / "out").iterdir()] == [NAMES[2]]


@pytest.mark.parametrize(
    ("cell", "reason"),
    [
        ({"bytes": b"no image", "path": None}, "is no image that Pillow can read"),
        ({"bytes": IMAGES[NAMES[0]][:-60], "path": None}, "is damaged or cut short"),
        ({"bytes": None, "path": "absent.jpg"}, "cannot be read"),
        (None, "has no image for"),
    ],
)
def test_a_bad_image_is_named_and_not_written(tmp_path: Path, cell: Any, reason: str) -> None:
    good = {"bytes": IMAGES[NAMES[1]], "path": None}
    dataset = _parquet(tmp_path / "pope", {NAMES[1]: good, NAMES[0]: cell})
    with pytest.raises(RepopeError, match=f"{NAMES[0]}.*{reason}|{reason}.*{NAMES[0]}") as caught:
        copy_hub_images(dataset, NAMES[:2], tmp_path / "out")
    assert dataset in str(caught.value)
    assert [path.name for path in (tmp_path / "out").iterdir()] == [NAMES[1]]


@pytest.mark.parametrize("dataset", ["somebody/no-such-pope", "/no/such/folder"])
def test_a_dataset_that_cannot_be_loaded_is_one_line(tmp_path: Path, dataset: str) -> None:
    with pytest.raises(RepopeError) as caught:
        copy_hub_images(dataset, NAMES, tmp_path / "out")
    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith(f"images of the dataset {dataset} cannot be loaded (")
    assert "check the network" in str(caught.value)


def test_a_dataset_without_the_split_is_refused(tmp_path: Path) -> None:
    cells = {name: {"bytes": data, "path": None} for name, data in IMAGES.items()}
    with pytest.raises(RepopeError, match="split `test`"):
        copy_hub_images(_parquet(tmp_path / "pope", cells, split="train"), NAMES, tmp_path / "out")


def test_a_dataset_of_something_else_is_refused(tmp_path: Path) -> None:
    import datasets

    (tmp_path / "other").mkdir()
    datasets.Dataset.from_dict({"text": ["a"]}).to_parquet(tmp_path / "other" / "test.parquet")
    with pytest.raises(RepopeError, match="no column image and no column image_source"):
        copy_hub_images(str(tmp_path / "other"), NAMES, tmp_path / "out")


def test_a_folder_that_cannot_be_written_is_named(dataset: str, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(RepopeError, match=f"{tmp_path / 'file'}: cannot be written"):
        copy_hub_images(dataset, NAMES, tmp_path / "file")


def test_a_name_that_climbs_out_is_refused(dataset: str, tmp_path: Path) -> None:
    with pytest.raises(RepopeError, match="leads out of the image folder"):
        copy_hub_images(dataset, ["../x.jpg"], tmp_path / "out")


def test_datasets_is_imported_only_when_it_is_needed() -> None:
    import subprocess

    program = (
        "import sys, repope_eval.benchmarks.coco; sys.exit(bool({'datasets', 'torch'} & sys.modules.keys()))"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
