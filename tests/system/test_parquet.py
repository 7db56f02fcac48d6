"""Parquet: cells out of Arrow's memory, heads of pages, and small files that stand for gigabytes."""

import json
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet
import pytest
from question_tables import ROW, picture, settings

from repope_eval.benchmarks.sources import load_benchmark
from repope_eval.errors import RepopeError
from repope_eval.system import parquet
from repope_eval.system.parquet import (
    NoPageError,
    Page,
    class_names,
    pages,
    require_bounded,
    row_groups,
    rows_in,
)

CLASSES = {"_type": "ClassLabel", "names": ["no", "yes"]}
NO_UTF8 = pyarrow.Array.from_buffers(
    pyarrow.string(), 1, [None, pyarrow.py_buffer(struct.pack("<ii", 0, 2)), pyarrow.py_buffer(b"\xff\xfe")]
)


def own_parquet(folder: Path, notes: bytes = b"{}", **cells: Any) -> Path:
    """A Parquet file of one row, with the notes that `datasets` would make of its features."""
    row = {name: pyarrow.array([value]) for name, value in ROW.items()} | cells
    table = pyarrow.table(row).replace_schema_metadata({b"huggingface": notes})
    pyarrow.parquet.write_table(table, folder / "own.parquet")
    return folder / "own.parquet"


def notes(label: Any) -> bytes:
    return json.dumps({"info": {"features": {"label": label}}}).encode()


@pytest.mark.parametrize("label", [{"_type": "Hologram", "depth": 3}, [[[["deep"]]]], "ClassLabel"])
def test_features_that_name_no_classes_are_passed_over(label: Any, tmp_path: Path) -> None:
    path = own_parquet(tmp_path, notes(label))
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
        load_benchmark(settings(own_parquet(tmp_path, noted, **cells)), tmp_path)
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
    monkeypatch.setattr(parquet, "LARGEST", size - 1)
    with pytest.raises(
        RepopeError, match=rf"it, row 1: the image has {size} bytes; at most {size - 1} are taken"
    ):
        list(rows_in("it", [batch], ["image"], {}, most=100 * size))


def test_rows_beyond_what_a_file_says_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parquet, "MOST_ROWS", 2)
    with pytest.raises(RepopeError, match="it: has more than 2 rows"):
        list(rows_in("it", [pyarrow.record_batch({"n": [1, 2]})] * 2, ["n"], {}, most=100))


def found(path: Path, column: Any, **how: Any) -> list[Page]:
    pyarrow.parquet.write_table(pyarrow.table({"it": column}), path, **how)
    chunk = pyarrow.parquet.ParquetFile(path).metadata.row_group(0).column(0)
    start = chunk.dictionary_page_offset or chunk.data_page_offset
    assert sum(
        page.unpacked for page in pages(path.read_bytes(), start, start + chunk.total_compressed_size)
    ) <= (chunk.total_uncompressed_size)
    return list(pages(path.read_bytes(), start, start + chunk.total_compressed_size))


@pytest.mark.parametrize("version", ["1.0", "2.0"])
@pytest.mark.parametrize("compression", ["none", "snappy", "zstd"])
def test_pages_as_pyarrow_writes_them(version: str, compression: str, tmp_path: Path) -> None:
    how = {"data_page_version": version, "compression": compression}
    dictionary, data = found(tmp_path / "a.parquet", ["x" * 1000] * 64, **how)
    assert dictionary == Page(1004, is_dictionary=True, n_values=0, n_numbers=0)
    assert (data.is_dictionary, data.n_values, data.n_numbers) == (False, 64, 64)
    (plain,) = found(tmp_path / "a.parquet", ["x" * 1000] * 64, use_dictionary=False, **how)
    assert plain.unpacked in range(64_000, 65_000)
    assert (plain.n_values, plain.n_numbers) == (64, 0)
    many = found(tmp_path / "a.parquet", list(map(str, range(20_000))), data_page_size=1000, **how)
    assert sum(page.n_values for page in many) == 20_000
    assert len(many) > 10


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"\x00", "a page of no size"),
        (b"\x15", "a head that is cut short"),
        (b"\x15" + b"\xff" * 20, "a number without end"),
        (b"\x1c" * 20, "a head within heads without end"),
        (b"\x19\x00", "a head of another kind"),
        (b"\x15\x00\x15\x01\x15\x00\x00", "a page of no size"),  # -1 bytes
    ],
)
def test_heads_that_are_none(content: bytes, reason: str) -> None:
    with pytest.raises(NoPageError, match=reason):
        list(pages(content, 0, len(content)))


