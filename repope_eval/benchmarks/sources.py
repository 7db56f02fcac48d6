"""The benchmarks that a configuration can name: where their question files and images are."""

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from repope_eval.benchmarks.benchmark import Benchmark, make_benchmark
from repope_eval.benchmarks.coco import find_annotations, find_images
from repope_eval.benchmarks.dash_b import NAME as DASH_B
from repope_eval.benchmarks.dash_b import find_dash_b_images, load_dash_b
from repope_eval.benchmarks.images import locate_images
from repope_eval.benchmarks.pope_file import read_rows
from repope_eval.errors import RepopeError
from repope_eval.records import Variant
from repope_eval.settings.config import BenchSettings
from repope_eval.settings.named_folders import named_folder
from repope_eval.wording import counted

DEMO_FOLDER = Path(__file__).parent.parent / "demo" / "benchmark"

POPE_VARIANTS = ("random", "popular", "adversarial")

READ_BY = {
    "questions": ("custom",),
    "relabels": ("custom",),
    "images": ("coco", "dash_b", "custom"),
    "annotations": ("coco",),
}
"""Settings that name files -> the sources that read them; with another source they would go unheeded."""


def load_benchmark(settings: BenchSettings, data_dir: Path) -> Benchmark:
    """The questions and label sets that a configuration names, fetched where they are missing, and verified.

    Raises:
        RepopeError: a file is missing, broken or not the published one, or the files do not fit together.
    """
    _refuse_unheeded(settings)
    _require_variants(settings)
    if settings.source == "dash_b":
        return load_dash_b(settings.name, data_dir, settings.images_from, settings.hub_dataset)
    originals, relabelled = _files(settings, data_dir)
    return make_benchmark(
        settings.name,
        {variant: read_rows(path) for variant, path in originals.items()},
        {variant: read_rows(path) for variant, path in relabelled.items()},
        _hashes([*originals.values(), *relabelled.values()]),
    )


def find_benchmark_images(
    settings: BenchSettings, data_dir: Path, names: Sequence[str]
) -> Mapping[str, Path]:
    """Where each image lies; COCO's and DASH-B's are fetched where they are missing.

    Raises:
        RepopeError: images are missing: how many, the first ones, where they were looked for, and the mend.
    """
    if settings.source == "coco":
        return find_images(
            names,
            data_dir=data_dir,
            folder=_folder("images", settings.images),
            images_from=settings.images_from,
            url=settings.images_url,
            hub_dataset=settings.hub_dataset,
        )
    if settings.source == "dash_b":
        return find_dash_b_images(
            names,
            data_dir=data_dir,
            folder=_folder("images", settings.images),
            images_from=settings.images_from,
            hub_dataset=settings.hub_dataset,
        )
    folder = DEMO_FOLDER / "images" if settings.source == "demo" else _folder("images", settings.images)
    if folder is None:
        raise RepopeError(
            "bench.images is required: give bench.images=FOLDER, where the questions' images lie"
        )
    found, missing = locate_images(names, [folder])
    if missing:
        raise RepopeError(
            f"{len(missing)} of {counted(len(found) + len(missing), 'image')} missing in {folder}: "
            f"{', '.join(missing[:3])}{', ...' if len(missing) > 3 else ''}; put them there, or name their "
            "folder with bench.images=FOLDER"
        )
    return found


def _refuse_unheeded(settings: BenchSettings) -> None:
    unheeded = [
        f"bench.{key}"
        for key, sources in READ_BY.items()
        if getattr(settings, key) is not None and settings.source not in sources
    ]
    if unheeded:
        raise RepopeError(
            f"{', '.join(unheeded)}: not read by bench={settings.name}; leave it out, or name files of your own "
            "with bench=custom"
        )


def _require_variants(settings: BenchSettings) -> None:
    variants = settings.variants
    if settings.source == "custom":
        if len(variants) != 1:
            raise RepopeError(f"bench.variants: a custom benchmark has one variant, not {len(variants)}")
        return
    possible = (DASH_B,) if settings.source == "dash_b" else POPE_VARIANTS
    strange = [variant for variant in variants if variant not in possible]
    if strange or not variants:
        what = f"no such variant as {', '.join(strange)}" if strange else "is empty"
        raise RepopeError(f"bench.variants: {what}; there are {', '.join(possible)}")


def _hashes(paths: Sequence[Path]) -> dict[str, str]:
    """SHA-256 by file name; by path where two files have the same name."""
    names = Counter(path.name for path in paths)
    return {
        path.name if names[path.name] == 1 else str(path): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in paths
        if path.is_file()  # a pipe was read once, and holds no more
    }


def _files(settings: BenchSettings, data_dir: Path) -> tuple[dict[Variant, Path], dict[Variant, Path]]:
    """The question files by variant: the original ones and the relabelled ones."""
    if settings.source == "custom":
        if settings.questions is None:
            raise RepopeError(
                "bench.questions is required: give bench.questions=FILE, a file in POPE's format"
            )
        (variant,) = settings.variants
        relabels = {variant: Path(settings.relabels).expanduser()} if settings.relabels else {}
        return {variant: Path(settings.questions).expanduser()}, relabels
    if settings.source == "demo":
        return (
            {variant: DEMO_FOLDER / f"pope_{variant}.jsonl" for variant in settings.variants},
            {variant: DEMO_FOLDER / f"repope_{variant}.jsonl" for variant in settings.variants},
        )
    names = {(kind, v): f"coco_{kind}_{v}.json" for kind in ("pope", "repope") for v in settings.variants}
    paths = find_annotations(
        list(names.values()),
        data_dir=data_dir,
        folder=_folder("annotations", settings.annotations),
        url=settings.annotations_url,
    )
    return (
        {v: paths[names["pope", v]] for v in settings.variants},
        {v: paths[names["repope", v]] for v in settings.variants},
    )


def _folder(key: str, name: str | None) -> Path | None:
    return None if name is None else named_folder(f"bench.{key}", name)
