"""A table of yes/no questions in anybody's form: its columns and the words of its labels are named.

`table_rows` says what a table may be, and `table_questions` what is made of its rows. Its labels are label set
original; a column of corrected labels, where there is one, is label set corrected, which lacks the ambiguous ones.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from functools import lru_cache
from pathlib import Path

from repope_eval.benchmarks.benchmark import OWN_MEASURES, Benchmark, Source
from repope_eval.benchmarks.hub_images import write_image
from repope_eval.benchmarks.published_files import file_hash
from repope_eval.benchmarks.table_images import image_in
from repope_eval.benchmarks.table_questions import TableQuestions, label_of, label_words
from repope_eval.benchmarks.table_rows import TableRows, open_table
from repope_eval.errors import RepopeError
from repope_eval.settings.config import BenchSettings
from repope_eval.settings.fields import nearest
from repope_eval.settings.table_form import TableColumns
from repope_eval.wording import counted, first_few, shown

log = logging.getLogger(__name__)

FOLDER = "tables"
"""The folder in data_dir for images that stand in tables."""

_NO_QUESTIONS = "holds no questions; is it the right table?"


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table that was read."""

    benchmark: Benchmark
    rows: TableRows
    embedded: Mapping[str, str]
    """The hash of each image that stands in the table, by its name."""
    folder: str
    """The name of the folder for these images, which no table of other content has."""


def read_table(settings: BenchSettings) -> Table:
    """The table that the settings name. A file is read again only where it has changed.

    Raises:
        RepopeError: a column is not there, or a row cannot be taken.
    """
    path = Path(settings.questions or "").expanduser()
    state = path.stat() if settings.questions and path.is_file() else None
    return _read_table(settings, None if state is None else (state.st_mtime_ns, state.st_size))


@lru_cache(maxsize=2)
def _read_table(settings: BenchSettings, _: tuple[int, int] | None) -> Table:
    table = open_table(settings)
    columns = _present(settings.columns, table)
    found = TableQuestions(table, label_words(settings.labels))
    for index, cells in enumerate(table.read(list(dict.fromkeys(columns.values())))):
        try:
            found.add({name: cells[column] for name, column in columns.items()}, index)
        except RepopeError as error:
            raise RepopeError(f"{table.where}, {table.place(index)}: {error}") from error
    if not found.ids:
        raise RepopeError(f"{table.where}: {_NO_QUESTIONS}")
    _log_oddities(found)
    hashes = {"rows": found.sha256}
    if table.path is not None and table.path.is_file():  # a pipe was read once, and holds no more
        hashes = {table.path.name: file_hash(table.path), **hashes}
    return Table(
        benchmark=Benchmark(settings.name, found.label_sets, found.ids, hashes, found.groups),
        rows=table,
        embedded=found.embedded,
        folder=found.sha256[:16],
    )


def _present(named: TableColumns, table: TableRows) -> dict[str, str]:
    """The column of each field that has one.

    Raises:
        RepopeError: there is no such column; the message names the nearest, and all.
    """
    if not table.columns:
        raise RepopeError(f"{table.where}: {_NO_QUESTIONS}")
    columns = {each.name: getattr(named, each.name) for each in fields(named)}
    found = {name: column for name, column in columns.items() if column is not None}
    for name, column in found.items():
        if column not in table.columns:
            raise RepopeError(
                f"{table.where}: has no column {shown(column)}{nearest(column, table.columns)}; give "
                f"bench.columns.{name}=COLUMN, one of {first_few(table.columns, 30) or 'none'}"
            )
    return found


def _log_oddities(found: TableQuestions) -> None:
    if found.n_left_out:
        log.info("%s: %s left out by their labels", found.table.where, counted(found.n_left_out, "row", ","))
    if found.n_repeated:
        log.info(
            "%s: %s left out, which another row of the same variant asks",
            found.table.where,
            counted(found.n_repeated, "question", ","),
        )


def _load(settings: BenchSettings, _: Path) -> Benchmark:
    benchmark = read_table(settings).benchmark
    if not settings.variants:
        return benchmark
    there = list(benchmark.ids)
    strange = [variant for variant in settings.variants if variant not in there]
    if strange:
        raise RepopeError(
            f"bench.variants: no such variant as {', '.join(strange)}{nearest(strange[0], there)}; there are "
            f"{', '.join(there)}"
        )
    return benchmark.of_variants(settings.variants)


def _own_images(settings: BenchSettings, data_dir: Path) -> Path | None:
    """The folder in data_dir for images that stand in the table; where none does, the folder that the table lies in."""
    table = read_table(settings)
    return data_dir / FOLDER / table.folder if table.embedded else table.rows.folder


def _fetch_images(settings: BenchSettings, names: Sequence[str], folder: Path) -> None:
    """Writes images that stand in the table into the folder, byte for byte."""
    table = read_table(settings)
    wanted = {name for name in names if name in table.embedded}
    if not wanted:
        return
    columns, words = _present(settings.columns, table.rows), label_words(settings.labels)
    used = {name: columns[name] for name in ("image", "image_name", "label") if name in columns}
    for index, cells in enumerate(table.rows.read(list(dict.fromkeys(used.values())))):
        row = {name: cells[column] for name, column in used.items()}
        if label_of("label", row["label"], words) is None:
            continue
        image = image_in(row["image"], row.get("image_name"), table.rows.folder)
        if image.content is not None and image.name in wanted:
            write_image(image.content, folder / image.name, f"{table.rows.where}, {table.rows.place(index)}")
            wanted.remove(image.name)


SOURCE = Source(
    load=_load,
    variants=(),
    reads=frozenset({"questions", "images", "split", "subset", "columns", "labels"}),
    own_images=_own_images,
    fetch_images=_fetch_images,
    images_missing=lambda _: (
        "{number} of {total} image{plural} missing in {folders}: {examples}; put them there, or name their folder "
        "with bench.images=FOLDER"
    ),
    origin="a table of your own",
    measures=OWN_MEASURES,
)
