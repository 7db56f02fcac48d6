"""Question files that are known by their hash: on this machine, or fetched from the first mirror that has them."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from repope_eval.benchmarks.images import locate_images
from repope_eval.downloads.download import download_from_mirrors
from repope_eval.errors import RepopeError


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
    def mirrors(self) -> tuple[str, str]:
        """The addresses of the folder: GitHub's own, and that of a network which keeps copies of public commits."""
        return (
            f"https://raw.githubusercontent.com/{self.repository}/{self.commit}/{self.path}",
            f"https://cdn.jsdelivr.net/gh/{self.repository}@{self.commit}/{self.path}",
        )


def find_published_files(
    published: PublishedFiles,
    names: Sequence[str],
    *,
    data_dir: Path,
    beside: Path | None = None,
    addresses: str | None = None,
) -> dict[str, Path]:
    """The files by their names: from data_dir, from another folder, or fetched into the first.

    Args:
        published: the files that there are.
        names: those that are wanted, keys of `published.sha256`.
        data_dir: the folder of data; it need not be writable, nor exist, when nothing is missing.
        beside: a further folder that may hold the files.
        addresses: mirrors in place of the published ones, with spaces between them.

    Raises:
        RepopeError: a file has another hash than the published one, or no mirror has it.
    """
    own = data_dir / published.folder
    found, missing = locate_images(names, [own] if beside is None else [own, beside])
    for name, path in found.items():
        actual, expected = file_hash(path), published.sha256[name]
        if actual != expected:
            raise RepopeError(
                f"{path}: SHA-256 is {actual}, expected {expected}, so it is not the published file; remove it to "
                "have the right one fetched, or evaluate a file of your own with "
                "bench=custom bench.questions=FILE bench.relabels=FILE bench.images=FOLDER"
            )
    download_from_mirrors(
        addresses.split() if addresses else published.mirrors,
        own,
        {name: published.sha256[name] for name in missing},
        description="annotation files",
    )
    return {name: found.get(name, own / name) for name in names}


def file_hash(path: Path) -> str:
    """The SHA-256 of a file.

    Raises:
        RepopeError: the file cannot be read.
    """
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise RepopeError(f"{path}: cannot be read ({error.strerror}); check its permissions") from error