def test_pages_without_end_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parquet, "MOST_PAGES", 2)
    empty = b"\x15\x00\x15\x00\x15\x00\x00"
    assert len(list(pages(empty * 2, 0, 14))) == 2
    with pytest.raises(NoPageError, match="more than 2 pages"):
        list(pages(empty * 3, 0, 21))


LEAST, VALUE, MOST = 10_000, 50_000, 1 << 30

LOADING = r"""
import re, sys
from repope_eval.benchmarks.sources import load_benchmark
from repope_eval.errors import RepopeError
from repope_eval.settings.config import BenchSettings
from pathlib import Path
try:
    load_benchmark(BenchSettings(name="table", source="table", variants=(), questions=sys.argv[1]), Path("."))
except RepopeError as error:
    print(error)
print(1024 * int(re.search(r"VmHWM:\s*(\d+) kB", Path("/proc/self/status").read_text())[1]))
"""


def repeated(value: Any, number: int) -> Any:
    return pyarrow.DictionaryArray.from_arrays(
        pyarrow.array([0] * number, pyarrow.int32()), pyarrow.array([value])
    )


def write(path: Path, image: Any, **how: Any) -> Path:
    columns = {name: [value] * len(image) for name, value in ROW.items()} | {"image": image}
    pyarrow.parquet.write_table(pyarrow.table(columns), path, compression="zstd", store_schema=False, **how)
    return path


@pytest.fixture
def bomb(tmp_path: Path) -> Path:
    """64 images of 200 MB of zeros in 7 kB."""
    (tmp_path / "hub").mkdir()
    return write(tmp_path / "hub" / "test.parquet", repeated(bytes(200_000_000), 64))


def test_a_small_file_of_large_images_takes_little_memory(bomb: Path) -> None:
    command = [sys.executable, "-c", LOADING, f"hub:{bomb.parent}"]
    said, peak = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    assert "test.parquet: unpacks to " in said
    assert said.endswith("take out its large values, or name files of images in place of images")
    assert int(peak) < MOST


def test_images_just_within_the_bounds_take_less_than_a_gigabyte(tmp_path: Path) -> None:
    path = write(tmp_path / "own.parquet", repeated(picture() + bytes(60_000_000), 64))
    command = [sys.executable, "-c", LOADING, str(path)]
    said, peak = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    assert "its cells come to more than 2,1" in said
    assert int(peak) < MOST


@pytest.fixture
def small_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parquet, "BYTES_AT_ONCE", LEAST)
    monkeypatch.setattr(parquet, "SIZES_AT_ONCE", 1)
    monkeypatch.setattr(parquet, "BYTES_IN_ALL", 10 * LEAST)
    monkeypatch.setattr(parquet, "SIZES_IN_ALL", 1)


@pytest.mark.usefixtures("small_bounds")
@pytest.mark.parametrize(
    "image",
    [
        repeated("x" * VALUE, 64),
        pyarrow.array(["x" * VALUE] * 64),
        pyarrow.StructArray.from_arrays([repeated(b"x" * VALUE, 64)], ["bytes"]),
        pyarrow.array([b"x" * VALUE] * 64, pyarrow.binary(VALUE)),
    ],
)
def test_values_of_every_kind_are_bounded(image: Any, tmp_path: Path) -> None:
    path = write(tmp_path / "own.parquet", image)
    with pytest.raises(RepopeError, match=r"own\.parquet: unpacks to .* MB; take out"):
        require_bounded(path)
    with pytest.raises(RepopeError, match=r"own\.parquet: unpacks to .* MB at once; take out"):
        load_benchmark(settings(path), tmp_path)


