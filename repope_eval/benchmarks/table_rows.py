"""The rows of a table of questions, however it is kept: in a file of rows, in Parquet, or as a dataset of the Hub."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from repope_eval.benchmarks.hub_images import is_hub_id, load_rows
from repope_eval.errors import RepopeError
from repope_eval.files.rows import RowFile, read_row_file
from repope_eval.files.texts import MOST_ROWS
from repope_eval.settings.config import BenchSettings
from repope_eval.settings.fields import nearest
from repope_eval.settings.own_names import HUB
from repope_eval.wording import shown

_PARQUET = b"PAR1"
_ROWS_AT_ONCE = 64
"""Rows of Parquet that are in memory at a time: each may hold an image of megabytes."""

_SAVED = ("state.json", "dataset_dict.json")
"""Files of datasets that `save_to_disk` wrote: of one alone, and of several splits."""

Cells = Mapping[str, Any]


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
    """The file; None of a dataset."""
    folder: Path | None = None
    """The folder that files named in cells are relative to; None where there is none."""


def open_table(settings: BenchSettings) -> TableRows:
    """The table that `bench.questions` names.

    Raises:
        RepopeError: there is none, it is too long, or of no kind that is read here.
    """
    if settings.questions is None:
        raise RepopeError(
            "bench.questions is required: give bench.questions=FILE (JSON, JSON lines, CSV, TSV, XLSX or Parquet), or "
            "bench.questions=hub:OWNER/NAME for a dataset of the Hub"
        )
    if settings.questions.startswith(HUB):
        return _dataset(settings.questions.removeprefix(HUB), settings)
    path = Path(settings.questions).expanduser()
    if path.is_dir():
        raise RepopeError(
            f"{path}: is a folder; a dataset in it is bench.questions={HUB}{settings.questions}, else name a file"
        )
    return _parquet(path) if _begins_as_parquet(path) else _row_file(path)


def hub_dataset(settings: BenchSettings) -> str | None:
    """The id of the Hub dataset that a table is read from; None of a file, a folder or another benchmark."""
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


def _row_file(path: Path) -> TableRows:
    file: RowFile = read_row_file(path)
    return TableRows(
        where=str(path),
        columns=list(dict.fromkeys(name for row in file.rows for name in row)),
        read=lambda columns: ({name: row.get(name) for name in columns} for row in file.rows),
        place=lambda index: file.places[index],
        path=path,
        folder=path.parent,
    )


def _parquet(path: Path) -> TableRows:
    import pyarrow  # slow to import, and rarely needed
    import pyarrow.parquet

    try:
        file = pyarrow.parquet.ParquetFile(path)
        schema, n_rows = file.schema_arrow, file.metadata.num_rows
    except (OSError, pyarrow.ArrowException) as error:
        raise RepopeError(
            f"{path}: is no whole Parquet file ({_first_line(error)}); write it anew"
        ) from error
    _require_few(str(path), n_rows)
    named = _class_names(schema) if b"huggingface" in (schema.metadata or {}) else {}

    def read(columns: Sequence[str]) -> Iterator[Cells]:
        try:
            with pyarrow.parquet.ParquetFile(path) as opened:
                for batch in opened.iter_batches(_ROWS_AT_ONCE, columns=list(columns)):
                    yield from (_with_class_names(row, named) for row in batch.to_pylist())
        except (OSError, pyarrow.ArrowException) as error:
            raise RepopeError(f"{path}: cannot be read ({_first_line(error)}); write it anew") from error

    return TableRows(
        where=str(path),
        columns=schema.names,
        read=read,
        place=lambda index: f"row {index + 1}",
        path=path,
        folder=path.parent,
    )


def _dataset(named: str, settings: BenchSettings) -> TableRows:
    """A dataset of the Hub, or a folder like one; after an @ may stand its revision."""
    folder = Path(named).expanduser()
    name, at, revision = (str(folder), "", "") if folder.is_dir() else named.partition("@")
    if any((folder / file).is_file() for file in _SAVED):
        rows = _saved(folder, settings.split)
    else:
        subset = "" if settings.subset is None else f", subset {settings.subset}"
        rows = load_rows(
            f"questions of the dataset {name}{subset}",
            name,
            f"a split `{settings.split}` (bench.split= names another, and bench.subset= a part of the dataset)",
            split=settings.split,
            **({} if settings.subset is None else {"name": settings.subset}),
            **({"revision": revision} if at else {}),
        )
    _require_few(name, len(rows))
    import datasets

    named_classes = {
        column: feature.names
        for column, feature in rows.features.items()
        if isinstance(feature, datasets.ClassLabel)
    }
    for column, feature in rows.features.items():
        if isinstance(feature, datasets.Image):
            # Without this, each image would be decoded, and its original bytes be gone.
            rows = rows.cast_column(column, datasets.Image(decode=False))

    def read(columns: Sequence[str]) -> Iterator[Cells]:
        for row in rows.select_columns(list(columns)):
            yield _with_class_names(row, named_classes)

    return TableRows(
        where=f"the dataset {name}, split {settings.split}",
        columns=rows.column_names,
        read=read,
        place=lambda index: f"row {index + 1}",
        folder=folder if folder.is_dir() else None,
    )


def _saved(folder: Path, split: str) -> Any:
    """The rows of a dataset that was saved by `save_to_disk`, alone or with other splits."""
    import datasets  # slow to import, and rarely needed

    try:
        found: Any = datasets.load_from_disk(folder)
    except Exception as error:  # the kinds of Arrow's, of JSON and of the file system
        raise RepopeError(
            f"{folder}: no dataset can be loaded ({_first_line(error)}); save it anew"
        ) from error
    if not isinstance(found, datasets.DatasetDict):
        return found
    if split not in found:
        raise RepopeError(
            f"{folder}: has no split {shown(split)}{nearest(split, list(found))}; give bench.split=SPLIT, one of "
            f"{', '.join(found)}"
        )
    return found[split]


def _require_few(where: str, n_rows: int) -> None:
    if n_rows > MOST_ROWS:
        raise RepopeError(
            f"{where}: has {n_rows:,} rows, and at most {MOST_ROWS:,} are read; is it the right table? A part of it "
            "may do"
        )


def _class_names(schema: Any) -> dict[str, list[str]]:
    """The names that numbers stand for, by column, as a writer of `datasets` notes them."""
    import datasets

    features = datasets.Features.from_arrow_schema(schema)
    return {
        name: feature.names for name, feature in features.items() if isinstance(feature, datasets.ClassLabel)
    }


def _with_class_names(row: Cells, names: Mapping[str, Sequence[str]]) -> Cells:
    """The row with the names of classes in place of their numbers; -1 is a class that is not known."""
    classes = {
        column: of_column[row[column]] if row[column] >= 0 else None
        for column, of_column in names.items()
        if row.get(column) is not None
    }
    return {**row, **classes} if classes else row


def _first_line(error: Exception) -> str:
    return shown(str(error).strip().partition("\n")[0])
