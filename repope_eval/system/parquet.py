"""Rows out of Parquet files and Arrow's batches, within bounds: a file of 0.4 MB can stand for images of gigabytes.

A page is unpacked whole, into as many bytes as its head says. The sums at the end of the file may say anything.

A value may stand once in a file and be meant a million times, and zeros pack to a thousandth. What a file says of its
sizes at its end may be false, so they are taken from the heads of its pages, by which it is unpacked.
"""

import json
import mmap
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from repope_eval.errors import RepopeError
from repope_eval.system.downloads import LARGEST
from repope_eval.system.json_files import flaw, parsed
from repope_eval.system.texts import MOST_ROWS
from repope_eval.wording import first_few, shown

MOST_PAGES = 1_000_000
"""Pages that are looked at: those of a hundred gigabytes."""

_TRUE, _FALSE, _BYTE, _DOUBLE, _BINARY, _STRUCT = 1, 2, 3, 7, 8, 12
"""Types of Thrift's compact protocol, in which the heads are written; those between `_BYTE` and `_DOUBLE` are whole
numbers."""

_UNPACKED, _PACKED = 2, 3
"""Fields of a page's head: the bytes of what follows it, unpacked and as they stand there."""

_DATA, _DICTIONARY, _NEWER_DATA = 5, 7, 8
"""Fields that are heads of their own, of the kinds of pages."""

_N_VALUES = 1
_ENCODING = {_DATA: 2, _NEWER_DATA: 4}
_DICTIONARY_ENCODINGS = (2, 8)
"""Encodings of values that are numbers of a dictionary's entries."""

_MOST_NESTED = 8


class NoPageError(ValueError):
    """Where a page should begin, there is none."""


@dataclass(frozen=True, slots=True)
class Page:
    """What the head of a page says."""

    unpacked: int
    """Bytes that it unpacks to."""
    is_dictionary: bool
    """Whether it holds the values that other pages refer to by their numbers."""
    n_values: int
    """Values of a page of data."""
    n_numbers: int
    """Those of them that stand in the dictionary."""


def pages(content: Any, start: int, end: int) -> Iterator[Page]:
    """The pages of a column in a row group.

    Args:
        content: the bytes of the file, such as a memory map.
        start: where the first page begins.
        end: where the last one ends.

    Raises:
        NoPageError: there are none, or too many.
    """
    n_pages = 0
    while start < end:
        n_pages += 1
        if n_pages > MOST_PAGES:
            raise NoPageError(f"more than {MOST_PAGES:,} pages")
        head = _Head(content, start, end)
        fields = head.struct()
        kind = next((kind for kind in _ENCODING if kind in fields), None)
        data = fields[kind] if kind is not None else {}
        packed, unpacked = fields.get(_PACKED, -1), fields.get(_UNPACKED, -1)
        n_values = data.get(_N_VALUES, 0) if isinstance(data, dict) else -1
        if not all(isinstance(size, int) and size >= 0 for size in (packed, unpacked, n_values)):
            raise NoPageError("a page of no size")
        is_by_number = kind is not None and data.get(_ENCODING[kind]) in _DICTIONARY_ENCODINGS
        yield Page(unpacked, _DICTIONARY in fields, n_values, n_values if is_by_number else 0)
        start = head.at + packed


class _Head:
    """A reader of the head of a page."""

    def __init__(self, content: Any, at: int, end: int) -> None:
        self._content, self.at, self._end = content, at, end

    def struct(self, depth: int = 0) -> dict[int, Any]:
        """The fields that are whole numbers or heads themselves, by their ids; others are passed over."""
        if depth > _MOST_NESTED:
            raise NoPageError("a head within heads without end")
        fields: dict[int, Any] = {}
        field = 0
        while kind := self._byte():
            more, kind = kind >> 4, kind & 15
            field = field + more if more else self._signed()
            if _BYTE < kind < _DOUBLE:
                fields[field] = self._signed()
            elif kind == _STRUCT:
                fields[field] = self.struct(depth + 1)
            elif kind == _BINARY:
                length = self._unsigned()
                self.at += length
            elif kind in (_BYTE, _DOUBLE):
                self.at += 1 if kind == _BYTE else 8
            elif kind not in (_TRUE, _FALSE):  # a truth value is told by its type; heads have no lists
                raise NoPageError("a head of another kind")
        return fields

    def _byte(self) -> int:
        if self.at >= self._end:
            raise NoPageError("a head that is cut short")
        self.at += 1
        return int(self._content[self.at - 1])

    def _unsigned(self) -> int:
        number = shift = 0
        while shift < 64:
            byte = self._byte()
            number |= (byte & 127) << shift
            if byte < 128:
                return number
            shift += 7
        raise NoPageError("a number without end")

    def _signed(self) -> int:
        number = self._unsigned()
        return number >> 1 if number % 2 == 0 else -(number >> 1) - 1


BYTES_AT_ONCE, SIZES_AT_ONCE = 128 << 20, 10
"""What may be in memory together: so many bytes, and so many times the size of the file: honest images do not pack."""

