"""`python -m repope_eval data`: fetch and verify a benchmark, say what it is made of and what relabelling changed."""

import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from repope_eval.benchmarks.benchmark import Benchmark
from repope_eval.benchmarks.sources import find_benchmark_images, label_set_title, load_benchmark, origin_of
from repope_eval.captions.truth import REPOPE, CaptionTruth
from repope_eval.errors import RepopeError
from repope_eval.records import Question
from repope_eval.relabelling.label_changes import LabelChange, label_changes, print_label_changes
from repope_eval.reporting.console import print_table, print_text
from repope_eval.reporting.tables import Field, Table, number_field, table, text_field
from repope_eval.settings.command_settings import DataSettings
from repope_eval.settings.named_files import data_folder
from repope_eval.wording import counted

log = logging.getLogger(__name__)


def execute(settings: DataSettings, command: str) -> None:
    """Fetches what is missing, verifies all of it, and prints what it is and what the relabelling changed."""
    data_dir = data_folder(settings.data_dir)
    benchmark = load_benchmark(settings.bench, data_dir)
    log.info(
        "%s: question files are right, %s",
        benchmark.name,
        counted(len(benchmark.questions), "distinct question"),
    )
    _print_contents(benchmark, origin_of(settings.bench))
    if len(benchmark.label_sets) == 2:
        print_label_changes(f"What the relabelling of {benchmark.name} changed", _change_rows(benchmark))
    if settings.fetch_images:
        names = list(dict.fromkeys(question.image for question in benchmark.questions))
        find_benchmark_images(settings.bench, data_dir, names)
        log.info("%s, all there", counted(len(names), "image"))


def execute_together(settings: Sequence[DataSettings], command: str) -> None:
    """Fetches and verifies several benchmarks, one after another."""
    failed = []
    for each in settings:
        try:
            execute(each, command)
        except RepopeError as error:
            log.error("%s", error)
            failed.append(each.bench.name)
    if failed:
        raise RepopeError(
            f"{counted(len(failed), 'benchmark')} of {len(settings)} cannot be had whole: {', '.join(failed)}; the "
            "lines above say why, and the same command goes on from what is there"
        )


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


def _print_contents(benchmark: Benchmark, origin: str) -> None:
    """Prints what the benchmark has, and a row for each file with its hash."""
    title = f"{benchmark.name}: {origin}"
    print_table(
        _label_table(title, benchmark) if benchmark.truth is None else _truth_table(title, benchmark.truth),
        padded=True,
    )
    if benchmark.measures:
        print_text(f"{benchmark.measures}\n")
    file_fields: list[Field[tuple[str, str]]] = [
        text_field("file", lambda row: row[0]),
        text_field("SHA-256", lambda row: row[1]),
    ]
    print_table(table("Files", file_fields, list(benchmark.hashes.items())), padded=True)


def _truth_table(title: str, truth: CaptionTruth) -> Table:
    """How many objects are in the images, as annotated and by what was found of them."""
    found = Counter(
        (name in truth.objects[image], truth.verdicts.get(image, {}).get(name))
        for image, names in truth.objects.items()
        for name in names | truth.verdicts.get(image, {}).keys()
    )
    verdict = REPOPE if truth.judge == REPOPE else "verdict"
    fields: list[Field[bool]] = [
        text_field(
            f"{truth.annotation} says", lambda is_there: "there" if is_there else "not there, and asked about"
        ),
        number_field(f"{verdict}: there", lambda is_there: f"{found[is_there, 'yes']:,}"),
        number_field(f"{verdict}: not there", lambda is_there: f"{found[is_there, 'no']:,}"),
        number_field("ambiguous", lambda is_there: f"{found[is_there, 'ambiguous']:,}"),
        number_field("not judged", lambda is_there: f"{found[is_there, None]:,}"),
    ]
    return table(f"{title}; {counted(len(truth.objects), 'image')}", fields, [True, False])


def _label_table(title: str, benchmark: Benchmark) -> Table:
    """A row for each variant and label set."""
    rows = [
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
    return table(title, fields, rows)


def _change_rows(benchmark: Benchmark) -> list[tuple[str, LabelChange, int | None]]:
    """Two rows for each variant, of yes and of no, with the number of questions that have this label afterwards."""
    original, relabelled = benchmark.label_sets
    rows: list[tuple[str, LabelChange, int | None]] = []
    for variant, labels in original.variants.items():
        corrected = relabelled.variants[variant]
        left = {"yes": sum(corrected.values()), "no": len(corrected) - sum(corrected.values())}
        rows += [(variant, change, left[change.label]) for change in label_changes(labels, corrected)]
    return rows
