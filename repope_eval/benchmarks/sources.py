"""The benchmarks that a configuration can name: loading them, finding their images, and how large they are."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from repope_eval.benchmarks import amber, chair, coco, custom, dash_b, pope_seem, popev2, table
from repope_eval.benchmarks.benchmark import Benchmark, BenchmarkSize, Source
from repope_eval.benchmarks.blind import BLIND_TITLES, gray_images, swapped_images
from repope_eval.benchmarks.images import locate_images
from repope_eval.benchmarks.table_rows import hub_dataset
from repope_eval.captions.truth import CaptionTruth
from repope_eval.errors import RepopeError
from repope_eval.records import Question
from repope_eval.settings.config import BenchSettings
from repope_eval.settings.fields import fields_of
from repope_eval.settings.named_files import data_word, named_folder
from repope_eval.system.hub import NotHereError
from repope_eval.wording import first_few

SOURCES: Mapping[str, Source] = {
    "demo": custom.DEMO,
    "coco": coco.SOURCE,
    "pope_aokvqa": pope_seem.AOKVQA_SOURCE,
    "pope_gqa": pope_seem.GQA_SOURCE,
    "popev2": popev2.SOURCE,
    "amber": amber.SOURCE,
    "dash_b": dash_b.SOURCE,
    "chair": chair.SOURCE,
    "demo_captions": chair.DEMO_SOURCE,
    "custom": custom.CUSTOM,
    "table": table.SOURCE,
}
"""The benchmarks by `bench.source`."""

FILE_SETTINGS = tuple(
    field.name
    for field in fields_of(BenchSettings)
    if any(field.name in source.reads for source in SOURCES.values())
)
"""Settings that say where files are and what they hold: a benchmark that does not read them refuses them."""


def load_benchmark(settings: BenchSettings, data_dir: Path) -> Benchmark:
    """The questions and label sets that a configuration names, fetched where they are missing, and verified.

    Raises:
        RepopeError: a file is missing, broken or not the published one, or the files do not fit together.
    """
    source = SOURCES[settings.source]
    unheeded = [
        f"bench.{field.name}"
        for field in fields_of(BenchSettings)
        if field.name in FILE_SETTINGS
        and field.name not in source.reads
        and getattr(settings, field.name) != field.default
    ]
    if unheeded:
        raise RepopeError(
            f"{', '.join(unheeded)}: not read by bench={settings.name}; leave it out, or name files of your own "
            "with bench=custom or bench=table"
        )
    if source.variants:
        _require_variants(settings.variants, source.variants)
    with _fetching_mend(settings, data_dir):
        loaded = source.load(settings, data_dir)
    swapped = swapped_images(each.image for each in loaded.questions) if settings.blind == "swapped" else {}
    return replace(
        loaded,
        measures=measures_of(settings),
        own=source.own,
        stand_ins=swapped,
        settings=settings,
        data_dir=data_dir,
    )


def load_truth(settings: BenchSettings, data_dir: Path, images: Iterable[str]) -> CaptionTruth:
    """What is in images that models described, whichever images each was asked about.

    Args:
        settings: of a benchmark that asks for captions.
        images: those that are none of its truth's are left out.

    Raises:
        RepopeError: a file is missing, broken or not the published one.
    """
    load = SOURCES[settings.source].truth
    assert load is not None, "the benchmark asks for captions"
    with _fetching_mend(settings, data_dir):
        return load(settings, data_dir, images)


@contextmanager
def _fetching_mend(settings: BenchSettings, data_dir: Path) -> Iterator[None]:
    """Says how files come here, where they are missing and nothing is fetched."""
    try:
        yield
    except NotHereError as error:
        source = SOURCES[settings.source]
        words = (
            f"bench={source.bench}" if source.bench else f"bench={settings.source} and the keys of its table"
        )
        raise RepopeError(
            f"{error}; what only reads runs fetches nothing, so type `python -m repope_eval data {words}"
            f"{data_word(data_dir)}` first, or name the folder that has them with data_dir=FOLDER"
        ) from error


def asks_for_captions(settings: BenchSettings) -> bool:
    """Whether models are asked to describe images, in place of answering yes or no."""
    return describes_images(settings.source)


def describes_images(source: object) -> bool:
    """The same of a `bench.source`, or of anything else that stands in its place in a manifest."""
    return isinstance(source, str) and source in SOURCES and SOURCES[source].truth is not None


def origin_of(settings: BenchSettings) -> str:
    """Where a benchmark's question files come from, and their licence where it is known."""
    dataset = hub_dataset(settings)
    return f"the Hub dataset {dataset}" if dataset else SOURCES[settings.source].origin


def measures_of(settings: BenchSettings) -> str:
    """What a benchmark's figures tell of a model, and what they cannot."""
    measures = SOURCES[settings.source].measures.format(origin=origin_of(settings))
    if settings.blind is None:
        return measures
    shown = f"The questions were asked with {BLIND_TITLES[settings.blind]}, so what is right was known or guessed."
    return f"{shown} {measures}".rstrip()


def citations_of(source: str) -> str:
    """The BibTeX entries that a run on a benchmark of that `bench.source` should cite; empty where none is known."""
    return "\n\n".join(SOURCES[source].citations) if source in SOURCES else ""


