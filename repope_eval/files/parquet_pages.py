"""How much the pages of a Parquet file unpack to, read from the pages' own heads.

A page is unpacked whole, into as many bytes as its head says. The sums at the end of the file may say anything.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

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
_BY_NUMBER = (2, 8)
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
    """Whether it holds the values of which other pages have the numbers."""
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
        is_by_number = kind is not None and data.get(_ENCODING[kind]) in _BY_NUMBER
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
