"""The rows of a table of questions, however it is kept, and the images that its cells name or hold."""

import base64
import binascii
import hashlib
import io
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path, PurePath
from typing import Any

from PIL import Image

from repope_eval.benchmarks.hub_images import is_hub_id, load_rows
from repope_eval.benchmarks.images import FORMATS, LARGEST_FILE, refuse_outside
from repope_eval.benchmarks.saved_datasets import batches_of, is_saved, saved_files, schema_of
from repope_eval.errors import RepopeError
from repope_eval.settings.config import BenchSettings
from repope_eval.settings.named_files import HUB
from repope_eval.system.parquet import (
    MOST_ROWS_AT_ONCE,
    Cells,
    bytes_in_all,
    class_names,
    require_columns,
    row_groups,
    rows_in,
)
from repope_eval.system.rows import RowFile, read_row_file
from repope_eval.system.texts import MOST_ROWS
from repope_eval.wording import shown

_PARQUET = b"PAR1"


@dataclass(frozen=True, slots=True, kw_only=True)
class TableRows:
    """A table whose rows can be read, again and again."""

    where: str
    """The file or dataset, for messages."""
    columns: Sequence[str]
    """The names of its columns."""
    read: Callable[[Sequence[str]], Iterator[Cells]]
    """The rows in their order, with the cells of the named columns; a cell that is empty is None."""
    place: Callable[[int], str]
    """Where a row stands, by its index, for messages: `line 3`."""
    path: Path | None = None
    """The file; None for a dataset."""
    folder: Path | None = None
    """The folder that files named in cells are relative to; None where there is none."""


def open_table(settings: BenchSettings) -> TableRows:
    """The table that `bench.questions` names."""
    if settings.questions is None:
        raise RepopeError(
            "bench.questions is required: give bench.questions=FILE (JSON, JSON lines, CSV, TSV, XLSX or Parquet), or "
            "bench.questions=hub:OWNER/NAME for a dataset of the Hub"
        )
    if settings.questions.startswith(HUB):
        return _dataset_rows(settings.questions.removeprefix(HUB), settings)
    path = Path(settings.questions).expanduser()
    if path.is_dir():
        raise RepopeError(
            f"{path}: is a folder; a dataset in it is bench.questions={HUB}{settings.questions}, else name a file"
        )
    return _parquet_rows(path) if _begins_as_parquet(path) else _file_rows(path)


def hub_dataset(settings: BenchSettings) -> str | None:
    """The id of the Hub dataset that a table is read from; None for a file, a folder or another benchmark."""
    kind, _, dataset = (settings.questions or "").partition(HUB)
    name = dataset.partition("@")[0]
    return name if not kind and is_hub_id(name) else None


def _begins_as_parquet(path: Path) -> bool:
    try:
        if not path.is_file():  # a pipe can be read only once
            return False
        with path.open("rb") as file:
            return file.read(len(_PARQUET)) == _PARQUET
    except OSError:
        return False  # whoever reads it says why it cannot be read


def _file_rows(path: Path) -> TableRows:
    file: RowFile = read_row_file(path)
    return TableRows(
        where=str(path),
        columns=list(dict.fromkeys(name for row in file.rows for name in row)),
        read=lambda columns: ({name: row.get(name) for name in columns} for row in file.rows),
        place=lambda index: file.places[index],
        path=path,
        folder=path.parent,
    )


def _parquet_rows(path: Path) -> TableRows:
    import pyarrow  # slow to import, and rarely needed
    import pyarrow.parquet

    try:
        with pyarrow.parquet.ParquetFile(path) as file:
            schema, metadata = file.schema_arrow, file.metadata
    except (OSError, pyarrow.ArrowException) as error:
        raise RepopeError(
            f"{path}: is no whole Parquet file ({_first_line(error)}); write it anew"
        ) from error
    _require_few(str(path), metadata.num_rows)
    require_columns(str(path), schema.names)
    classes = class_names(str(path), schema.metadata)

    def batches(columns: Sequence[str]) -> Iterator[Any]:
        try:
            with pyarrow.parquet.ParquetFile(path) as opened:
                for group, n_rows in enumerate(row_groups(path, metadata, columns)):
                    yield from opened.iter_batches(n_rows, row_groups=[group], columns=list(columns))
        except (OSError, pyarrow.ArrowException) as error:
            raise RepopeError(f"{path}: cannot be read ({_first_line(error)}); write it anew") from error

    most = bytes_in_all(path.stat().st_size)
    return TableRows(
        where=str(path),
        columns=schema.names,
        read=lambda columns: rows_in(str(path), batches(columns), columns, classes, most),
        place=_row_number,
        path=path,
        folder=path.parent,
    )


def _dataset_rows(named: str, settings: BenchSettings) -> TableRows:
    """A dataset of the Hub, or a folder like one; after an @ may stand its revision."""
    folder = Path(named).expanduser()
    if is_saved(folder):
        return _saved_rows(folder, settings.split)
    name, at, revision = (str(folder), "", "") if folder.is_dir() else named.partition("@")
    subset = "" if settings.subset is None else f", subset {settings.subset}"
    dataset = load_rows(
        f"questions of the dataset {name}{subset}",
        name,
        f"a split `{settings.split}` (bench.split= names another, and bench.subset= a part of the dataset)",
        split=settings.split,
        **({} if settings.subset is None else {"name": settings.subset}),
        **({"revision": revision} if at else {}),
    )
    _require_few(name, len(dataset))
    where = f"the dataset {name}, split {settings.split}"
    classes = class_names(where, dataset.features.arrow_schema.metadata)

    def batches(columns: Sequence[str]) -> Iterator[Any]:
        # As Arrow, since each image would be decoded otherwise, and its original bytes be gone.
        for table in dataset.select_columns(list(columns)).with_format("arrow").iter(MOST_ROWS_AT_ONCE):
            yield from table.to_batches()

    return TableRows(
        where=where,
        columns=dataset.column_names,
        read=lambda columns: rows_in(where, batches(columns), columns, classes, math.inf),
        place=_row_number,
        folder=folder if folder.is_dir() else None,
    )


