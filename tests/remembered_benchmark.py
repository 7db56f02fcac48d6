"""The embedded benchmark is read once in a process: reading it is a tenth of a small run."""

import functools
from dataclasses import replace
from pathlib import Path

from run_folders import DEMO

from repope_eval.benchmarks.benchmark import Benchmark
from repope_eval.benchmarks.sources import SOURCES
from repope_eval.settings.config import BenchSettings


def remember() -> None:
    """Has the program read its files, which do not change, and keep what they hold."""
    read = SOURCES["demo"].load

    @functools.cache
    def known(name: str, variants: tuple[str, ...]) -> Benchmark:
        return read(replace(DEMO, name=name, variants=variants), Path())

    def load(settings: BenchSettings, data_dir: Path) -> Benchmark:
        return known(settings.name, tuple(settings.variants))

    SOURCES["demo"] = replace(SOURCES["demo"], load=load)  # type: ignore[index]
    load(DEMO, Path())