def label_set_title(name: str) -> str:
    """The name of a label set as people write it in a table, and before the word labels: `POPE`, `original`."""
    titles = (source.label_titles for source in SOURCES.values())
    return next((of_source[name] for of_source in titles if name in of_source), name)


def label_set_phrase(name: str) -> str:
    """A label set inside a sentence, such as behind the word under: `POPE`, `the original labels`."""
    phrases = (source.label_phrases for source in SOURCES.values())
    return next((of_source[name] for of_source in phrases if name in of_source), label_set_title(name))


def find_benchmark_images(
    settings: BenchSettings, data_dir: Path, names: Sequence[str]
) -> Mapping[str, Path]:
    """Where each image lies: in the benchmark's own folder, into which missing ones are fetched, or in `bench.images`.

    Only fetched images are decoded here; those found are decoded when they are used.

    Args:
        data_dir: where data lies; it need not be writable, nor exist, when nothing is missing.
        names: the names of the images, as the questions have them.

    Raises:
        RepopeError: images are missing: how many, the first ones, where they were looked for, and the mend.
    """
    source = SOURCES[settings.source]
    own = source.own_images(settings, data_dir)
    folders = [] if own is None else [own]
    if settings.images is not None:
        folders.append(named_folder("bench.images", settings.images))
    if not folders:
        raise RepopeError(
            "bench.images is required: give bench.images=FOLDER, where the questions' images lie"
        )
    paths, missing = locate_images(names, folders)
    failure = None
    if missing:
        try:
            source.fetch_images(settings, missing, folders[0])
        except RepopeError as error:
            failure = error
        paths, missing = locate_images(names, folders)
    if not missing:
        return paths
    total = len(paths) + len(missing)
    line = source.images_missing(settings).format(
        number=len(missing),
        total=total,
        plural="" if total == 1 else "s",
        examples=first_few(missing),
        folders=" and ".join(map(str, folders)),
        data=data_word(data_dir),
    )
    raise RepopeError(f"{line} ({failure})" if failure else line) from failure


@dataclass(frozen=True, slots=True)
class ShownImages:
    """What is shown when questions are asked."""

    own: Mapping[str, Path]
    """The benchmark's own files that are needed for it, by the names of the images that they are of."""
    files: Mapping[str, Path | None]
    """By the name of each image that is asked about, the file that is shown; None: no image is shown."""


def find_shown_images(benchmark: Benchmark, names: Sequence[str]) -> ShownImages:
    """What is shown for each image: its own file, or what `bench.blind` puts in its place.

    Args:
        benchmark: as `load_benchmark` returns it.
        names: the names of the images that are asked about.

    Raises:
        RepopeError: as in `find_benchmark_images`, or a gray image cannot be written.
    """
    settings, data_dir = benchmark.settings, benchmark.data_dir
    assert settings is not None, "it was loaded by settings"
    assert data_dir is not None, "and from a folder"
    if settings.blind == "none":
        return ShownImages({}, dict.fromkeys(names))
    shown = {name: benchmark.stand_ins.get(name, name) for name in names}
    own = find_benchmark_images(settings, data_dir, list(shown.values()))
    files = gray_images(own, data_dir / "gray") if settings.blind == "gray" else own
    return ShownImages(own, {name: files[of] for name, of in shown.items()})


def find_local_images(
    settings: BenchSettings, data_dir: Path, questions: Iterable[Question]
) -> Mapping[str, Path]:
    """Where the images of questions lie, as far as they are on this machine; nothing is fetched."""
    try:
        own = SOURCES[settings.source].own_images(settings, data_dir)
        folders = [own] if own is not None else []
        if settings.images:
            folders.append(Path(settings.images).expanduser())
        return locate_images((question.image for question in questions), folders)[0]
    except (RepopeError, RuntimeError):
        # Names that lead out, folders that may not be searched, the home of nobody.
        return {}


def bench_asking(text: str, own: str) -> str | None:
    """The mend where a question is of another benchmark than the one that is scored; None where neither is known.

    Args:
        own: the text of a question of the benchmark that is scored.
    """
    for source in SOURCES.values():
        start = source.question_start
        if start and start in text and start not in own:
            return f"its questions are {source.title}'s, so give bench={source.bench}"
    return None


def _require_variants(variants: Sequence[str], possible: Sequence[str]) -> None:
    strange = [variant for variant in variants if variant not in possible]
    if strange or not variants:
        what = f"no such variant as {', '.join(strange)}" if strange else "is empty"
        raise RepopeError(f"bench.variants: {what}; there are {', '.join(possible)}")


def benchmark_size(settings: BenchSettings, data_dir: Path) -> BenchmarkSize:
    """The size of a benchmark; published files need not be on this machine where their source knows it.

    Raises:
        RepopeError: the benchmark has to be counted, and cannot be loaded.
    """
    source = SOURCES[settings.source]
    variants = tuple(sorted(settings.variants, key=[*source.variants, *settings.variants].index))
    if variants in source.sizes:
        return source.sizes[variants]
    questions = load_benchmark(settings, data_dir).questions
    return BenchmarkSize(len({question.image for question in questions}), len(questions))
