"""A user's own benchmark: a file of questions in POPE's format, perhaps its relabelled twin, and a folder of images."""

from pathlib import Path

from repope_eval.benchmarks.benchmark import OWN_LABELS, OWN_MEASURES, Benchmark, Source, read_benchmark
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
    questions = {variant: Path(settings.questions).expanduser()}
    return read_benchmark(settings.name, questions, relabels, OWN_LABELS)


SOURCE = Source(
    load=_load,
    variants=(),
    reads=frozenset({"questions", "relabels", "images"}),
    own_images=lambda *_: None,
    images_missing=lambda _: IMAGES_MISSING,
    origin="files of your own",
    measures=OWN_MEASURES,
)
