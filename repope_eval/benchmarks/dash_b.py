"""DASH-B: its questions out of its two index files, and its images out of folders or the Hub.

The benchmark: 1,341 images that lack an object but make models see it, and as many that show it, 70 objects,
one question an image (Augustin, Neuhaus and Hein, "DASH: Detection and Assessment of Systematic
Hallucinations of VLMs", 2025). An index file is {source set: {object: [file names]}}; its images lie at
`neg/SET/OBJECT/FILE` and `pos/SET/OBJECT/FILE`. Where there is no index, one is made of the Hub dataset, with
the single set `hub`.
"""

import hashlib
import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from repope_eval.benchmarks.asked_texts import asked_text
from repope_eval.benchmarks.benchmark import Benchmark
from repope_eval.benchmarks.hub_images import HubRow, copy_hub_rows, dash_b_rows
from repope_eval.benchmarks.images import locate_images, refuse_outside
from repope_eval.downloads.fetch import LARGEST
from repope_eval.errors import RepopeError
from repope_eval.files.json_files import parse_document
from repope_eval.files.texts import read_text
from repope_eval.files.writing import write_json
from repope_eval.records import LabelSet, Question
from repope_eval.settings.config import ImageSource
from repope_eval.wording import counted, shown

log = logging.getLogger(__name__)

NAME = "dash_b"
"""Of its folder in data_dir, its only variant, and its only label set."""

INDEX_FILES = {"neg": "dash_benchmark_neg.json", "pos": "dash_benchmark_pos.json"}
LABELS = {"neg": False, "pos": True}
HUB_SET = "hub"

Index = Mapping[str, Mapping[str, Sequence[str]]]
"""File names by source set and object."""


def question_text(name: str) -> str:
    """The question about an object, whatever letter its name begins with."""
    return f"Can you see a {name} in this image? Please answer only with yes or no."


def load_dash_b(name: str, data_dir: Path, images_from: ImageSource, hub_dataset: str) -> Benchmark:
    """The questions and labels of the index files in `data_dir/dash_b`; made of the Hub dataset where there are none.

    Raises:
        RepopeError: an index file is missing beside the other, is broken, or cannot be made.
    """
    folder = data_dir / NAME
    paths = {kind: folder / file for kind, file in INDEX_FILES.items()}
    missing = [path for path in paths.values() if not path.is_file()]
    if len(missing) == 1:
        raise RepopeError(
            f"{missing[0]}: is missing beside the other index file; put DASH-B's two files there"
        )
    if missing:
        _make_index(paths, images_from, hub_dataset)
    labels: dict[Question, bool] = {}
    for kind, path in paths.items():
        index = read_index(path)
        labels |= dict.fromkeys(index_questions(kind, index), LABELS[kind])
    hashes = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in paths.values()}
    return dash_b_benchmark(name, labels, hashes)


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
    index = parse_document(path, read_text(path), unique_names=True)
    if not _is_index(index):
        raise RepopeError(
            f"{path}: is no index of DASH-B, which is {{source set: {{object: [file names]}}}}; put the "
            "published file there, or remove both index files to have them made of the Hub dataset"
        )
    for source_set, objects in index.items():
        for name, files in objects.items():
            _require_names(path, source_set, name, files)
            if len(set(files)) < len(files):
                raise RepopeError(
                    f"{path}: {shown(source_set)}, {shown(name)}: a file name stands twice; keep one"
                )
    found: Index = index
    return found


def _require_names(path: Path, source_set: str, name: str, files: Sequence[str]) -> None:
    try:
        for file in files:
            asked_text("name of an image", f"{source_set}/{name}/{file}")
            refuse_outside(f"{source_set}/{name}/{file}")
    except RepopeError as error:
        raise RepopeError(f"{path}: {error}") from error


