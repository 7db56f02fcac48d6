"""Where POPE's and RePOPE's files come from: annotation files by their hash, COCO's images by their name."""

import hashlib
import urllib.parse
from collections.abc import Sequence
from pathlib import Path

from repope_eval.benchmarks.hub_images import copy_hub_images
from repope_eval.benchmarks.images import decodable, locate_images
from repope_eval.downloads.download import Download, download
from repope_eval.errors import RepopeError
from repope_eval.settings.config import ImageSource
from repope_eval.wording import counted

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
        data_dir: need not be writable, nor exist, when nothing is missing.
        folder: a further folder that may hold the files.
        url: the address that `/NAME` is added to.

    Raises:
        RepopeError: a file has another hash than the published one, or cannot be fetched.
    """
    own = data_dir / "annotations"
    found, missing = locate_images(names, [own] if folder is None else [own, folder])
    for name, path in found.items():
        _require_hash(path, ANNOTATION_SHA256[name])
    download(
        [Download(_address(url, name), own / name, sha256=ANNOTATION_SHA256[name]) for name in missing],
        description="annotation files",
    )
    return {name: found.get(name, own / name) for name in names}


def find_images(
    names: Sequence[str],
    *,
    data_dir: Path,
    folder: Path | None,
    images_from: ImageSource,
    url: str,
    hub_dataset: str,
) -> dict[str, Path]:
    """The COCO images: from `data_dir/val2014`, from `folder`, or fetched into the first.

    Only fetched images are decoded here; those found are, when they are used.

    Args:
        names: such as `COCO_val2014_000000310196.jpg`.
        data_dir: need not be writable, nor exist, when nothing is missing.
        folder: a further folder that may hold the images, such as a copy of val2014.
        images_from: whether missing ones are fetched from `url` or taken out of `hub_dataset`.
        url: the address that `/NAME` is added to.
        hub_dataset: a Hub dataset, or a local folder, with the images inside its Parquet files.

    Raises:
        RepopeError: an image is missing and cannot be fetched.
    """
    own = data_dir / "val2014"
    folders = [own] if folder is None else [own, folder]
    found, missing = locate_images(names, folders)
    if not missing:
        return found
    try:
        if images_from == "hub":
            copy_hub_images(hub_dataset, missing, own)
        else:
            wanted = [Download(_address(url, name), own / name, check=decodable) for name in missing]
            download(wanted, description="COCO images")
    except RepopeError as error:
        _, still_missing = locate_images(names, folders)
        line = _missing_line(len(found) + len(missing), still_missing, folders, images_from)
        raise RepopeError(f"{line} ({error})") from error
    return {name: found.get(name, own / name) for name in names}


def _address(url: str, name: str) -> str:
    return f"{url.rstrip('/')}/{urllib.parse.quote(name)}"


def are_published(folder: Path) -> dict[str, bool]:
    """The annotation files that are in a folder, and whether each is the published one."""
    found, _ = locate_images(ANNOTATION_SHA256, [folder])
    return {name: _hash(path) == ANNOTATION_SHA256[name] for name, path in found.items()}


def _hash(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise RepopeError(f"{path}: cannot be read ({error.strerror}); check its permissions") from error


def _require_hash(path: Path, expected: str) -> None:
    found = _hash(path)
    if found != expected:
        raise RepopeError(
            f"{path}: SHA-256 is {found}, expected {expected}, so it is not the published file; remove it to "
            "have the right one fetched, or evaluate a file of your own with "
            "bench=custom bench.questions=FILE bench.relabels=FILE bench.images=FOLDER"
        )


def _missing_line(
    total: int, missing: Sequence[str], folders: Sequence[Path], images_from: ImageSource
) -> str:
    examples = ", ".join(missing[:3]) + (", ..." if len(missing) > 3 else "")
    other = "download" if images_from == "hub" else "hub"
    places = " and ".join(str(folder) for folder in folders)
    return (
        f"{len(missing)} of {counted(total, 'COCO image')} missing ({examples}) in {places}: "
        "name a folder that holds COCO's val2014 images with bench.images=FOLDER, or run "
        "`python -m repope_eval data bench=repope` on a machine with network, "
        f"or take them from elsewhere with bench.images_from={other}; fetching them failed"
    )
