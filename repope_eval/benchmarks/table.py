"""A table of yes/no questions in anybody's form: its columns and words are named, and its rows come to questions.

`table_rows` says what a table may be. Its labels are label set original; a column of corrected labels, where there is
one, is label set corrected, which lacks the ambiguous ones.
"""

import hashlib
import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from functools import lru_cache
from pathlib import Path
from typing import Any

from repope_eval.benchmarks.benchmark import OWN_LABELS, OWN_MEASURES, OWN_PHRASES, Benchmark, Source
from repope_eval.benchmarks.hub_images import write_image
from repope_eval.benchmarks.pope_file import MOST_QUESTION_CHARACTERS, asked_text, object_of, pair_asked
from repope_eval.benchmarks.published_files import file_hash
from repope_eval.benchmarks.table_rows import CellImage, TableRows, image_in, open_table
from repope_eval.errors import RepopeError
from repope_eval.records import LabelSet, Question, Variant
from repope_eval.settings.config import BenchSettings, TableColumns, TableLabels
from repope_eval.settings.fields import nearest
from repope_eval.wording import counted, first_few, shown

log = logging.getLogger(__name__)


ONLY_VARIANT = "table"
"""The name of the variant of a table without a column of variants."""

RESERVED = ("mean", "distinct")
"""Names that scores have for all variants together."""

MOST_VARIANTS = 50
"""A column with more values is no column of variants: each has a row in every table of figures."""

_ORIGINAL, _CORRECTED = OWN_LABELS

LabelWords = Mapping[str, bool | None]
"""What each word of a label means: yes, no, or that its row is left out (None)."""