def find_dash_b_images(
    names: Sequence[str], *, data_dir: Path, folder: Path | None, images_from: ImageSource, hub_dataset: str
) -> dict[str, Path]:
    """The images: from `data_dir/dash_b`, from `folder`, or copied out of the Hub dataset into the first.

    Args:
        names: such as `neg/coco/backpack/1.png`.
        data_dir: need not be writable, nor exist, when nothing is missing.
        folder: a further folder that holds `neg` and `pos`.
        images_from: `hub` where missing ones may be copied out of the dataset.
        hub_dataset: a Hub dataset like YanNeu/DASH-B, or a local folder of its Parquet files.

    Raises:
        RepopeError: images are missing: how many, the first ones, where they were looked for, and the mend.
    """
    own = data_dir / NAME
    folders = [own] if folder is None else [own, folder]
    found, missing = locate_images(names, folders)
    if not missing:
        return found
    reason = ""
    if images_from == "hub":
        try:
            _copy(missing, own, hub_dataset)
            return {name: found.get(name, own / name) for name in names}
        except RepopeError as error:
            reason = f" ({error})"
            _, missing = locate_images(names, folders)
    examples = ", ".join(missing[:3]) + (", ..." if len(missing) > 3 else "")
    places = " and ".join(str(place) for place in folders)
    other = "" if images_from == "hub" else ", or take them out of the Hub dataset with bench.images_from=hub"
    raise RepopeError(
        f"{len(missing)} of {counted(len(dict.fromkeys(names)), 'image')} of DASH-B missing ({examples}) in {places}: "
        f"unpack its neg.zip and pos.zip there, or name the folder that holds neg and pos with "
        f"bench.images=FOLDER{other}{reason}"
    )


def _is_index(index: object) -> bool:
    return isinstance(index, dict) and all(
        isinstance(objects, dict)
        and all(
            isinstance(files, list) and all(isinstance(file, str) and file for file in files)
            for files in objects.values()
        )
        for objects in index.values()
    )


def index_questions(kind: str, index: Index) -> Iterator[Question]:
    """The questions of an index file, of kind `neg` or `pos`; each image has one."""
    for source_set, objects in index.items():
        for name, files in objects.items():
            for file in files:
                yield Question(f"{kind}/{source_set}/{name}/{file}", question_text(name), name)


def _make_index(paths: Mapping[str, Path], images_from: ImageSource, hub_dataset: str) -> None:
    """Writes both index files out of the Hub dataset's columns; its images stay where they are for now."""
    where = paths["neg"].parent
    if images_from != "hub":
        raise RepopeError(
            f"{where}: holds no {' and no '.join(INDEX_FILES.values())}; put them there, or have them made of the "
            "Hub dataset with bench.images_from=hub"
        )
    try:
        rows = dash_b_rows(hub_dataset)
    except RepopeError as error:
        raise RepopeError(
            f"{where}: holds no {' and no '.join(INDEX_FILES.values())}, and they cannot be made of the Hub "
            f"dataset ({error}); put them there"
        ) from error
    indexes: dict[str, dict[str, dict[str, list[str]]]] = {kind: {HUB_SET: {}} for kind in paths}
    for row in rows:
        if row.text.strip() != question_text(row.object):
            raise RepopeError(
                f"the dataset {hub_dataset} asks {row.text!r}, not {question_text(row.object)!r}; one like "
                "YanNeu/DASH-B is expected"
            )
        indexes[_kind(row)][HUB_SET].setdefault(row.object, []).append(row.image)
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
    log.info(
        "%s: index files made of the Hub dataset %s, %s", where, hub_dataset, counted(len(rows), "image")
    )


def _copy(names: Sequence[str], folder: Path, hub_dataset: str) -> None:
    """Copies images whose label, object and file name are those of a row; source sets the dataset does not name."""
    wanted = {}
    for name in names:
        kind, _, of_object, file = name.split("/", 3)
        wanted[kind, of_object, file] = name
    rows = {(_kind(row), row.object, row.image): row.number for row in dash_b_rows(hub_dataset)}
    copy_hub_rows(hub_dataset, {name: rows[key] for key, name in wanted.items() if key in rows}, folder)
    lacking = [name for key, name in wanted.items() if key not in rows]
    if lacking:
        examples = ", ".join(lacking[:3]) + (", ..." if len(lacking) > 3 else "")
        raise RepopeError(
            f"{hub_dataset} lacks {len(lacking)} of {counted(len(names), 'image')} ({examples}) under their object and "
            "file name; remove both index files to take questions and images from it alone"
        )


def _kind(row: HubRow) -> str:
    return "pos" if row.label else "neg"
