"""A user's own benchmark: a file of questions in POPE's format, perhaps its relabelled twin, and a folder of images."""

from pathlib import Path

from repope_eval.benchmarks.benchmark import Benchmark, Source, read_benchmark
from repope_eval.errors import RepopeError
from repope_eval.settings.config import BenchSettings

IMAGES_MISSING = (
    "{number} of {total} image{plural} missing in {folders}: {examples}; put them there, or name their folder with "
    "bench.images=FOLDER"
)


def _load(settings: BenchSettings, _: Path) -> Benchmark:
    if settings.questions is None:
        raise RepopeError("bench.questions is required: give bench.questions=FILE, a file in POPE's format")
    if len(settings.variants) != 1:
        raise RepopeError(
            f"bench.variants: a custom benchmark has one variant, not {len(settings.variants)}; bench=table takes "
            "several, from a column"
        )
    (variant,) = settings.variants
    relabels = {variant: Path(settings.relabels).expanduser()} if settings.relabels else {}
    return read_benchmark(settings.name, {variant: Path(settings.questions).expanduser()}, relabels)


SOURCE = Source(
    load=_load,
    variants=(),
    reads=frozenset({"questions", "relabels", "images"}),
    own_images=lambda *_: None,
    images_missing=lambda _: IMAGES_MISSING,
    origin="files of your own",
    measures="Questions and labels are of files of your own: how they were chosen and checked is not known here.",
)