@dataclass(slots=True)
class TableQuestions:
    """What the rows that were added come to. A row is known by its index."""

    table: TableRows
    words: LabelWords
    ids: dict[Variant, dict[int | str, Question]] = field(default_factory=dict)
    labels: dict[str, dict[Variant, dict[Question, bool]]] = field(default_factory=dict)
    groups: dict[Question, str] = field(default_factory=dict)
    embedded: dict[str, str] = field(default_factory=dict)
    """The hash of each image that stands in the table, by its name."""
    n_left_out: int = 0
    """Rows that their labels leave out."""
    n_repeated: int = 0
    """Rows that ask what another row of their variant asks."""
    _same: dict[tuple[str, str], Question] = field(default_factory=dict)
    """One object for all rows that ask the same, which saves half the memory."""
    _first: dict[Question | str, int] = field(default_factory=dict)
    """The first row of each question, and of each image that stands in the table."""
    _numbered: dict[tuple[Variant, str], int] = field(default_factory=dict)
    """The row of each id, which is a text here, so that 1 and "1" are one."""
    _relabelled: dict[Question, bool | None] = field(default_factory=dict)
    """The corrected label of each question, None where it is ambiguous."""
    _read: Any = field(default_factory=hashlib.sha256)

    @property
    def sha256(self) -> str:
        """The hash of what was read, whatever the kind of the table and the names of its columns."""
        return str(self._read.hexdigest())

    @property
    def label_sets(self) -> tuple[LabelSet, ...]:
        """The original labels, then the corrected ones where there are any."""
        return tuple(LabelSet(name, variants) for name, variants in self.labels.items())

    def add(self, row: Mapping[str, Any], index: int) -> None:
        """Adds a row: its cells by the fields of `TableColumns` that have a column."""
        label = label_of("label", row["label"], self.words)
        if label is None:
            self.n_left_out += 1
            return
        image = image_in(row["image"], row.get("image_name"), self.table.folder)
        self._keep_image(image, index)
        text = asked_text("question", row["question"], MOST_QUESTION_CHARACTERS)
        group = None if row.get("group") in (None, "") else str(row["group"])
        asked = Question(asked_text("image", image.name), text, _object_or_group(text, group))
        question = self._same.setdefault(pair_asked(asked.image, text), asked)
        self._first.setdefault(question, index)
        variant = _variant_in(row["variant"]) if "variant" in row else ONLY_VARIANT
        number = row["question_id"] if "question_id" in row else index + 1
        self._keep_id(variant, number, question, index)
        self._keep_label(_ORIGINAL, variant, question, label)
        corrected = self._keep_corrected(row, variant, question) if "relabel" in row else None
        if group is not None and self.groups.setdefault(question, group) != group:
            raise RepopeError(
                f"the question is of group {shown(group)}, and in {self._place_of(question)} of "
                f"{shown(self.groups[question])}; a question is of one"
            )
        read = (image.name, image.sha256, text, variant, label, corrected, group, str(number))
        self._read.update(json.dumps(read).encode() + b"\n")

    def _place_of(self, thing: Question | str) -> str:
        return self.table.place(self._first[thing])

    def _keep_image(self, image: CellImage, index: int) -> None:
        if image.content is None:
            return
        self._first.setdefault(image.name, index)
        if self.embedded.setdefault(image.name, image.sha256) != image.sha256:
            raise RepopeError(
                f"the image has the name {shown(image.name)}, as another in {self._place_of(image.name)} has; give "
                "images names of their own in a column, bench.columns.image_name=COLUMN"
            )

    def _keep_id(self, variant: Variant, number: object, question: Question, index: int) -> None:
        if isinstance(number, bool) or not isinstance(number, int | str) or number == "":
            raise RepopeError(f"the question_id is {shown(number)}; a number or a text is expected")
        of_variant = self.ids.setdefault(variant, {})
        if len(self.ids) > MOST_VARIANTS:
            raise RepopeError(
                f"is of variant {shown(variant)}, after {MOST_VARIANTS} others; bench.columns.variant names a column "
                "of few values, and bench.columns.group one of many"
            )
        first = self._numbered.setdefault((variant, str(number)), index)
        if first != index:
            raise RepopeError(
                f"question_id {shown(number)} stands twice, first in {self.table.place(first)}; give each its own"
            )
        of_variant[number] = question

    def _keep_label(self, label_set: str, variant: Variant, question: Question, label: bool) -> None:
        """Adds a label, which must be that of all rows with the question, be they of other variants."""
        variants = self.labels.setdefault(label_set, {})
        known = next((of[question] for of in variants.values() if question in of), label)
        if known != label:
            raise self._two_labels(question, label, known)
        of_variant = variants.setdefault(variant, {})
        self.n_repeated += label_set == _ORIGINAL and question in of_variant
        of_variant[question] = label

    def _two_labels(self, question: Question, here: bool | None, there: bool | None) -> RepopeError:
        words = {True: "yes", False: "no", None: "ambiguous"}
        return RepopeError(
            f"{shown(question.image)}, {shown(question.text)} has two labels, {words[here]} here and {words[there]} in "
            f"a row before, the first of them {self._place_of(question)}; a pair needs one"
        )

    def _keep_corrected(self, row: Mapping[str, Any], variant: Variant, question: Question) -> bool | None:
        """The corrected label, which is kept; None of an ambiguous question."""
        self.labels.setdefault(_CORRECTED, {}).setdefault(variant, {})
        words = {"": None, "ambiguous": None, **self.words}
        label = label_of("relabel", "" if row["relabel"] is None else row["relabel"], words)
        known = self._relabelled.setdefault(question, label)
        if known is not label:
            raise self._two_labels(question, label, known)
        if label is not None:
            self._keep_label(_CORRECTED, variant, question, label)
        return label


def label_words(labels: TableLabels) -> LabelWords:
    """The words of labels with what they mean."""
    entries: dict[str, tuple[str, bool | None]] = {}
    for name, meaning in (("yes", True), ("no", False), ("left_out", None)):
        for word in map(_word_in, getattr(labels, name)):
            if entries.setdefault(word, (name, meaning))[0] != name:
                raise RepopeError(
                    f"bench.labels: {shown(word)} stands in both {entries[word][0]} and {name}; give both lists, each "
                    "with words of its own"
                )
    return {word: meaning for word, (_, meaning) in entries.items()}


