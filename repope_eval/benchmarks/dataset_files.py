"""The files that a dataset's card or names lead to: looked at before `datasets` unpacks them.

They stay within the dataset, and do not unpack to a hundred times what they are.
"""

import bz2
import gzip
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

from repope_eval.benchmarks.parquet_bounds import in_memory, require_bounded
from repope_eval.benchmarks.saved_datasets import batches_of, require_inside
from repope_eval.errors import RepopeError
from repope_eval.wording import shown

_HUB = "hf://"
_PARQUET, _ARROW_FILE = b"PAR1", b"ARROW1"
_PIECE = 1 << 20


def require_own_files(builder: Any, dataset: str) -> None:
    """Refuses a dataset with files that lie elsewhere, or unpack to too much.

    Files of the Hub are fetched. Nothing is looked at that is in the cache of `datasets` already, made ready.

    Args:
        builder: what `datasets` makes of the dataset before it reads the files.
        dataset: id on the Hub, or a local folder.

    Raises:
        RepopeError: there is such a file.
    """
    names = [str(name) for name in chain.from_iterable((builder.config.data_files or {}).values())]
    # Of `zip://in/it.csv::archive.zip`, the archive is the file.
    files = [name.rpartition("::")[2] for name in names]
    folder = Path(dataset)
    for file in files:
        if folder.is_dir():
            require_inside(Path(file), folder, dataset)
        elif not file.startswith(_HUB):
            raise RepopeError(
                f"the dataset {dataset} names a file that is not the Hub's, {shown(file)}; use another dataset"
            )
    if Path(builder.cache_dir).is_dir():
        return
    for path in map(Path, files if folder.is_dir() else _fetched(files)):
        _require_small(path, is_arrow=builder.name == "arrow")


def _fetched(files: list[str]) -> list[str]:
    import datasets  # slow to import, and rarely needed

    return list(datasets.DownloadManager().download(files))


def _require_small(path: Path, *, is_arrow: bool) -> None:
    with path.open("rb") as file:
        head = file.read(len(_ARROW_FILE))
    if head.startswith(_PARQUET):
        require_bounded(path)
    elif head == _ARROW_FILE:
        raise RepopeError(f"{path}: is an Arrow file, which may be packed; write it as Parquet")
    elif is_arrow:
        for _ in batches_of(path):
            pass
    else:
        _require_small_archive(path)


def _require_small_archive(path: Path) -> None:
    """Refuses an archive that unpacks to too much; what is none passes."""
    import datasets.utils.extract

    most, total = in_memory(path.stat().st_size), 0
    try:
        kind = datasets.utils.extract.Extractor.infer_extractor_format(path)
        if kind is None:
            return
        if kind not in _UNPACKED:
            raise RepopeError(
                f"{path}: is packed as {kind}; unpack it, and leave the archive out of the folder"
            )
        for size in _UNPACKED[kind](path):
            total += size
            if total > most:
                raise RepopeError(
                    f"{path}: unpacks to more than {most // 10**6:,} MB; unpack it yourself, and keep what is needed"
                )
    except (OSError, EOFError, ValueError, tarfile.TarError, zipfile.BadZipFile) as error:
        raise RepopeError(f"{path}: is no whole archive ({shown(str(error))}); pack it anew") from error


def _pieces(opener: Callable[[Path], Any], path: Path) -> Iterator[int]:
    with opener(path) as file:
        while piece := file.read(_PIECE):
            yield len(piece)


def _in_zip(path: Path) -> Iterator[int]:
    with zipfile.ZipFile(path) as archive:  # which unpacks no more than it says
        yield from (part.file_size for part in archive.infolist())


def _in_tar(path: Path) -> Iterator[int]:
    with tarfile.open(path) as archive:
        yield from (member.size for member in archive)


_UNPACKED: dict[str, Callable[[Path], Iterator[int]]] = {
    "tar": _in_tar,
    "zip": _in_zip,
    "gzip": partial(_pieces, gzip.open),
    "bz2": partial(_pieces, bz2.open),
}
"""What archives unpack to, piece by piece, by the names that `datasets` has for their kinds."""