BYTES_IN_ALL, SIZES_IN_ALL = 2 << 30, 20
"""What a file may come to in all: POPE asks about each image 18 times."""

MOST_ROWS_AT_ONCE = 64

_MOST_VALUES = 50_000_000
"""Values of a column: a page of a hundred bytes can have two billion."""

_LARGEST_NUMBER = 16
"""Bytes of a value that is no text: a number, a time."""

_TEXTS = ("BYTE_ARRAY", "FIXED_LEN_BYTE_ARRAY")

_MEND = "take out its large values, or name files of images in place of images"


def bytes_at_once(size: int) -> int:
    """The bytes that a file of some bytes may have in memory together."""
    return BYTES_AT_ONCE + SIZES_AT_ONCE * size


def bytes_in_all(size: int) -> int:
    """The bytes that a file of some bytes may come to."""
    return BYTES_IN_ALL + SIZES_IN_ALL * size


def row_groups(path: Path, metadata: Any, columns: Sequence[str]) -> Iterator[int]:
    """How many rows of each row group may be read at once.

    Args:
        metadata: the file's metadata, as pyarrow reads it.
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
        if together > bytes_at_once(path.stat().st_size):
            raise RepopeError(f"{path}: unpacks to {together // 10**6:,} MB at once; {_MEND}")
        yield min(max(BYTES_AT_ONCE // max(together, 1), 1), MOST_ROWS_AT_ONCE)


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
        its_share = min(bytes_at_once(size), bytes_in_all(size) // max(metadata.num_row_groups, 1))
        for group, of_group in enumerate(_chunks(path, metadata, None)):
            in_group = sum(_most_bytes(chunk, of_chunk) for _, chunk, of_chunk in of_group)
            if in_group > its_share:
                in_group = sum(
                    _measured_bytes(path, group, chunk, of_chunk) for _, chunk, of_chunk in of_group
                )
            total += in_group
            if in_group > bytes_at_once(size) or total > bytes_in_all(size):
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
            chunks = []
            for index in range(metadata.num_columns):
                chunk = _Chunk(metadata.row_group(group).column(index), metadata.schema.column(index))
                name = next((name for name in columns or () if f"{chunk.path}.".startswith(f"{name}.")), None)
                if columns is None or name is not None:
                    chunks.append((name or chunk.path, chunk, _chunk_pages(path, content, chunk)))
            yield chunks


def _chunk_pages(path: Path, content: Any, chunk: _Chunk) -> list[Page]:
    end = min(chunk.end, len(content))
    try:
        chunk_pages = list(pages(content, chunk.start, end))
    except NoPageError as error:
        raise RepopeError(
            f"{path}: is no whole Parquet file (column {shown(chunk.path)}: {error}); write it anew"
        ) from error
    n_values = sum(page.n_values for page in chunk_pages)
    if n_values > _MOST_VALUES:
        raise RepopeError(f"{path}: its column {shown(chunk.path)} has {n_values:,} values; {_MEND}")
    return chunk_pages


def _most_bytes(chunk: _Chunk, of_chunk: Sequence[Page]) -> int:
    """The most bytes that a column's values in a row group come to: each may be the largest of the dictionary."""
    largest = max((page.unpacked for page in of_chunk if page.is_dictionary), default=0)
    n_numbers = sum(page.n_numbers for page in of_chunk)
    return sum(page.unpacked for page in of_chunk) + n_numbers * (
        largest if chunk.is_text else _LARGEST_NUMBER
    )


def _measured_bytes(path: Path, group: int, chunk: _Chunk, of_chunk: Sequence[Page]) -> int:
    """The bytes that a column's values come to, while each of the dictionary is in memory once."""
    import pyarrow
    import pyarrow.compute
    import pyarrow.parquet

    unpacked = sum(page.unpacked for page in of_chunk)
    if (
        not chunk.is_text
        or unpacked > bytes_at_once(path.stat().st_size)
        or not any(page.n_numbers for page in of_chunk)
    ):
        return _most_bytes(chunk, of_chunk)
    total = 0
    with pyarrow.parquet.ParquetFile(path, read_dictionary=[chunk.path]) as file:
        column = file.read_row_group(group, columns=[chunk.path]).column(0)
    for values in (leaf for part in column.chunks for leaf in _leaf_arrays(part)):
        if not isinstance(values, pyarrow.DictionaryArray):  # a fixed length: there is no dictionary of these
            return _most_bytes(chunk, of_chunk)
        lengths = pyarrow.compute.binary_length(values.dictionary)
        total += pyarrow.compute.sum(pyarrow.compute.cast(lengths.take(values.indices), "int64")).as_py() or 0
    return total


def _leaf_arrays(values: Any) -> Iterator[Any]:
    """The arrays that nested arrays consist of."""
    import pyarrow

    if isinstance(
        values, pyarrow.StructArray | pyarrow.ListArray | pyarrow.LargeListArray | pyarrow.MapArray
    ):
        flat = values.flatten()
        for inner in flat if isinstance(flat, list) else [flat]:
            yield from _leaf_arrays(inner)
    else:
        yield values