def label_of(column: str, cell: object, words: LabelWords) -> bool | None:
    """What the label in a cell means."""
    word = _word_in(cell)
    if cell is None or word not in words:
        yes, no = (", ".join(_words_meaning(words, meaning)) for meaning in (True, False))
        raise RepopeError(
            f"the {column} is {shown(cell)}; expected are, for yes: {yes}; for no: {no}. Name other words with "
            "bench.labels.yes=[...] and bench.labels.no=[...], and those of rows to be left out with "
            "bench.labels.left_out=[...]"
        )
    return words[word]


def _words_meaning(words: LabelWords, meaning: bool) -> Sequence[str]:
    return [word for word, own in words.items() if own is meaning]


def _word_in(cell: object) -> str:
    """The word of a cell: a whole number and a truth value have the words that are typed for them."""
    if isinstance(cell, float) and cell.is_integer():
        cell = int(cell)
    return str(cell).strip().lower()


def _variant_in(cell: object) -> Variant:
    name = asked_text("variant", str(cell) if isinstance(cell, int) else cell).strip()
    if name in RESERVED:
        raise RepopeError(f"the variant is {shown(name)}, which is the name of figures over all; rename it")
    return name


def _object_or_group(text: str, group: str | None) -> str:
    """The object asked about; where the question names none, its group, or else the question itself."""
    thing = object_of(text)
    return group if thing == text and group is not None else thing


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
    """The table that the settings name. A file is read again only where it has changed."""
    path = Path(settings.questions or "").expanduser()
    state = path.stat() if settings.questions and path.is_file() else None
    return _read_table(settings, None if state is None else (state.st_mtime_ns, state.st_size))


@lru_cache(maxsize=2)
def _read_table(settings: BenchSettings, _: tuple[int, int] | None) -> Table:
    # The second argument is the file's state, by which the cache reads a file anew that has changed.
    table = open_table(settings)
    columns = _columns_by_field(settings.columns, table)
    questions = TableQuestions(table, label_words(settings.labels))
    for index, cells in enumerate(table.read(list(dict.fromkeys(columns.values())))):
        try:
            questions.add({name: cells[column] for name, column in columns.items()}, index)
        except RepopeError as error:
            raise RepopeError(f"{table.where}, {table.place(index)}: {error}") from error
    if not questions.ids:
        raise RepopeError(f"{table.where}: {_NO_QUESTIONS}")
    _log_oddities(questions)
    hashes = {"rows": questions.sha256}
    if table.path is not None and table.path.is_file():  # a pipe was read once, and holds no more
        hashes = {table.path.name: file_hash(table.path), **hashes}
    return Table(
        benchmark=Benchmark(settings.name, questions.label_sets, questions.ids, hashes, questions.groups),
        rows=table,
        embedded=questions.embedded,
        folder=questions.sha256[:16],
    )


def _columns_by_field(settings: TableColumns, table: TableRows) -> dict[str, str]:
    """The column of each field that has one."""
    if not table.columns:
        raise RepopeError(f"{table.where}: {_NO_QUESTIONS}")
    columns = {each.name: getattr(settings, each.name) for each in fields(settings)}
    named_columns = {name: column for name, column in columns.items() if column is not None}
    for name, column in named_columns.items():
        if column not in table.columns:
            raise RepopeError(
                f"{table.where}: has no column {shown(column)}{nearest(column, table.columns)}; give "
                f"bench.columns.{name}=COLUMN, one of {first_few(table.columns, 30) or 'none'}"
            )
    return named_columns


def _log_oddities(questions: TableQuestions) -> None:
    if questions.n_left_out:
        log.info(
            "%s: %s left out by their labels",
            questions.table.where,
            counted(questions.n_left_out, "row", ","),
        )
    if questions.n_repeated:
        log.info(
            "%s: %s left out, which another row of the same variant asks",
            questions.table.where,
            counted(questions.n_repeated, "question", ","),
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
    return benchmark.select_variants(settings.variants)


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
    columns, words = _columns_by_field(settings.columns, table.rows), label_words(settings.labels)
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
    origin="a table of your own",
    measures=OWN_MEASURES,
    label_phrases=OWN_PHRASES,
)
