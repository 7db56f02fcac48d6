import io
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from repope_eval.benchmarks import coco, hub_images
from repope_eval.benchmarks.coco import copy_hub_images
from repope_eval.benchmarks.hub_images import load_test_split
from repope_eval.errors import RepopeError
from repope_eval.system import hub as hub_client

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


def test_an_image_cell_larger_than_any_image_is_not_taken_into_memory(
    dataset: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    size = len(IMAGES[NAMES[0]])
    monkeypatch.setattr(hub_images, "LARGEST", size - 1)
    with pytest.raises(
        RepopeError, match=f"the image {NAMES[0]} of the dataset {dataset} has {size} bytes, too many"
    ):
        copy_hub_images(dataset, NAMES[:1], tmp_path / "out")
    elsewhere = tmp_path / "elsewhere.jpg"
    elsewhere.write_bytes(IMAGES[NAMES[0]])
    other = _parquet(tmp_path / "other", {NAMES[0]: {"bytes": None, "path": str(elsewhere)}})
    with pytest.raises(RepopeError, match="too many for an image of a benchmark"):
        copy_hub_images(other, NAMES[:1], tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("path", ["/dev/zero", "a\0b"])
def test_an_image_cell_that_names_no_ordinary_file_is_refused(tmp_path: Path, path: str) -> None:
    dataset = _parquet(tmp_path / "pope", {NAMES[0]: {"bytes": None, "path": path}})
    with pytest.raises(
        RepopeError, match=f"the image {NAMES[0]} of the dataset {dataset}, cannot be read"
    ) as caught:
        copy_hub_images(dataset, NAMES[:1], tmp_path / "out")
    assert len(str(caught.value)) < 1000


def test_a_dataset_of_the_hub_does_not_have_files_of_this_machine_copied(
    dataset: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = tmp_path / "secret.jpg"
    secret.write_bytes(IMAGES[NAMES[0]])
    local = _parquet(tmp_path / "other", {NAMES[0]: {"bytes": None, "path": str(secret)}})
    rows = load_test_split(local, ["image_source"], "lmms-lab/POPE")
    monkeypatch.setattr(coco, "load_test_split", lambda *_: rows)
    with pytest.raises(
        RepopeError, match=f"owner/name names a file of this machine for {NAMES[0]}, '{secret}'"
    ):
        copy_hub_images("owner/name", NAMES[:1], tmp_path / "out")


def test_a_column_of_something_else_is_refused(tmp_path: Path) -> None:
    import pyarrow
    import pyarrow.parquet

    folder = tmp_path / "odd"
    folder.mkdir()
    table = pyarrow.table({"image_source": NAMES, "image": [1] * len(NAMES)})
    pyarrow.parquet.write_table(table, folder / "test.parquet")
    with pytest.raises(
        RepopeError, match=r"odd has no images in its column image \(.*\); one like lmms-lab-encoder/POPE"
    ):
        copy_hub_images(str(folder), NAMES, tmp_path / "out")


@pytest.mark.parametrize("content", [b"PAR1" + bytes(100) + b"PAR1", b"<html>log in</html>"])
def test_a_broken_parquet_file_is_one_line(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "odd").mkdir()
    (tmp_path / "odd" / "test.parquet").write_bytes(content)
    with pytest.raises(
        RepopeError, match=r"odd(/test\.parquet: is no whole Parquet file| cannot be loaded) \("
    ) as caught:
        copy_hub_images(str(tmp_path / "odd"), NAMES, tmp_path / "out")
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "out").exists()


def test_a_hub_that_is_silent_is_told_in_seconds_and_the_cache_is_looked_into(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import datasets

    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", False)
    asked: list[tuple[str, ...]] = []
    monkeypatch.setattr(
        hub_client, "why_unreachable", lambda *words: asked.append(words) or "HUB: no answer within 4 s"
    )
    with pytest.raises(RepopeError, match=r"owner/name cannot be loaded \(HUB: no answer within 4 s\)"):
        copy_hub_images("owner/name", NAMES, tmp_path / "out")
    assert asked == [("datasets", "owner/name", "main")]
    assert datasets.config.HF_HUB_OFFLINE is False
    with pytest.raises(RepopeError, match="cannot be loaded"):
        copy_hub_images(str(tmp_path / "absent"), NAMES, tmp_path / "out")
    assert len(asked) == 1