Cells = Mapping[str, Any]

ClassNames = Mapping[str, Sequence[str]]
"""The names that numbers stand for, by column."""

_METADATA = b"huggingface"


def rows_in(
    where: str, batches: Iterable[Any], columns: Sequence[str], classes: ClassNames, most: float
) -> Iterator[Cells]:
    """The rows of batches, one after another.

    Args:
        where: the file or dataset, for messages.
        batches: record batches, each of which has the columns.
        columns: the columns whose cells are wanted.
        classes: the names that stand in the place of numbers.
        most: the bytes that all cells may come to.

    Raises:
        RepopeError: there are more than `MOST_ROWS`, a cell is too large, a list or no UTF-8, or its number has no
            name.
    """
    reader = _CellReader()
    number = 0
    for batch in batches:
        arrays = {name: batch.column(name) for name in columns}
        for index in range(batch.num_rows):
            number += 1
            if number > MOST_ROWS:
                raise RepopeError(f"{where}: has more than {MOST_ROWS:,} rows; is it the right table?")
            row = {}
            for name, cells in arrays.items():
                try:
                    row[name] = _class_name(reader.cell(cells[index]), classes.get(name))
                except RepopeError as error:
                    raise RepopeError(f"{where}, row {number}: the {name} {error}") from error
            if reader.total > most:
                raise RepopeError(
                    f"{where}, row {number}: its cells come to more than {most / 10**6:,.0f} MB up to here; name files "
                    "of images in place of images, or take a part of it"
                )
            yield row


def class_names(where: str, metadata: Mapping[bytes, bytes] | None) -> ClassNames:
    """The names of classes that a writer of `datasets` notes in a schema's metadata.

    Features of other kinds are passed over, be they of a `datasets` that is not written yet.

    Raises:
        RepopeError: the metadata is none that can be read.
    """
    noted = (metadata or {}).get(_METADATA)
    if noted is None:
        return {}
    try:
        features = parsed(noted, json.loads)
    except ValueError as error:
        raise RepopeError(f"{where}: its Hugging Face metadata {flaw(error)}; write it anew") from error
    for name in ("info", "features"):
        features = features.get(name) if isinstance(features, dict) else None
    named = {}
    for column, feature in features.items() if isinstance(features, dict) else ():
        if isinstance(feature, dict) and feature.get("_type") == "ClassLabel" and "names" in feature:
            names = feature["names"]
            if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
                raise RepopeError(
                    f"{where}: the names of classes in its column {shown(column)} are {shown(names)}, no list of "
                    "texts; write it anew"
                )
            named[column] = names
    return named


def require_columns(where: str, names: Sequence[str]) -> None:
    """Refuses two columns of one name.

    Raises:
        RepopeError: there are.
    """
    twice = next((name for name, number in Counter(names).items() if number > 1), None)
    if twice is not None:
        raise RepopeError(f"{where}: two columns are named {shown(twice)}; rename one")


class _CellReader:
    """Copies cells out of Arrow's memory, and sums their sizes."""

    def __init__(self) -> None:
        import pyarrow  # slow to import, and rarely needed

        self.total = 0
        self._wrapped = (pyarrow.DictionaryScalar, pyarrow.ExtensionScalar, pyarrow.RunEndEncodedScalar)
        self._text, self._struct = pyarrow.BinaryScalar, pyarrow.StructScalar
        self._lists = (pyarrow.ListScalar, pyarrow.MapScalar, pyarrow.UnionScalar)

    def cell(self, scalar: Any) -> Any:
        """What a cell holds; None where it is empty."""
        while isinstance(scalar, self._wrapped):
            scalar = scalar.value
        if scalar is None or not scalar.is_valid:
            return None
        if isinstance(scalar, self._struct):
            return {name: self.cell(value) for name, value in scalar.items()}
        if isinstance(scalar, self._lists):
            raise RepopeError("is a list; one value a row is expected")
        if isinstance(scalar, self._text):
            size = len(scalar.as_buffer())
            self.total += size
            if size > LARGEST:
                raise RepopeError(f"has {size:,} bytes; at most {LARGEST:,} are taken")
        try:
            return scalar.as_py()
        except UnicodeDecodeError as error:
            raise RepopeError("is not UTF-8; save it as UTF-8") from error
        except (ValueError, OverflowError, ArithmeticError) as error:
            raise RepopeError(f"cannot be read ({shown(str(error))}); write it anew") from error


def _class_name(cell: Any, names: Sequence[str] | None) -> Any:
    """The name of a class in place of its number; -1 is a class that is not known."""
    if names is None or isinstance(cell, bool) or not isinstance(cell, int):
        return cell
    if cell >= len(names):
        raise RepopeError(f"is class {cell}, and there are {len(names)} ({first_few(names)}); write it anew")
    return names[cell] if cell >= 0 else None
