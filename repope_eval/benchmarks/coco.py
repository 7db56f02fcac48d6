"""POPE and RePOPE on COCO: annotation files known by their hash, images of val2014 known by their name."""

import hashlib
import urllib.parse
from collections.abc import Sequence
from pathlib import Path

from repope_eval.benchmarks.benchmark import Benchmark, Source, read_benchmark
from repope_eval.benchmarks.hub_images import copy_rows, load_test_split
from repope_eval.benchmarks.images import decodable, locate_images, refuse_outside
from repope_eval.benchmarks.pope_file import POPE_VARIANTS
from repope_eval.downloads.download import Download, download
from repope_eval.errors import RepopeError
from repope_eval.settings.config import BenchSettings
from repope_eval.settings.named_folders import named_folder

ANNOTATION_SHA256 = {
    "coco_pope_adversarial.json": "85436f0517a167e8034013458d47507ea75b89da7853d380f13530399f7d4018",
    "coco_pope_popular.json": "f31727768b228d0409a3ffe86b808958c05c26b5db4d593b137b14a2ec45ac98",
    "coco_pope_random.json": "196144ab005fcd23af78c7b11d7c110dbbc4ed17e361e05e11a927c8856cfde2",
    "coco_repope_adversarial.json": "8c346dbb060bf422ff92e769fa68e5ab3e8a777cb28a26e973387441e05c9ccf",
    "coco_repope_popular.json": "57832b055bae5fd6176278a4f104c98ddd84811f7d26dfcb93d481f6c9da09a5",
    "coco_repope_random.json": "f464fcaf60b24ce2f280cf33f122e000dbdd35c8e88f77c4141c9c2cba864611",
}
"""The files that the published figures were made with; one other byte and the figures mean something else."""


def find_annotations(
    names: Sequence[str], *, data_dir: Path, folder: Path | None, url: str
) -> dict[str, Path]:
    """The annotation files: from `data_dir/annotations`, from `folder`, or fetched from `url` into the first.

    Args:
        names: file names, each a key of `ANNOTATION_SHA256`.
        data_dir: the folder of data; it need not be writable, nor exist, when nothing is missing.
        folder: a further folder that may hold the files.
        url: the address that `/NAME` is added to.

    Raises:
        RepopeError: a file has another hash than the published one, or cannot be fetched.
    """
    own = data_dir / "annotations"
    found, missing = locate_images(names, [own] if folder is None else [own, folder])
    for name, path in found.items():
        actual, expected = _hash(path), ANNOTATION_SHA256[name]
        if actual != expected:
            raise RepopeError(
                f"{path}: SHA-256 is {actual}, expected {expected}, so it is not the published file; remove it to "
                "have the right one fetched, or evaluate a file of your own with "
                "bench=custom bench.questions=FILE bench.relabels=FILE bench.images=FOLDER"
            )
    download(
        [Download(_address(url, name), own / name, sha256=ANNOTATION_SHA256[name]) for name in missing],
        description="annotation files",
    )
    return {name: found.get(name, own / name) for name in names}


def are_published(folder: Path) -> dict[str, bool]:
    """The annotation files that are in a folder, and whether each is the published one."""
    found, _ = locate_images(ANNOTATION_SHA256, [folder])
    return {name: _hash(path) == ANNOTATION_SHA256[name] for name, path in found.items()}


def copy_hub_images(dataset: str, names: Sequence[str], folder: Path) -> None:
    """Writes the named images of a dataset into a folder, byte for byte as they were encoded.

    Args:
        dataset: id on the Hub, or a local folder of Parquet files; split `test` with the columns
            `image_source` (a COCO name without `.jpg`) and `image`.
        names: COCO names, such as `COCO_val2014_000000310196.jpg`.
        folder: the folder, made if need be; an image of the same name in it is replaced.

    Raises:
        RepopeError: the dataset cannot be loaded or lacks a column or an image, an image in it cannot be
            decoded, or the folder cannot be written. What was written before stays.
    """
    for name in names:
        refuse_outside(name)
    rows = load_test_split(dataset, ["image_source"], "lmms-lab/POPE")
    numbers: dict[str, int] = {}
    for number, source in enumerate(rows.select_columns("image_source")["image_source"]):
        numbers.setdefault(str(source).removesuffix(".jpg"), number)
    row_of = {name: numbers.get(name.removesuffix(".jpg")) for name in names}
    mend = f"; check that it is POPE on COCO, or put the missing images into {folder} by hand"
    copy_rows(rows, row_of, dataset, folder, mend)


def _load(settings: BenchSettings, data_dir: Path) -> Benchmark:
    names = [
        {variant: f"coco_{kind}_{variant}.json" for variant in settings.variants}
        for kind in ("pope", "repope")
    ]
    folder = settings.annotations
    paths = find_annotations(
        [name for of_kind in names for name in of_kind.values()],
        data_dir=data_dir,
        folder=None if folder is None else named_folder("bench.annotations", folder),
        url=settings.annotations_url,
    )
    originals, relabelled = ({variant: paths[name] for variant, name in of_kind.items()} for of_kind in names)
    return read_benchmark(settings.name, originals, relabelled)


def _fetch_images(settings: BenchSettings, names: Sequence[str], folder: Path) -> None:
    if settings.images_from == "hub":
        copy_hub_images(settings.hub_dataset, names, folder)
    else:
        wanted = [
            Download(_address(settings.images_url, name), folder / name, check=decodable) for name in names
        ]
        download(wanted, description="COCO images")


def _images_missing(settings: BenchSettings) -> str:
    other = "download" if settings.images_from == "hub" else "hub"
    return (
        "{number} of {total} COCO image{plural} missing ({examples}) in {folders}: "
        "name a folder that holds COCO's val2014 images with bench.images=FOLDER, or run "
        "`python -m repope_eval data bench=repope` on a machine with network, "
        f"or take them from elsewhere with bench.images_from={other}; fetching them failed"
    )


def _address(url: str, name: str) -> str:
    return f"{url.rstrip('/')}/{urllib.parse.quote(name)}"


def _hash(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise RepopeError(f"{path}: cannot be read ({error.strerror}); check its permissions") from error


SOURCE = Source(
    load=_load,
    variants=POPE_VARIANTS,
    reads=frozenset({"images", "annotations"}),
    own_images=lambda data_dir: data_dir / "val2014",
    fetch_images=_fetch_images,
    images_missing=_images_missing,
    title="POPE",
    bench="repope",
    question_start="Is there a",
)
