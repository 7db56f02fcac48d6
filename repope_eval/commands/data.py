"""`python -m repope_eval data`: fetch and verify a benchmark, and count what its relabelling changed."""

import logging
from collections.abc import Sequence

from repope_eval.benchmarks.benchmark import Benchmark
from repope_eval.benchmarks.sources import find_benchmark_images, load_benchmark, origin_of
from repope_eval.errors import RepopeError
from repope_eval.relabelling.label_changes import print_label_changes
from repope_eval.relabelling.rule import LabelChange, label_changes
from repope_eval.reporting.data_card import print_data_card
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
    print_data_card(benchmark, origin_of(settings.bench))
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


def _change_rows(benchmark: Benchmark) -> list[tuple[str, LabelChange, int | None]]:
    """Two rows for each variant, of yes and of no, with the number of questions that have this label afterwards."""
    original, relabelled = benchmark.label_sets
    rows: list[tuple[str, LabelChange, int | None]] = []
    for variant, labels in original.variants.items():
        corrected = relabelled.variants[variant]
        left = {"yes": sum(corrected.values()), "no": len(corrected) - sum(corrected.values())}
        rows += [(variant, change, left[change.label]) for change in label_changes(labels, corrected)]
    return rows
