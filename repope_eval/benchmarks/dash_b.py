"""DASH-B: its questions come out of its two index files, and its images out of folders or the Hub.

The benchmark has 1,341 images that lack an object but make models see it, and as many that show it, 70 objects, and
one question about each image (Augustin, Neuhaus and Hein, "DASH: Detection and Assessment of Systematic
Hallucinations of VLMs", 2025). An index file is {source set: {object: [file names]}}; its images lie at
`neg/SET/OBJECT/FILE` and `pos/SET/OBJECT/FILE`. Where there is no index, one is made of the Hub dataset, with
the single set `hub`.
"""

import hashlib
import logging
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from repope_eval.benchmarks.benchmark import Benchmark, BenchmarkSize, OwnSection, Source
from repope_eval.benchmarks.hub_images import copy_rows, load_test_split
from repope_eval.benchmarks.images import refuse_outside
from repope_eval.benchmarks.pope_file import asked_text
from repope_eval.errors import RepopeError
from repope_eval.records import LabelSet, Question
from repope_eval.settings.config import BenchSettings
from repope_eval.system.downloads import LARGEST
from repope_eval.system.json_files import parse_document
from repope_eval.system.texts import read_text
from repope_eval.system.writing import write_json
from repope_eval.wording import counted, shown

log = logging.getLogger(__name__)

NAME = "dash_b"
"""The name of its folder in data_dir, of its only variant, and of its only label set."""

INDEX_FILES = {"neg": "dash_benchmark_neg.json", "pos": "dash_benchmark_pos.json"}
LABELS = {"neg": False, "pos": True}
HUB_DATASET = "YanNeu/DASH-B"
HUB_SET = "hub"
_HUB_COLUMNS = ("question", "object", "answer", "img_id")
"""Columns of the Hub dataset beside `image`."""

Index = Mapping[str, Mapping[str, Sequence[str]]]
"""File names by source set and object."""


def question_text(name: str) -> str:
    """The question about an object, whatever letter its name begins with."""
    return f"Can you see a {name} in this image? Please answer only with yes or no."


def _load(settings: BenchSettings, data_dir: Path) -> Benchmark:
    """Questions and labels of the index files in `data_dir/dash_b`, made of the Hub dataset where there are none."""
    folder = data_dir / NAME
    paths = {kind: folder / file for kind, file in INDEX_FILES.items()}
    missing = [path for path in paths.values() if not path.is_file()]
    if len(missing) == 1:
        raise RepopeError(
            f"{missing[0]}: is missing beside the other index file; put DASH-B's two files there"
        )
    if missing:
        _make_index(settings, paths)
    labels = read_labels(folder)
    hashes = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in paths.values()}
    return dash_b_benchmark(settings.name, labels, hashes)


def dash_b_benchmark(name: str, labels: Mapping[Question, bool], hashes: Mapping[str, str]) -> Benchmark:
    """A benchmark of one variant and one label set, its questions' ids the names of their images."""
    ids: dict[int | str, Question] = {question.image: question for question in labels}
    return Benchmark(name, (LabelSet(NAME, {NAME: dict(labels)}),), {NAME: ids}, dict(hashes))


def read_index(path: Path) -> Index:
    """The content of an index file.

    Raises:
        RepopeError: it cannot be read, is far too large, has another form, names a file twice, or one outside its
            folder.
    """
    if path.is_file() and path.stat().st_size > LARGEST:
        raise RepopeError(f"{path}: is too large for an index of DASH-B; put the published file there")
    index: Index = parse_document(path, read_text(path), unique_names=True)
    if not _is_index(index):
        raise RepopeError(
            f"{path}: is no index of DASH-B, which is {{source set: {{object: [file names]}}}}; put the "
            "published file there, or remove both index files to have them made of the Hub dataset"
        )
    for source_set, objects in index.items():
        for name, files in objects.items():
            for file in files:
                image = f"{source_set}/{name}/{file}"
                refuse_outside(asked_text("name of an image", image, where=str(path)), f"{path}: ")
            if len(set(files)) < len(files):
                raise RepopeError(
                    f"{path}: {shown(source_set)}, {shown(name)}: a file name stands twice; keep one"
                )
    return index


def _is_index(index: object) -> bool:
    return isinstance(index, dict) and all(
        isinstance(objects, dict)
        and all(
            isinstance(files, list) and all(isinstance(file, str) and file for file in files)
            for files in objects.values()
        )
        for objects in index.values()
    )


def read_labels(folder: Path) -> dict[Question, bool]:
    """The questions of the two index files in a folder, one for each image, and whether the answer is yes."""
    return {
        Question(f"{kind}/{source_set}/{name}/{file}", question_text(name), name): LABELS[kind]
        for kind, index_file in INDEX_FILES.items()
        for source_set, objects in read_index(folder / index_file).items()
        for name, files in objects.items()
        for file in files
    }


