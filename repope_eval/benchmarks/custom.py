"""Benchmarks in POPE's format whose files are at hand: the embedded one, and a user's own."""

from pathlib import Path

from repope_eval.benchmarks.benchmark import (
    OWN_LABELS,
    OWN_MEASURES,
    OWN_PHRASES,
    POPE_LABELS,
    POPE_TITLES,
    Benchmark,
    Source,
    read_benchmark,
)
from repope_eval.benchmarks.coco import POPE_ENTRY, REPOPE_ENTRY
from repope_eval.benchmarks.pope_file import POPE_VARIANTS
from repope_eval.errors import RepopeError
from repope_eval.settings.config import BenchSettings


def _load_custom(settings: BenchSettings, _: Path) -> Benchmark:
    if settings.questions is None:
        raise RepopeError("bench.questions is required: give bench.questions=FILE, a file in POPE's format")
    if len(settings.variants) != 1:
        raise RepopeError(
            f"bench.variants: a custom benchmark has one variant, not {len(settings.variants)}; bench=table takes "
            "several, from a column"
        )
    (variant,) = settings.variants
    relabels = {variant: Path(settings.relabels).expanduser()} if settings.relabels else {}
    questions = {variant: Path(settings.questions).expanduser()}
    return read_benchmark(settings.name, questions, relabels, OWN_LABELS)


CUSTOM = Source(
    load=_load_custom,
    variants=(),
    reads=frozenset({"questions", "relabels", "images"}),
    own_images=lambda *_: None,
    origin="files of your own",
    measures=OWN_MEASURES,
    label_phrases=OWN_PHRASES,
)


DEMO_FOLDER = Path(__file__).parent.parent / "demo" / "benchmark"


def _load_demo(settings: BenchSettings, _: Path) -> Benchmark:
    originals, relabelled = (
        {variant: DEMO_FOLDER / f"{kind}_{variant}.jsonl" for variant in settings.variants}
        for kind in POPE_LABELS
    )
    return read_benchmark(settings.name, originals, relabelled, POPE_LABELS)


DEMO = Source(
    load=_load_demo,
    variants=POPE_VARIANTS,
    own_images=lambda *_: DEMO_FOLDER / "images",
    origin="drawn for this package; licence: the package's",
    measures="A hundred drawn scenes, with annotation errors that were put there: figures show that the program works "
    "and what relabelling does to scores, and say nothing of photographs.",
    label_titles=POPE_TITLES,
    citations=(POPE_ENTRY, REPOPE_ENTRY),  # it is made as they were
)
