"""What a benchmark is made of, on the console: where its files come from, and what they hold."""

from collections.abc import Mapping
from dataclasses import dataclass

from repope_eval.benchmarks.benchmark import Benchmark
from repope_eval.benchmarks.sources import label_set_title
from repope_eval.records import Question
from repope_eval.reporting.console import print_table, print_text
from repope_eval.reporting.tables import Field, number_field, table, text_field


@dataclass(frozen=True, slots=True)
class _Counted:
    """The labels of one variant in one label set."""

    variant: str
    label_set: str
    rows: int
    """Number of rows of the variant's file, some of which may ask the same."""
    labels: Mapping[Question, bool]

    @property
    def num_yes(self) -> int:
        return sum(self.labels.values())

    @property
    def num_images(self) -> int:
        return len({question.image for question in self.labels})


def _count_rows(ids: Mapping[int | str, Question], labels: Mapping[Question, bool]) -> int:
    """How many rows have a label; corrected files lack the ambiguous ones."""
    return sum(question in labels for question in ids.values())


def print_data_card(benchmark: Benchmark, origin: str) -> None:
    """Prints a row for each variant and label set, and one for each file with its hash."""
    counted = [
        _Counted(
            variant,
            label_set.name,
            _count_rows(ids, label_set.variants[variant]),
            label_set.variants[variant],
        )
        for label_set in benchmark.label_sets
        for variant, ids in benchmark.ids.items()
    ]
    fields: list[Field[_Counted]] = [
        text_field("variant", lambda row: row.variant),
        text_field("labels", lambda row: label_set_title(row.label_set)),
        number_field("rows", lambda row: f"{row.rows:,}"),
        number_field("distinct questions", lambda row: f"{len(row.labels):,}"),
        number_field("yes", lambda row: f"{row.num_yes:,}"),
        number_field("no", lambda row: f"{len(row.labels) - row.num_yes:,}"),
        number_field("images", lambda row: f"{row.num_images:,}"),
    ]
    print_table(table(f"{benchmark.name}: {origin}", fields, counted), padded=True)
    if benchmark.measures:
        print_text(f"{benchmark.measures}\n")
    of_file: list[Field[tuple[str, str]]] = [
        text_field("file", lambda row: row[0]),
        text_field("SHA-256", lambda row: row[1]),
    ]
    print_table(table("Files", of_file, list(benchmark.hashes.items())), padded=True)
