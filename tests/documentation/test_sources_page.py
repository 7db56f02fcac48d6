"""The page of sources names every benchmark, Hub dataset and model that the program knows by name."""

import re
from fnmatch import fnmatch
from typing import get_args

import pytest
from documentation_pages import TEXTS

from repope_eval.benchmarks.sources import SOURCES
from repope_eval.settings.composition import listed_models
from repope_eval.settings.config import BenchSource

PAGE = TEXTS["docs/reference/sources.md"]
BENCHES = [SOURCES[name].bench for name in get_args(BenchSource) if SOURCES[name].bench]
CHECKPOINTS = re.findall(r"`([\w-]+/[\w.-]+\*)`", PAGE)


def test_there_are_benchmarks_and_models() -> None:
    assert len(BENCHES) >= 6
    assert len(CHECKPOINTS) >= 10


@pytest.mark.parametrize("bench", BENCHES)
def test_a_benchmark_has_its_source(bench: str) -> None:
    (row,) = re.findall(rf"^\| (?:`\w+`, )*`{bench}`(?:, `\w+`)* \| .+ \| .+ \|$", PAGE, re.MULTILINE)
    assert "arXiv" in row or "AAAI" in row or bench == "demo"


@pytest.mark.parametrize("source", get_args(BenchSource))
def test_the_hub_datasets_of_a_benchmark_are_named(source: BenchSource) -> None:
    assert all(dataset in PAGE for dataset in SOURCES[source].hub_datasets.values())


@pytest.mark.parametrize(
    "checkpoint", [model.checkpoint for model in listed_models() if "/" in model.checkpoint]
)
def test_a_model_has_its_source(checkpoint: str) -> None:
    assert sum(fnmatch(checkpoint, pattern) for pattern in CHECKPOINTS) == 1


def test_every_pattern_is_of_a_model() -> None:
    checkpoints = [model.checkpoint for model in listed_models()]
    assert [
        pattern for pattern in CHECKPOINTS if not any(fnmatch(name, pattern) for name in checkpoints)
    ] == []
