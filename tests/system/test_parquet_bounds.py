"""Small files that stand for gigabytes: refused in a line, before they are in memory."""

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
from repope_eval.system.parquet import require_bounded, row_groups

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