def _make_index(settings: BenchSettings, paths: Mapping[str, Path]) -> None:
    """Writes both index files out of the Hub dataset's columns; its images stay where they are for now."""
    where, dataset = paths["neg"].parent, settings.hub_dataset or HUB_DATASET
    nothing = f"{where}: holds no {' and no '.join(INDEX_FILES.values())}"
    if settings.images_from != "hub":
        raise RepopeError(
            f"{nothing}; put them there, or have them made of the Hub dataset with bench.images_from=hub"
        )
    try:
        _, rows = _hub_rows(dataset)
    except RepopeError as error:
        raise RepopeError(
            f"{nothing}, and they cannot be made of the Hub dataset ({error}); put them there"
        ) from error
    indexes: dict[str, dict[str, dict[str, list[str]]]] = {kind: {HUB_SET: {}} for kind in paths}
    for (kind, name, image), text in rows.items():
        if text.strip() != question_text(name):
            raise RepopeError(
                f"the dataset {dataset} asks {text!r}, not {question_text(name)!r}; one like "
                f"{HUB_DATASET} is expected"
            )
        indexes[kind][HUB_SET].setdefault(name, []).append(image)
    try:
        where.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RepopeError(f"{where}: cannot be made ({error.strerror}); choose another data_dir=") from error
    try:
        for kind, path in paths.items():
            write_json(path, indexes[kind])
    except BaseException:  # one without the other would be taken for a mistake of the user's
        for path in paths.values():
            with suppress(OSError):
                path.unlink()
        raise
    log.info("%s: index files made of the Hub dataset %s, %s", where, dataset, counted(len(rows), "image"))


def _hub_rows(dataset: str) -> tuple[Any, dict[tuple[str, str, str], str]]:
    """Loads DASH-B's dataset, or one like it.

    Returns:
        The split, and its questions in order, by kind, object and file name of the image.
    """
    split = load_test_split(dataset, _HUB_COLUMNS, HUB_DATASET)
    table = split.select_columns(list(_HUB_COLUMNS)).to_dict()
    texts: dict[tuple[str, str, str], str] = {}
    for number, cells in enumerate(zip(*(table[column] for column in _HUB_COLUMNS), strict=True), 1):
        text, name, answer, image = cells
        kind = {"yes": "pos", "no": "neg"}.get(str(answer).strip().lower(), "")
        key = (kind, str(name), str(image))
        if not (kind and text and name) or image in (None, "") or key in texts:
            raise RepopeError(
                f"the dataset {dataset}, row {number}: question {shown(text)}, object {shown(name)}, "
                f"answer {shown(answer)}, img_id {shown(image)}; texts, an answer of yes or no, and an img_id of its "
                "own are expected"
            )
        refuse_outside(f"{name}/{image}")
        texts[key] = str(text)
    return split, texts


def _fetch_images(settings: BenchSettings, names: Sequence[str], folder: Path) -> None:
    """Copies images whose label, object and file name are those of a row; the dataset does not name source sets."""
    if settings.images_from != "hub":
        return
    dataset = settings.hub_dataset or HUB_DATASET
    split, rows = _hub_rows(dataset)
    numbers = {key: number for number, key in enumerate(rows)}
    keys = {
        name: (kind, of_object, file) for name in names for kind, _, of_object, file in [name.split("/", 3)]
    }
    row_of = {name: numbers.get(key) for name, key in keys.items()}
    mend = " under their object and file name; remove both index files to take questions and images from it alone"
    copy_rows(split, row_of, dataset, folder, mend)


def _images_missing(settings: BenchSettings) -> str:
    other = ", or take them out of the Hub dataset with bench.images_from=hub"
    return (
        "{number} of {total} image{plural} of DASH-B missing ({examples}) in {folders}: "
        "unpack its neg.zip and pos.zip there, or name the folder that holds neg and pos with bench.images=FOLDER"
        + ("" if settings.images_from == "hub" else other)
    )


ENTRY = """\
@article{augustin2025dash,
  title   = {{DASH}: Detection and Assessment of Systematic Hallucinations of {VLMs}},
  author  = {Augustin, Maximilian and Neuhaus, Yannic and Hein, Matthias},
  journal = {arXiv preprint arXiv:2503.23573},
  year    = {2025}
}"""

DETECTIONS = OwnSection(
    kind="dash_b",
    title="DASH-B",
    about="About each object DASH-B asks of images that show it and of images that lack it, but in which models see "
    "it. A model that always says yes is right about all of the former and none of the latter: what counts is how much "
    "more often it says yes where the object is.",
    caption="DASH-B's figures, with 95 % intervals: right answers among all, among those about images without and with "
    "the object, and the harmonic mean of these two",
    leads=True,
)

SOURCE = Source(
    load=_load,
    variants=(NAME,),
    sizes={(NAME,): BenchmarkSize(2682, 2682)},
    reads=frozenset({"images", "images_from", "hub_dataset"}),
    own_images=lambda _, data_dir: data_dir / NAME,
    fetch_images=_fetch_images,
    images_missing=_images_missing,
    origin=f"the Hub dataset {HUB_DATASET}, or its authors' index files; licence: none stated",
    measures="The images without the object were chosen because models see it in them: the true negative rate is about "
    "such images, and not about usual photographs. There are 70 objects.",
    title="DASH-B",
    bench="dash_b",
    question_start="Can you see a",
    own=(DETECTIONS,),
    label_titles={NAME: "DASH-B"},
    citations=(ENTRY,),
    page=f"https://huggingface.co/datasets/{HUB_DATASET}",
    hub_datasets={NAME: HUB_DATASET},
)
