"""How much of a Parquet file may be in memory: a file of 0.4 MB can stand for images of gigabytes.

A value may stand once in a file and be meant a million times, and zeros pack to a thousandth. What a file says of its
sizes at its end may be false, so they are taken from the heads of its pages, by which it is unpacked.
"""

import mmap
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from repope_eval.errors import RepopeError
from repope_eval.files.parquet_pages import NoPageError, Page, pages
from repope_eval.wording import shown

AT_ONCE, OF_ITS_SIZE_AT_ONCE = 128 << 20, 10
"""What may be in memory together: so many bytes, and so many times the size of the file: honest images do not pack."""

IN_ALL, OF_ITS_SIZE = 2 << 30, 20
"""What a file may come to in all: POPE asks about each image 18 times."""

MOST_ROWS_AT_ONCE = 64

_MOST_VALUES = 50_000_000
"""Values of a column: a page of a hundred bytes can have two billion."""

_LARGEST_NUMBER = 16
"""Bytes of a value that is no text: a number, a time."""

_TEXTS = ("BYTE_ARRAY", "FIXED_LEN_BYTE_ARRAY")

_MEND = "take out its large values, or name files of images in place of images"


def in_memory(size: int) -> int:
    """The bytes that a file of some bytes may have in memory together."""
    return AT_ONCE + OF_ITS_SIZE_AT_ONCE * size


def in_all(size: int) -> int:
    """The bytes that a file of some bytes may come to."""
    return IN_ALL + OF_ITS_SIZE * size


def row_groups(path: Path, metadata: Any, columns: Sequence[str]) -> Iterator[int]:
    """How many rows of each row group may be read at once.

    Args:
        path: the file.
        metadata: its metadata, as pyarrow reads it.
        columns: the columns that are read.

    Raises:
        RepopeError: the pages of a column are too large to be unpacked, are broken, or a column holds lists.
    """
    for of_group in _chunks(path, metadata, columns):
        together = 0
        for name, chunk, chunk_pages in of_group:
            if chunk.max_repetition_level:
                raise RepopeError(
                    f"{path}: its column {shown(name)} holds lists; one value a row is expected"
                )
            together += max((page.unpacked for page in chunk_pages), default=0)
        if together > in_memory(path.stat().st_size):
            raise RepopeError(f"{path}: unpacks to {together // 10**6:,} MB at once; {_MEND}")
        yield min(max(AT_ONCE // max(together, 1), 1), MOST_ROWS_AT_ONCE)


def require_bounded(path: Path) -> None:
    """Refuses a file whose row groups, or which in all, would come to too much in memory.

    Raises:
        RepopeError: it does, or it is no whole Parquet file.
    """
    import pyarrow  # slow to import, and rarely needed
    import pyarrow.parquet

    try:
        with pyarrow.parquet.ParquetFile(path) as file:
            metadata = file.metadata
        size, total = path.stat().st_size, 0
        its_share = min(in_memory(size), in_all(size) // max(metadata.num_row_groups, 1))
        for group, of_group in enumerate(_chunks(path, metadata, None)):
            in_group = sum(_most(chunk, of_chunk) for _, chunk, of_chunk in of_group)
            if in_group > its_share:
                in_group = sum(_measured(path, group, chunk, of_chunk) for _, chunk, of_chunk in of_group)
            total += in_group
            if in_group > in_memory(size) or total > in_all(size):
                raise RepopeError(f"{path}: unpacks to {max(in_group, total) // 10**6:,} MB; {_MEND}")
    except (OSError, pyarrow.ArrowException) as error:
        raise RepopeError(f"{path}: is no whole Parquet file ({shown(str(error))}); write it anew") from error


class _Chunk:
    """A column in a row group: what its metadata and its schema say together."""

    def __init__(self, chunk: Any, schema: Any) -> None:
        self.path: str = chunk.path_in_schema
        self.max_repetition_level: int = schema.max_repetition_level
        self.is_text = schema.physical_type in _TEXTS
        starts = [at for at in (chunk.dictionary_page_offset, chunk.data_page_offset) if at]
        self.start = min(starts, default=0)
        self.end = self.start + chunk.total_compressed_size


def _chunks(
    path: Path, metadata: Any, columns: Sequence[str] | None
) -> Iterator[list[tuple[str, _Chunk, list[Page]]]]:
    """The columns of each row group, all or those that are named, with their pages."""
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        for group in range(metadata.num_row_groups):
            found = []
            for index in range(metadata.num_columns):
                chunk = _Chunk(metadata.row_group(group).column(index), metadata.schema.column(index))
                name = next((name for name in columns or () if f"{chunk.path}.".startswith(f"{name}.")), None)
                if columns is None or name is not None:
                    found.append((name or chunk.path, chunk, _pages(path, content, chunk)))
            yield found


def _pages(path: Path, content: Any, chunk: _Chunk) -> list[Page]:
    end = min(chunk.end, len(content))
    try:
        found = list(pages(content, chunk.start, end))
    except NoPageError as error:
        raise RepopeError(
            f"{path}: is no whole Parquet file (column {shown(chunk.path)}: {error}); write it anew"
        ) from error
    n_values = sum(page.n_values for page in found)
    if n_values > _MOST_VALUES:
        raise RepopeError(f"{path}: its column {shown(chunk.path)} has {n_values:,} values; {_MEND}")
    return found


def _most(chunk: _Chunk, of_chunk: Sequence[Page]) -> int:
    """No fewer bytes than a column's values in a row group come to: each may be the largest of the dictionary."""
    largest = max((page.unpacked for page in of_chunk if page.is_dictionary), default=0)
    n_numbers = sum(page.n_numbers for page in of_chunk)
    return sum(page.unpacked for page in of_chunk) + n_numbers * (
        largest if chunk.is_text else _LARGEST_NUMBER
    )


def _measured(path: Path, group: int, chunk: _Chunk, of_chunk: Sequence[Page]) -> int:
    """The bytes that a column's values come to, while each of the dictionary is in memory once."""
    import pyarrow
    import pyarrow.compute
    import pyarrow.parquet

    unpacked = sum(page.unpacked for page in of_chunk)
    if (
        not chunk.is_text
        or unpacked > in_memory(path.stat().st_size)
        or not any(page.n_numbers for page in of_chunk)
    ):
        return _most(chunk, of_chunk)
    total = 0
    with pyarrow.parquet.ParquetFile(path, read_dictionary=[chunk.path]) as file:
        column = file.read_row_group(group, columns=[chunk.path]).column(0)
    for values in (leaf for part in column.chunks for leaf in _leaves(part)):
        if not isinstance(values, pyarrow.DictionaryArray):  # a fixed length: there is no dictionary of these
            return _most(chunk, of_chunk)
        lengths = pyarrow.compute.binary_length(values.dictionary)
        total += pyarrow.compute.sum(pyarrow.compute.cast(lengths.take(values.indices), "int64")).as_py() or 0
    return total


def _leaves(values: Any) -> Iterator[Any]:
    """The arrays that nested arrays are of."""
    import pyarrow

    if isinstance(
        values, pyarrow.StructArray | pyarrow.ListArray | pyarrow.LargeListArray | pyarrow.MapArray
    ):
        flat = values.flatten()
        for inner in flat if isinstance(flat, list) else [flat]:
            yield from _leaves(inner)
    else:
        yield values
