"""How many images and distinct questions a benchmark has: known of published files, counted in others."""

from pathlib import Path

from repope_eval.benchmarks.benchmark import BenchmarkSize
from repope_eval.benchmarks.sources import SOURCES, load_benchmark
from repope_eval.settings.config import BenchSettings


def benchmark_size(settings: BenchSettings, data_dir: Path) -> BenchmarkSize:
    """The size of a benchmark; published files need not be on this machine where their source knows it.

    Args:
        settings: of the benchmark.
        data_dir: where data lies.

    Raises:
        RepopeError: the benchmark has to be counted, and cannot be loaded.
    """
    source = SOURCES[settings.source]
    variants = tuple(sorted(settings.variants, key=[*source.variants, *settings.variants].index))
    if variants in source.sizes:
        return source.sizes[variants]
    questions = load_benchmark(settings, data_dir).questions
    return BenchmarkSize(len({question.image for question in questions}), len(questions))
