"""Cells out of Arrow's memory: classes by their names, texts that are none, and what is too large to be copied."""

import json
import struct
from pathlib import Path
from typing import Any

import pyarrow
import pytest
from question_tables import ROW, picture, settings

from repope_eval.benchmarks.sources import load_benchmark
from repope_eval.errors import RepopeError
from repope_eval.system import parquet as arrow_rows
from repope_eval.system.parquet import class_names, rows_in

CLASSES = {"_type": "ClassLabel", "names": ["no", "yes"]}
NO_UTF8 = pyarrow.Array.from_buffers(
    pyarrow.string(), 1, [None, pyarrow.py_buffer(struct.pack("<ii", 0, 2)), pyarrow.py_buffer(b"\xff\xfe")]
)


def parquet(folder: Path, notes: bytes = b"{}", **cells: Any) -> Path:
    """A Parquet file of one row, with the notes that `datasets` would make of its features."""
    row = {name: pyarrow.array([value]) for name, value in ROW.items()} | cells
    table = pyarrow.table(row).replace_schema_metadata({b"huggingface": notes})
    pyarrow.parquet.write_table(table, folder / "own.parquet")
    return folder / "own.parquet"


def notes(label: Any) -> bytes:
    return json.dumps({"info": {"features": {"label": label}}}).encode()


@pytest.mark.parametrize("label", [{"_type": "Hologram", "depth": 3}, [[[["deep"]]]], "ClassLabel"])
def test_features_that_name_no_classes_are_passed_over(label: Any, tmp_path: Path) -> None:
    path = parquet(tmp_path, notes(label))
    assert len(load_benchmark(settings(path), tmp_path).questions) == 1


@pytest.mark.parametrize("noted", [b"[1]", b'{"info": {"features": [1]}}'])
def test_notes_without_features_are_passed_over(noted: bytes) -> None:
    assert class_names("own.parquet", {b"huggingface": noted}) == {}


@pytest.mark.parametrize(
    ("noted", "cells", "message"),
    [
        (b"{nonsense", {}, r"own\.parquet: its Hugging Face metadata is no JSON \(.*\); write it anew"),
        (b"\xff", {}, r"own\.parquet: its Hugging Face metadata is not UTF-8"),
        (
            notes({"_type": "ClassLabel", "names": [1, 2]}),
            {},
            r"own\.parquet: the names of classes in its column 'label' are \[1, 2\], no list of texts; write",
        ),
        (
            notes(CLASSES),
            {"label": pyarrow.array([7])},
            r"own\.parquet, row 1: the label is class 7, and there are 2 \(no, yes\); write it anew",
        ),
        (b"{}", {"question": NO_UTF8}, r"own\.parquet, row 1: the question is not UTF-8; save it as UTF-8"),
        (
            b"{}",
            {"question": pyarrow.array([["Is it?"]])},
            r"own\.parquet: its column 'question' holds lists; one value a row is expected",
        ),
    ],
)
def test_what_cannot_be_read_is_one_line(
    noted: bytes, cells: dict[str, Any], message: str, tmp_path: Path
) -> None:
    with pytest.raises(RepopeError, match=message) as caught:
        load_benchmark(settings(parquet(tmp_path, noted, **cells)), tmp_path)
    assert "\n" not in str(caught.value)


def test_cells_of_every_form() -> None:
    texts = pyarrow.array(["yes", None, "yes"])
    batch = pyarrow.record_batch(
        {
            "plain": texts,
            "by number": texts.dictionary_encode(),
            "image": pyarrow.array([{"bytes": b"1", "path": None}, None, {"bytes": None, "path": "a"}]),
            "class": pyarrow.array([1, -1, None]),
        }
    )
    rows = list(rows_in("it", [batch], batch.schema.names, {"class": ["no", "yes"]}, most=100))
    assert [list(row.values()) for row in rows] == [
        ["yes", "yes", {"bytes": b"1", "path": None}, "yes"],
        [None, None, None, None],
        ["yes", "yes", {"bytes": None, "path": "a"}, None],
    ]


def test_a_large_cell_and_many_of_them_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    values = pyarrow.array([picture()]).take(pyarrow.array([0] * 5))
    size = len(picture())
    batch = pyarrow.record_batch({"image": values})
    with pytest.raises(
        RepopeError, match=r"it, row 3: its cells come to more than .* MB up to here; name files"
    ):
        list(rows_in("it", [batch], ["image"], {}, most=2 * size))
    monkeypatch.setattr(arrow_rows, "LARGEST", size - 1)
    with pytest.raises(
        RepopeError, match=rf"it, row 1: the image has {size} bytes; at most {size - 1} are taken"
    ):
        list(rows_in("it", [batch], ["image"], {}, most=100 * size))


def test_rows_beyond_what_a_file_says_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arrow_rows, "MOST_ROWS", 2)
    with pytest.raises(RepopeError, match="it: has more than 2 rows"):
        list(rows_in("it", [pyarrow.record_batch({"n": [1, 2]})] * 2, ["n"], {}, most=100))
