"""How large benchmarks are: what is written down of published files is what these hold."""

from pathlib import Path
from typing import Any

import pytest

from repope_eval.benchmarks.benchmark import BenchmarkSize
from repope_eval.benchmarks.custom import DEMO_FOLDER
from repope_eval.benchmarks.sources import SOURCES, benchmark_size, load_benchmark
from repope_eval.errors import RepopeError
from repope_eval.settings.config import BenchSettings, TableColumns

KNOWN = [(name, variants) for name, source in SOURCES.items() for variants in source.sizes]


def settings(source: Any, variants: tuple[str, ...], **given: Any) -> BenchSettings:
    return BenchSettings(name="any", source=source, variants=variants, **given)


@pytest.mark.parametrize(("source", "variants"), KNOWN)
def test_a_known_size_is_that_of_the_published_files(
    source: str, variants: tuple[str, ...], published: Path
) -> None:
    bench = settings(source, variants)
    benchmark = load_benchmark(bench, published.parent if source in ("coco", "dash_b") else published)
    images = {question.image for question in benchmark.questions}
    assert SOURCES[source].sizes[variants] == BenchmarkSize(len(images), len(benchmark.questions))


def test_a_known_size_needs_no_file(tmp_path: Path) -> None:
    whole = {
        name: benchmark_size(settings(name, source.variants), tmp_path)
        for name, source in SOURCES.items()
        if source.sizes
    }
    assert whole == {
        "coco": BenchmarkSize(500, 5127),
        "pope_aokvqa": BenchmarkSize(500, 5145),
        "pope_gqa": BenchmarkSize(500, 5171),
        "popev2": BenchmarkSize(1000, 1000),
        "amber": BenchmarkSize(1004, 14_206),
        "dash_b": BenchmarkSize(2682, 2682),
    }
    assert not list(tmp_path.iterdir())


def test_variants_may_be_given_in_any_order(tmp_path: Path) -> None:
    assert benchmark_size(settings("popev2", ("painted_out", "photograph")), tmp_path).questions == 1000


def test_some_of_the_variants_are_counted(shared: Path) -> None:
    size = benchmark_size(settings("coco", ("popular", "random")), shared)
    assert (size.images, 3000 < size.questions < 5127) == (500, True)


def test_what_nobody_published_is_counted(tmp_path: Path) -> None:
    assert benchmark_size(settings("demo", SOURCES["demo"].variants), tmp_path) == BenchmarkSize(100, 1026)
    mine = settings("custom", ("mine",), questions=str(DEMO_FOLDER / "pope_random.jsonl"))
    assert benchmark_size(mine, tmp_path) == BenchmarkSize(100, 600)
    columns = TableColumns(question="text")
    table = settings("table", (), questions=str(DEMO_FOLDER / "pope_random.jsonl"), columns=columns)
    assert benchmark_size(table, tmp_path) == BenchmarkSize(100, 600)


@pytest.mark.parametrize(
    ("source", "variants", "message"),
    [
        ("coco", ("random", "rare"), "no such variant as rare"),
        ("amber", (), "is empty"),
        ("custom", ("mine",), "bench.questions is required"),
    ],
)
def test_what_cannot_be_loaded_has_no_size(
    source: str, variants: tuple[str, ...], message: str, tmp_path: Path
) -> None:
    with pytest.raises(RepopeError, match=message):
        benchmark_size(settings(source, variants), tmp_path)
