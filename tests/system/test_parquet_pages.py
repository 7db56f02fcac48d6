"""Heads of Parquet's pages, read as pyarrow writes them; and heads that are none."""

from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet
import pytest

from repope_eval.system import parquet
from repope_eval.system.parquet import NoPageError, Page, pages


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