def _saved_rows(folder: Path, split: str) -> TableRows:
    """The rows of a dataset that was saved by `save_to_disk`, alone or with other splits."""
    files = saved_files(folder, split)
    where = f"the dataset {folder}, split {split}"
    schemas = [schema_of(file) for file in files]
    odd = next((file for file, schema in zip(files, schemas, strict=True) if schema != schemas[0]), None)
    if odd is not None:
        raise RepopeError(f"{odd}: has other columns than {files[0].name}; save the dataset anew")
    schema = schemas[0]
    require_columns(where, schema.names)
    classes = class_names(where, schema.metadata)
    most = bytes_in_all(sum(file.stat().st_size for file in files))

    return TableRows(
        where=where,
        columns=schema.names,
        read=lambda columns: rows_in(
            where, chain.from_iterable(map(batches_of, files)), columns, classes, most
        ),
        place=_row_number,
        folder=folder,
    )


def _row_number(index: int) -> str:
    return f"row {index + 1}"


def _require_few(where: str, n_rows: int) -> None:
    if n_rows > MOST_ROWS:
        raise RepopeError(
            f"{where}: has {n_rows:,} rows, and at most {MOST_ROWS:,} are read; is it the right table? A part of it "
            "may do"
        )


def _first_line(error: Exception) -> str:
    return shown(str(error).strip().partition("\n")[0])


_SUFFIXES = {"JPEG": ".jpg", "TIFF": ".tif", "JPEG2000": ".jp2"}
"""Suffixes that are not the format's own name."""

_LONGEST_NAME = 255
"""The longest name of a file; a longer text can only be an image in base64, as VLMEvalKit's tables hold them."""

_DATA_URI = "data:image/"


@dataclass(frozen=True, slots=True)
class CellImage:
    """An image as a table has it."""

    name: str
    content: bytes | None = None
    """Its file's bytes, where it stands in the table itself."""

    @property
    def sha256(self) -> str:
        """The hash of the bytes; empty where the table only names a file."""
        return "" if self.content is None else hashlib.sha256(self.content).hexdigest()


def image_in(cell: Any, name: Any, folder: Path | None) -> CellImage:
    """The image in a cell: a file's name, or bytes, base64, or the form in which `datasets` writes images.

    Args:
        name: the name that another column gives the image; None where there is none.
        folder: the folder of the table's files, which an absolute path may lie in; None where there is none.
    """
    if isinstance(cell, int) and not isinstance(cell, bool):
        cell = str(cell)
    path: Any = None
    match cell:
        case bytes():
            content: bytes | None = cell
        case {"bytes": bytes(content), **rest}:
            path = rest.get("path")
        case {"path": str()}:
            content, path = None, cell["path"]
        case str() if len(cell) > _LONGEST_NAME or cell.startswith(_DATA_URI):
            content = _decoded_base64(cell)
        case str() if cell.strip():
            content, path = None, cell
        case _:
            raise RepopeError(f"the image is {shown(cell)}; the name of a file or an image is expected")
    if content is None:
        return CellImage(_file_name(str(path), folder))
    suffix = _format_suffix(content)
    known = str(name) if name is not None else PurePath(path).name if path else ""
    if not known:
        known = hashlib.sha256(content).hexdigest()[:32]
    refuse_outside(known)
    known = str(PurePath(known))  # `./a.png` would be written over `a.png`
    return CellImage(known if PurePath(known).suffix else known + suffix, content)


def _file_name(path: str, folder: Path | None) -> str:
    """The name by which a file is looked up: an absolute path, as `datasets` writes it, without the table's folder."""
    if folder is not None and PurePath(path).is_absolute() and Path(path).is_relative_to(folder.absolute()):
        return str(Path(path).relative_to(folder.absolute()))
    refuse_outside(path)
    return path


def _decoded_base64(text: str) -> bytes:
    encoded = text.partition(",")[2] if text.startswith(_DATA_URI) else text
    try:
        return base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError) as error:
        raise RepopeError(
            f"the image is {shown(text)}, of {len(text):,} characters: no name of a file and no image in base64 "
            f"({error})"
        ) from error


def _format_suffix(content: bytes) -> str:
    """The suffix of an image's format, read from its head alone."""
    if len(content) > LARGEST_FILE:
        raise RepopeError(f"the image has {len(content):,} bytes, too many for an image of a benchmark")
    try:
        with Image.open(io.BytesIO(content), formats=FORMATS) as image:
            format_name = str(image.format)
    except Exception as error:  # Pillow's decoders let many kinds through on damaged bytes
        raise RepopeError(
            f"the image, of {len(content):,} bytes, is none that Pillow can read; put a whole image there"
        ) from error
    return _SUFFIXES.get(format_name, f".{format_name.lower()}")