@pytest.mark.usefixtures("small_bounds")
def test_what_a_file_says_of_its_sizes_is_not_believed(tmp_path: Path) -> None:
    """The number of bytes that a column unpacks to is made 1, in as many bytes as it took."""
    path = write(tmp_path / "own.parquet", repeated("x" * 50_000, 64))
    column = pyarrow.parquet.ParquetFile(path).metadata.row_group(0).column(0)
    content, true = path.read_bytes(), thrift(column.total_uncompressed_size)
    assert content.count(true) == 1
    path.write_bytes(content.replace(true, b"\x82" + b"\x80" * (len(true) - 2) + b"\x00"))
    assert pyarrow.parquet.ParquetFile(path).metadata.row_group(0).column(0).total_uncompressed_size == 1
    with pytest.raises(RepopeError, match=r"own\.parquet: unpacks to"):
        require_bounded(path)
    with pytest.raises(RepopeError, match=r"own\.parquet: unpacks to"):
        load_benchmark(settings(path), tmp_path)


def thrift(number: int) -> bytes:
    """A whole number above 0, as the compact protocol writes it."""
    number, written = number << 1, bytearray()
    while number > 127:
        written.append(number & 127 | 128)
        number >>= 7
    return bytes([*written, number])


@pytest.mark.usefixtures("small_bounds")
def test_texts_that_repeat_are_measured_and_not_estimated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The longest text times their number would be far beyond the bounds."""
    monkeypatch.setattr(parquet, "BYTES_AT_ONCE", 1_000_000)
    monkeypatch.setattr(parquet, "BYTES_IN_ALL", 1_000_000)
    texts = ["y" * 2000, *(["x"] * 5000)]
    require_bounded(write(tmp_path / "own.parquet", pyarrow.array(texts)))


@pytest.mark.usefixtures("small_bounds")
def test_lists_are_bounded(tmp_path: Path) -> None:
    lists = pyarrow.ListArray.from_arrays([0, 1000], repeated("x" * 1000, 1000))
    with pytest.raises(RepopeError, match=r"own\.parquet: unpacks to 1 MB"):
        require_bounded(write(tmp_path / "own.parquet", lists))


def test_a_column_of_too_many_values_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parquet, "_MOST_VALUES", 63)
    path = write(tmp_path / "own.parquet", repeated("x", 64))
    with pytest.raises(RepopeError, match=r"own\.parquet: its column 'image' has 64 values"):
        require_bounded(path)


def test_the_larger_the_pages_the_fewer_rows_are_read_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parquet, "BYTES_AT_ONCE", LEAST)
    image = pyarrow.array(["a.jpg"] * 10 + ["x" * 1000] * 10 + ["y" * 90_000] * 10)
    path = write(tmp_path / "own.parquet", image, row_group_size=10, use_dictionary=False)
    metadata = pyarrow.parquet.ParquetFile(path).metadata
    monkeypatch.setattr(parquet, "SIZES_AT_ONCE", 10_000)
    few = list(row_groups(path, metadata, ["image"]))
    assert few[0] > few[1] >= few[2] == 1
    assert list(row_groups(path, metadata, ["question"])) == [30] * 3


def test_what_is_no_parquet_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "own.parquet").write_bytes(b"PAR1")
    with pytest.raises(RepopeError, match=r"own\.parquet: is no whole Parquet file") as caught:
        require_bounded(tmp_path / "own.parquet")
    assert "\n" not in str(caught.value)


def test_pages_that_are_none_are_one_line(tmp_path: Path) -> None:
    path = write(tmp_path / "own.parquet", repeated("x", 64))
    path.write_bytes(path.read_bytes().replace(b"PAR1\x15", b"PAR1\x19", 1))
    with pytest.raises(
        RepopeError, match=r"own\.parquet: is no whole Parquet file \(column 'image': a head of"
    ):
        load_benchmark(settings(path), tmp_path)
