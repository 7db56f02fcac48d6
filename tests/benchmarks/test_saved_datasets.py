"""Datasets that `save_to_disk` wrote: read whatever their notes say of formats, and never from elsewhere."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import datasets
import pyarrow
import pytest
from question_tables import ROW, settings
from test_arrow_rows import NO_UTF8

from repope_eval.benchmarks.sources import load_benchmark
from repope_eval.errors import RepopeError

DATA = "data-00000-of-00001.arrow"


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    datasets.Dataset.from_list([ROW, {**ROW, "image": "b.jpg"}]).save_to_disk(tmp_path / "saved")
    return tmp_path / "saved"


def refused(folder: Path, message: str, **given: Any) -> None:
    with pytest.raises(RepopeError, match=message) as caught:
        load_benchmark(settings(f"hub:{folder}", **given), folder)
    assert "\n" not in str(caught.value)


def stream(path: Path, batch: Any, **how: Any) -> None:
    options = pyarrow.ipc.IpcWriteOptions(**how)
    with (
        pyarrow.OSFile(str(path), "wb") as file,
        pyarrow.ipc.new_stream(file, batch.schema, options=options) as writer,
    ):
        writer.write_batch(batch)


@pytest.mark.parametrize(
    "changes",
    [
        {"_format_columns": ["image"]},
        {"_format_type": "custom", "_format_kwargs": {"transform": "print"}},
        {"_fingerprint": None, "_split": 7, "_output_all_columns": "x"},
    ],
)
def test_a_format_that_a_program_had_chosen_says_nothing(changes: dict[str, Any], saved: Path) -> None:
    state = json.loads((saved / "state.json").read_text())
    (saved / "state.json").write_text(json.dumps(state | changes))
    found = load_benchmark(settings(f"hub:{saved}"), saved)
    assert [question.image for question in found.questions] == ["a.jpg", "b.jpg"]


@pytest.mark.parametrize(
    ("state", "message"),
    [
        ("{", "is no JSON .*; save the dataset anew"),
        ("[]", "has no list of _data_files with a filename each; save the dataset anew"),
        ('{"_data_files": [7]}', "has no list of _data_files"),
        ('{"_data_files": [{"filename": 7}]}', "has no list of _data_files"),
        ('{"_data_files": [{"filename": "a\\u0000"}]}', "its file .* cannot be looked up; mend its name"),
        ('{"_data_files": [{"filename": "absent.arrow"}]}', None),
    ],
)
def test_strange_notes_are_one_line(state: str, message: str | None, saved: Path) -> None:
    (saved / "state.json").write_text(state)
    where = (
        r"saved/absent\.arrow: is no whole Arrow stream"
        if message is None
        else rf"saved/state\.json: {message}"
    )
    refused(saved, where)


@pytest.mark.parametrize("splits", ['{"splits": 5}', "[]"])
def test_strange_notes_of_splits_are_one_line(splits: str, saved: Path) -> None:
    (saved / "dataset_dict.json").write_text(splits)
    refused(saved, r"dataset_dict\.json: has no list of splits; save the dataset anew")


def test_a_split_whose_notes_are_missing_is_one_line(saved: Path) -> None:
    datasets.DatasetDict({"val": datasets.load_from_disk(saved)}).save_to_disk(saved.parent / "splits")
    (saved.parent / "splits" / "val" / "state.json").unlink()
    refused(
        saved.parent / "splits", r"val/state\.json: cannot be read .*; save the dataset anew", split="val"
    )


@pytest.mark.parametrize("name", [f"../other/{DATA}", f"{{other}}/{DATA}", "link.arrow"])
def test_a_file_elsewhere_is_not_read(name: str, saved: Path) -> None:
    other = shutil.copytree(saved, saved.parent / "other")
    (saved / "link.arrow").symlink_to(other / DATA)
    files = [{"filename": name.format(other=other)}]
    (saved / "state.json").write_text(json.dumps({"_data_files": files}))
    refused(
        saved, r"saved/state\.json: its file .* lies outside of .*saved; put a copy into the dataset's folder"
    )


def test_a_split_elsewhere_is_not_read(saved: Path) -> None:
    folder = saved.parent / "splits"
    folder.mkdir()
    (folder / "dataset_dict.json").write_text('{"splits": ["../saved"]}')
    refused(folder, "lies outside of .*splits", split="../saved")


def test_links_within_the_cache_of_the_hub_are_read(saved: Path) -> None:
    folder = saved.parent / "cache" / "snapshots" / "main"
    shutil.copytree(saved, folder)
    (folder.parent.parent / "blob").write_bytes((folder / DATA).read_bytes())
    (folder / DATA).unlink()
    (folder / DATA).symlink_to("../../blob")
    assert len(load_benchmark(settings(f"hub:{folder}"), saved).questions) == 2


def packed(path: Path) -> None:
    stream(path, pyarrow.record_batch({name: [value] * 9 for name, value in ROW.items()}), compression="zstd")


def not_utf8(path: Path) -> None:
    cells = {name: pyarrow.array([value]) for name, value in ROW.items()}
    stream(path, pyarrow.record_batch({**cells, "question": NO_UTF8}))


@pytest.mark.parametrize(
    ("write", "message"),
    [
        (packed, "is packed, which `datasets` does not write; save the dataset anew"),
        (not_utf8, r"is no whole Arrow stream \(.*UTF8.*\); save"),
        (lambda path: path.write_bytes(path.read_bytes()[:300]), "is no whole Arrow stream"),
        (lambda path: path.write_bytes(bytes(400)), "is no whole Arrow stream"),
    ],
)
def test_strange_streams_are_one_line(write: Callable[[Path], object], message: str, saved: Path) -> None:
    write(saved / DATA)
    refused(saved, rf"{DATA}: {message}")


def test_files_of_other_columns_are_refused(saved: Path) -> None:
    stream(saved / "other.arrow", pyarrow.record_batch({"image": ["a.jpg"]}))
    files = [{"filename": DATA}, {"filename": "other.arrow"}]
    (saved / "state.json").write_text(json.dumps({"_data_files": files}))
    refused(saved, rf"other\.arrow: has other columns than {DATA}; save the dataset anew")
