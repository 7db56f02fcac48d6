"""POPE and RePOPE on COCO: annotation files known by their hash, images of val2014 known by their name."""

import logging
from collections.abc import Sequence
from pathlib import Path

from repope_eval.benchmarks.benchmark import (
    POPE_LABELS,
    POPE_TITLES,
    Benchmark,
    BenchmarkSize,
    Source,
    read_benchmark,
)
from repope_eval.benchmarks.hub_images import copy_rows, load_test_split
from repope_eval.benchmarks.images import locate_images, refuse_outside
from repope_eval.benchmarks.pope_file import POPE_VARIANTS
from repope_eval.benchmarks.published_files import (
    PUBLISHED_ON_SERVERS,
    PublishedFiles,
    download_images,
    file_hash,
    find_published_files,
)
from repope_eval.errors import RepopeError
from repope_eval.settings.config import BenchSettings

log = logging.getLogger(__name__)

ANNOTATIONS = PublishedFiles(
    folder="annotations",
    sha256={
        "coco_pope_adversarial.json": "85436f0517a167e8034013458d47507ea75b89da7853d380f13530399f7d4018",
        "coco_pope_popular.json": "f31727768b228d0409a3ffe86b808958c05c26b5db4d593b137b14a2ec45ac98",
        "coco_pope_random.json": "196144ab005fcd23af78c7b11d7c110dbbc4ed17e361e05e11a927c8856cfde2",
        "coco_repope_adversarial.json": "8c346dbb060bf422ff92e769fa68e5ab3e8a777cb28a26e973387441e05c9ccf",
        "coco_repope_popular.json": "57832b055bae5fd6176278a4f104c98ddd84811f7d26dfcb93d481f6c9da09a5",
        "coco_repope_random.json": "f464fcaf60b24ce2f280cf33f122e000dbdd35c8e88f77c4141c9c2cba864611",
    },
    repository="YanNeu/RePOPE",
    commit="bcf22e5690d587cce34e1728af3efdcfaf747d29",
    path="annotations",
    licence="none stated",
)

VAL2014 = ("http://images.cocodataset.org/val2014",)
"""The server of COCO's images."""

POPE_ON_HUB = ("lmms-lab-encoder/POPE", "lmms-lab/POPE")
"""Hub datasets of POPE's images: where its owners moved it in 2026, and where it was."""

POPE_ENTRY = """\
@inproceedings{li2023pope,
  title     = {Evaluating Object Hallucination in Large Vision-Language Models},
  author    = {Li, Yifan and Du, Yifan and Zhou, Kun and Wang, Jinpeng and Zhao, Wayne Xin and Wen, Ji-Rong},
  booktitle = {Proceedings of the 2023 Conference on Empirical Methods in Natural Language Processing},
  year      = {2023},
  note      = {arXiv:2305.10355}
}"""

REPOPE_ENTRY = """\
@article{neuhaus2025repope,
  title   = {{RePOPE}: Impact of Annotation Errors on the {POPE} Benchmark},
  author  = {Neuhaus, Yannic and Hein, Matthias},
  journal = {arXiv preprint arXiv:2504.15707},
  year    = {2025}
}"""


def are_published(folder: Path) -> dict[str, bool]:
    """The annotation files that are in a folder, and whether each is the published one."""
    paths, _ = locate_images(ANNOTATIONS.sha256, [folder])
    return {name: file_hash(path) == ANNOTATIONS.sha256[name] for name, path in paths.items()}


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
    rows = load_test_split(dataset, ["image_source"], POPE_ON_HUB[0])
    numbers: dict[str, int] = {}
    for number, source in enumerate(rows.select_columns("image_source")["image_source"]):
        numbers.setdefault(str(source).removesuffix(".jpg"), number)
    row_of = {name: numbers.get(name.removesuffix(".jpg")) for name in names}
    mend = f"; check that it is POPE on COCO, or put the missing images into {folder} by hand"
    copy_rows(rows, row_of, dataset, folder, mend)


def _load(settings: BenchSettings, data_dir: Path) -> Benchmark:
    names = [
        {variant: f"coco_{kind}_{variant}.json" for variant in settings.variants} for kind in POPE_LABELS
    ]
    wanted = [name for of_kind in names for name in of_kind.values()]
    paths = find_published_files(ANNOTATIONS, wanted, settings, data_dir)
    originals, relabelled = ({variant: paths[name] for variant, name in of_kind.items()} for of_kind in names)
    return read_benchmark(settings.name, originals, relabelled, POPE_LABELS)


def _fetch_images(settings: BenchSettings, names: Sequence[str], folder: Path) -> None:
    if settings.images_from == "hub":
        datasets = [settings.hub_dataset] if settings.hub_dataset else POPE_ON_HUB
        _copy_from_first(datasets, names, folder)
    else:
        download_val2014(settings, names, folder)


def download_val2014(settings: BenchSettings, names: Sequence[str], folder: Path) -> None:
    """Fetches images from COCO's server into a folder.

    Raises:
        RepopeError: an image cannot be had. What was fetched stays.
    """
    download_images(settings, VAL2014, names, folder, "COCO images")


def _copy_from_first(datasets: Sequence[str], names: Sequence[str], folder: Path) -> None:
    """Writes images out of the first dataset that can be loaded, and those that it lacks out of the next."""
    for number, dataset in enumerate(datasets, 1):
        try:
            copy_hub_images(dataset, [name for name in names if not (folder / name).is_file()], folder)
            return
        except RepopeError as error:
            if number == len(datasets):
                raise
            log.warning("%s; trying %s next", error, datasets[number])


def _images_missing(settings: BenchSettings) -> str:
    other = "download" if settings.images_from == "hub" else "hub"
    elsewhere = f"or take them from elsewhere with bench.images_from={other}"
    return f"{VAL2014_MISSING.format('repope')}, {elsewhere}; fetching them failed"


VAL2014_MISSING = (
    "{{number}} of {{total}} COCO image{{plural}} missing ({{examples}}) in {{folders}}: "
    "name a folder that holds COCO's val2014 images with bench.images=FOLDER, or run "
    "`python -m repope_eval data bench={}{{data}}` on a machine with network"
)
"""The message where images of val2014 are missing, to be formatted with the benchmark, and then as
`Source.images_missing` says."""

SOURCE = Source(
    load=_load,
    variants=POPE_VARIANTS,
    sizes={
        POPE_VARIANTS: BenchmarkSize(500, 5127),
        ("random",): BenchmarkSize(500, 3000),
        ("popular",): BenchmarkSize(500, 3000),
        ("adversarial",): BenchmarkSize(500, 3000),
    },
    reads=frozenset({*PUBLISHED_ON_SERVERS, "images_from", "hub_dataset"}),
    own_images=lambda _, data_dir: data_dir / "val2014",
    fetch_images=_fetch_images,
    images_missing=_images_missing,
    origin=ANNOTATIONS.origin,
    measures="POPE's labels come from COCO's instance annotations: by RePOPE's count 9.3 % of the yes labels are wrong "
    "and 13.8 % ambiguous, of the no labels 1.7 % and 4.3 %. RePOPE corrects the wrong labels and has none for "
    "ambiguous questions, so scores exclude them.",
    title="POPE",
    bench="repope",
    question_start="Is there a",
    label_titles=POPE_TITLES,
    dataset_titles=POPE_TITLES,
    citations=(POPE_ENTRY, REPOPE_ENTRY),
    page=ANNOTATIONS.page,
    hub_datasets={"pope": POPE_ON_HUB[0]},
)
