"""Files that a benchmark's authors publish: on this machine, or fetched from the first mirror that has them.

Question files are known by their hash, and images by their names.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from repope_eval.benchmarks.images import decodable, locate_images
from repope_eval.errors import RepopeError
from repope_eval.settings.config import BenchSettings
from repope_eval.settings.named_files import named_folder
from repope_eval.system.downloads import download_from_mirrors

PUBLISHED_ON_SERVERS = frozenset({"images", "images_url", "annotations", "annotations_url"})
"""The settings of a benchmark whose question files and images are both fetched from servers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedFiles:
    """Files that lie in one folder of a public repository, at one commit."""

    folder: str
    """Where they lie below data_dir."""
    sha256: Mapping[str, str]
    """The hash of each file by its name: one other byte, and published figures mean something else."""
    repository: str
    """Owner and name on GitHub."""
    commit: str
    path: str
    """The folder in the repository."""
    licence: str
    """What the repository says; `none stated` where it says nothing."""

    @property
    def origin(self) -> str:
        """Where they come from, in words."""
        where = f"{self.path} of github.com/{self.repository} at commit {self.commit}"
        return f"{where}; licence: {self.licence}"

    @property
    def page(self) -> str:
        """The address of the folder, for readers."""
        return f"https://github.com/{self.repository}/tree/{self.commit}/{self.path}"

    @property
    def mirrors(self) -> tuple[str, str]:
        """The addresses of the folder: GitHub's own, and that of a network which keeps copies of public commits."""
        return (
            f"https://raw.githubusercontent.com/{self.repository}/{self.commit}/{self.path}",
            f"https://cdn.jsdelivr.net/gh/{self.repository}@{self.commit}/{self.path}",
        )


def find_published_files(
    published: PublishedFiles, names: Sequence[str], settings: BenchSettings, data_dir: Path
) -> dict[str, Path]:
    """The files by their names: from data_dir, from `bench.annotations`, or fetched into the first.

    Args:
        names: those that are wanted, keys of `published.sha256`.
        settings: may name a further folder, and mirrors in place of the published ones.
        data_dir: the folder of data; it need not be writable, nor exist, when nothing is missing.
    """
    own = data_dir / published.folder
    beside = (
        [named_folder("bench.annotations", settings.annotations)] if settings.annotations is not None else []
    )
    paths, missing = locate_images(names, [own, *beside])
    for name, path in paths.items():
        actual, expected = file_hash(path), published.sha256[name]
        if actual != expected:
            raise RepopeError(
                f"{path}: SHA-256 is {actual}, expected {expected}, so it is not the published file; remove it to "
                "have the right one fetched, or evaluate a file of your own with "
                "bench=custom bench.questions=FILE bench.relabels=FILE bench.images=FOLDER"
            )
    download_from_mirrors(
        _addresses(settings.annotations_url, published.mirrors),
        own,
        {name: published.sha256[name] for name in missing},
        description="annotation files",
    )
    return {name: paths.get(name, own / name) for name in names}


def download_images(
    settings: BenchSettings, servers: Sequence[str], names: Sequence[str], folder: Path, description: str
) -> None:
    """Fetches images into a folder, from `bench.images_url` where that is given.

    Args:
        servers: the addresses that have the images otherwise, each with `/NAME` added to it.
        folder: the folder, which is made.
        description: what the images are, in the plural.
    """
    mirrors = _addresses(settings.images_url, servers)
    download_from_mirrors(mirrors, folder, dict.fromkeys(names), description=description, check=decodable)


def _addresses(given: str | None, published: Sequence[str]) -> Sequence[str]:
    """The addresses in a setting, which have spaces between them; the published ones where there are none."""
    return given.split() if given else published


def file_hash(path: Path) -> str:
    """The SHA-256 of a file."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise RepopeError(f"{path}: cannot be read ({error.strerror}); check its permissions") from error
