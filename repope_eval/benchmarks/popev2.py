"""POPEv2: photographs that show an object, and the same with the object painted out; one question about both.

1,000 questions about 500 pairs, of the repository AoiDragon/POPE. What is asked of a model is to tell the two of a pair
apart: one that always says yes is right on every photograph, and on no pair.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from repope_eval.benchmarks.benchmark import GROUPS, Benchmark, BenchmarkSize, Source
from repope_eval.benchmarks.pope_file import MOST_QUESTION_CHARACTERS, asked_text, label_of
from repope_eval.benchmarks.published_files import (
    PUBLISHED_ON_SERVERS,
    PublishedFiles,
    download_images,
    find_published_files,
)
from repope_eval.errors import RepopeError
from repope_eval.records import LabelSet, Question, Variant
from repope_eval.settings.config import BenchSettings
from repope_eval.system.rows import read_row_file
from repope_eval.wording import shown

NAME = "popev2"
"""The name of its folder in data_dir, and of its only label set."""

FOLDER_OF: dict[str, tuple[Variant, str]] = {
    "/coco/train2017/": ("photograph", "train2017/"),
    "/images/": ("painted_out", "popev2/images/"),
}
"""The variant of an image, and its folder in data_dir, by the folder that the file names."""

VARIANTS = tuple(variant for variant, _ in FOLDER_OF.values())

ANNOTATIONS = PublishedFiles(
    folder=NAME,
    sha256={"annotations.json": "321d8dd41a7bd9be5f863c88f40bf50965b6e5f3345db42fe04fcb4c6ba9570e"},
    repository="AoiDragon/POPE",
    commit="08d957b917e5a378a2f99d35b6293c536a66298b",
    path="POPEv2/dataset",
    licence="MIT",
)

TRAIN2017 = ("http://images.cocodataset.org/train2017",)


def _load(settings: BenchSettings, data_dir: Path) -> Benchmark:
    (path,) = find_published_files(ANNOTATIONS, list(ANNOTATIONS.sha256), settings, data_dir).values()
    return popev2_benchmark(settings.name, settings.variants, path, ANNOTATIONS.sha256)


def popev2_benchmark(
    name: str, variants: Sequence[Variant], path: Path, hashes: Mapping[str, str]
) -> Benchmark:
    """The benchmark out of its file, with a group for each pair."""
    ids: dict[Variant, dict[int | str, Question]] = {variant: {} for variant in variants}
    labels: dict[Variant, dict[Question, bool]] = {variant: {} for variant in variants}
    groups: dict[Question, str] = {}
    file = read_row_file(path)
    for place, row in zip(file.places, file.rows, strict=True):
        where = f"{path}, {place}"
        said = asked_text("image_name", row.get("image_name"), where=where)
        start = next((start for start in FOLDER_OF if said.startswith(start)), None)
        label = label_of(row.get("label"))
        if start is None or label not in ("yes", "no"):
            raise RepopeError(
                f"{where}: image {shown(said)}, label {shown(label)}; an image in {' or '.join(FOLDER_OF)} and a label "
                "of yes or no are expected"
            )
        variant, below = FOLDER_OF[start]
        text = asked_text("query", row.get("query"), MOST_QUESTION_CHARACTERS, where=where)
        thing = asked_text("target_object", row.get("target_object"), where=where)
        question = Question(below + said.removeprefix(start), text, thing)
        if variant in ids:
            ids[variant][said] = question
            labels[variant][question] = label == "yes"
            groups[question] = f"{row.get('image_id')}, {thing}"
    return Benchmark(name, (LabelSet(NAME, labels),), ids, dict(hashes), groups)


def _fetch_images(settings: BenchSettings, names: Sequence[str], folder: Path) -> None:
    photographs = [name.removeprefix("train2017/") for name in names if name.startswith("train2017/")]
    download_images(settings, TRAIN2017, photographs, folder / "train2017", "COCO images")


IMAGES_MISSING = (
    "{number} of {total} image{plural} of POPEv2 missing ({examples}) in {folders}: those in popev2/images are in "
    f"images.zip of github.com/{ANNOTATIONS.repository}, {ANNOTATIONS.path}, which is to be unpacked there; those in "
    "train2017 are COCO's, and fetched; bench.images=FOLDER names another folder that holds both"
)

SOURCE = Source(
    load=_load,
    variants=VARIANTS,
    sizes={
        VARIANTS: BenchmarkSize(1000, 1000),
        ("photograph",): BenchmarkSize(500, 500),
        ("painted_out",): BenchmarkSize(500, 500),
    },
    reads=PUBLISHED_ON_SERVERS,
    own_images=lambda _, data_dir: data_dir,
    fetch_images=_fetch_images,
    images_missing=lambda _: IMAGES_MISSING,
    origin=ANNOTATIONS.origin,
    measures="One question is asked about a photograph that shows the object and about the same with the object "
    "painted out. Whether a model looks is told by both of a pair being right: one that always says yes is right about "
    "every photograph, and gets no pair.",
    title="POPEv2",
    bench=NAME,
    own=(replace(GROUPS, leads=True),),
    label_titles={NAME: "POPEv2"},
    page=ANNOTATIONS.page,
)
