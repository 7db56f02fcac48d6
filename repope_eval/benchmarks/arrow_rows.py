"""Rows out of Arrow's batches, which Parquet files and datasets come to: each cell is measured before it is copied."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from repope_eval.downloads.fetch import LARGEST
from repope_eval.errors import RepopeError
from repope_eval.files.json_files import flaw, parsed
from repope_eval.files.texts import MOST_ROWS
from repope_eval.wording import first_few, shown

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
                    row[name] = _named(reader.cell(cells[index]), classes.get(name))
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
        """What a cell holds; None where it is empty.

        Raises:
            RepopeError: it cannot be taken; the caller says where.
        """
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


def _named(cell: Any, names: Sequence[str] | None) -> Any:
    """The name of a class in place of its number; -1 is a class that is not known."""
    if names is None or isinstance(cell, bool) or not isinstance(cell, int):
        return cell
    if cell >= len(names):
        raise RepopeError(f"is class {cell}, and there are {len(names)} ({first_few(names)}); write it anew")
    return names[cell] if cell >= 0 else None
