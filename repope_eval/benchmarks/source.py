"""What one benchmark says of itself: where its questions and images come from, and what messages call them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from repope_eval.benchmarks.benchmark import Benchmark
from repope_eval.records import Variant
from repope_eval.settings.config import BenchSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A benchmark as `sources.SOURCES` has it."""

    load: Callable[[BenchSettings, Path], Benchmark]
    """The questions and label sets, from the settings and data_dir, fetched where they are missing."""
    variants: tuple[Variant, ...]
    """The variants that there are; empty where a benchmark has a single one of any name."""
    reads: frozenset[str] = frozenset()
    """Those of the settings `questions`, `relabels`, `annotations` and `images` that are heeded."""
    own_images: Callable[[Path], Path | None]
    """The benchmark's own folder of images, from data_dir; None where `bench.images` alone names one."""
    fetch_images: Callable[[BenchSettings, Sequence[str], Path], None] = lambda *_: None
    """Fetches the named images into the benchmark's own folder as far as the settings allow it."""
    images_missing: Callable[[BenchSettings], str]
    """The message where images are missing, to be formatted with `number`, `total`, `plural` (an s, where the total
    needs it), `examples` and `folders`."""
    title: str = ""
    """What messages call the benchmark."""
    bench: str = ""
    """The word for `bench=` that names all of it."""
    question_start: str = ""
    """What its questions have in common and those of other benchmarks have not."""
