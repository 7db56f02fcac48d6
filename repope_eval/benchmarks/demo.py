"""The embedded benchmark, which is made as POPE and RePOPE were: its files are part of the package."""

from pathlib import Path

from repope_eval.benchmarks.benchmark import POPE_LABELS, Benchmark, Source, read_benchmark
from repope_eval.benchmarks.custom import IMAGES_MISSING
from repope_eval.benchmarks.pope_file import POPE_VARIANTS
from repope_eval.settings.config import BenchSettings

DEMO_FOLDER = Path(__file__).parent.parent / "demo" / "benchmark"


def _load(settings: BenchSettings, _: Path) -> Benchmark:
    originals, relabelled = (
        {variant: DEMO_FOLDER / f"{kind}_{variant}.jsonl" for variant in settings.variants}
        for kind in POPE_LABELS
    )
    return read_benchmark(settings.name, originals, relabelled, POPE_LABELS)


SOURCE = Source(
    load=_load,
    variants=POPE_VARIANTS,
    own_images=lambda *_: DEMO_FOLDER / "images",
    images_missing=lambda _: IMAGES_MISSING,
    origin="drawn for this package; licence: the package's",
    measures="A hundred drawn scenes, with annotation errors that were put there: figures show that the program works "
    "and what relabelling does to scores, and say nothing of photographs.",
)
