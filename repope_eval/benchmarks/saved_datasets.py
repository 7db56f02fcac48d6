"""Datasets on this machine: the files that a card leads to, and folders that `save_to_disk` of `datasets` wrote.

They are read without `datasets`: only the names of the files in its notes count, not the format that a program had
chosen for reading them.

Files that lie outside the dataset are refused, and so are files that unpack to far more than their size.
"""

import bz2
import gzip
import struct
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

from repope_eval.errors import RepopeError
from repope_eval.settings.fields import nearest
from repope_eval.system.json_files import read_json
from repope_eval.system.parquet import bytes_at_once, require_bounded
from repope_eval.wording import shown

STATE, SPLITS = "state.json", "dataset_dict.json"
"""The notes of one dataset, and of several splits, each of which is a folder."""

_RECORD_BATCH, _DICTIONARY = "record batch", "dictionary"
_HEADER, _COMPRESSION = 2, 3
"""Fields of Arrow's tables for a message, and for a batch of records."""


def is_saved(folder: Path) -> bool:
    """Whether `save_to_disk` wrote a folder."""
    return any((folder / name).is_file() for name in (STATE, SPLITS))


def saved_files(folder: Path, split: str) -> list[Path]:
    """The files of a dataset that was saved alone, or of one of several splits."""
    whole = folder
    if (folder / SPLITS).is_file():
        splits = _read_note(folder / SPLITS, "splits")
        if not isinstance(splits, list) or not all(isinstance(name, str) for name in splits):
            raise RepopeError(f"{folder / SPLITS}: has no list of splits; save the dataset anew")
        if split not in splits:
            raise RepopeError(
                f"{folder}: has no split {shown(split)}{nearest(split, splits)}; give bench.split=SPLIT, one of "
                f"{', '.join(splits)}"
            )
        folder /= split
    state = folder / STATE
    files = _read_note(state, "_data_files")
    names = [
        isinstance(file, dict) and file.get("filename") for file in (files if isinstance(files, list) else ())
    ]
    if not names or not all(isinstance(name, str) for name in names):
        raise RepopeError(f"{state}: has no list of _data_files with a filename each; save the dataset anew")
    paths = [folder / str(name) for name in names]
    for path in paths:
        _require_in_dataset(path, whole, str(state))
    return paths


def _read_note(path: Path, name: str) -> Any:
    """What the notes in a file have under a name; None where they have nothing."""
    try:
        notes = read_json(path)
    except RepopeError as error:
        raise RepopeError(f"{error}; save the dataset anew") from error
    return notes.get(name) if isinstance(notes, dict) else None


def _require_in_dataset(path: Path, folder: Path, where: str) -> None:
    """Refuses a file that lies elsewhere than its dataset, also one that a link leads to.

    Args:
        folder: the folder of the dataset. In the Hub's cache, whose files are links, that of all its revisions counts.
        where: what names the file, for messages.
    """
    try:
        real, own = path.resolve(), folder.resolve()
    except (OSError, RuntimeError, ValueError) as error:  # links in a circle, names with a NUL
        raise RepopeError(
            f"{where}: its file {shown(str(path))} cannot be looked up; mend its name"
        ) from error
    if own.parent.name == "snapshots":
        own = own.parent.parent
    if not real.is_relative_to(own):
        raise RepopeError(
            f"{where}: its file {shown(str(path))} lies outside of {own}; put a copy into the dataset's folder"
        )


@contextmanager
def _arrow_messages(path: Path) -> Iterator[Any]:
    """The messages of an Arrow stream; what is wrong with it is a RepopeError."""
    import pyarrow  # slow to import, and rarely needed

    try:
        with pyarrow.memory_map(str(path)) as source:
            yield pyarrow.ipc.MessageReader.open_stream(source)
    except (OSError, struct.error, ValueError, pyarrow.ArrowException) as error:
        reason = shown(str(error).strip().partition("\n")[0])
        raise RepopeError(f"{path}: is no whole Arrow stream ({reason}); save the dataset anew") from error


def schema_of(path: Path) -> Any:
    """The schema of an Arrow stream."""
    import pyarrow

    with _arrow_messages(path) as messages:
        return pyarrow.ipc.read_schema(_next_message(messages))


def batches_of(path: Path) -> Iterator[Any]:
    """The batches of an Arrow stream, whose cells stay in the file until they are copied.

    `datasets` neither packs batches nor writes dictionaries, which would be in memory as a whole before they are seen.
    """
    import pyarrow

    with _arrow_messages(path) as messages:
        schema = pyarrow.ipc.read_schema(_next_message(messages))
        while True:
            try:
                message = messages.read_next_message()
            except StopIteration:
                return
            if message.type == _DICTIONARY or _is_packed(message.metadata.to_pybytes()):
                raise RepopeError(
                    f"{path}: is packed, which `datasets` does not write; save the dataset anew"
                )
            batch = pyarrow.ipc.read_record_batch(message, schema)
            batch.validate(full=True)  # its numbers say where cells begin and end
            yield batch


def _next_message(messages: Any) -> Any:
    try:
        return messages.read_next_message()
    except StopIteration:
        raise ValueError("it is empty") from None


def _is_packed(metadata: bytes) -> bool:
    """Whether the buffers of a batch of records are compressed, by the head of its message."""
    message = struct.unpack_from("<I", metadata)[0]
    header = _field_place(metadata, message, _HEADER)
    return bool(
        header
        and _field_place(metadata, header + struct.unpack_from("<I", metadata, header)[0], _COMPRESSION)
    )


def _field_place(metadata: bytes, table: int, number: int) -> int:
    """The place of a field in a table of FlatBuffers; 0 where the table lacks it."""
    fields = table - struct.unpack_from("<i", metadata, table)[0]
    size = struct.unpack_from("<H", metadata, fields)[0]
    at = 4 + 2 * number
    offset = struct.unpack_from("<H", metadata, fields + at)[0] if at < size else 0
    return table + offset if offset else 0


_HUB = "hf://"
_PARQUET, _ARROW_FILE = b"PAR1", b"ARROW1"
_PIECE = 1 << 20


def require_own_files(builder: Any, dataset: str) -> None:
    """Refuses a dataset with files that lie elsewhere, or unpack to too much.

    Files of the Hub are fetched. A dataset that is ready in the cache of `datasets` is not looked at again.
    """
    names = [str(name) for name in chain.from_iterable((builder.config.data_files or {}).values())]
    # In `zip://in/it.csv::archive.zip`, the archive is the file that lies somewhere.
    files = [name.rpartition("::")[2] for name in names]
    folder = Path(dataset)
    for file in files:
        if folder.is_dir():
            _require_in_dataset(Path(file), folder, dataset)
        elif not file.startswith(_HUB):
            raise RepopeError(
                f"the dataset {dataset} names a file that is not the Hub's, {shown(file)}; use another dataset"
            )
    if Path(builder.cache_dir).is_dir():
        return
    for path in map(Path, files if folder.is_dir() else _fetched_files(files)):
        _require_small(path, is_arrow=builder.name == "arrow")


def _fetched_files(files: list[str]) -> list[str]:
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
    """Refuses an archive that unpacks to too much; a file that is no archive passes."""
    import datasets.utils.extract

    most, total = bytes_at_once(path.stat().st_size), 0
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


def _piece_sizes(opener: Callable[[Path], Any], path: Path) -> Iterator[int]:
    with opener(path) as file:
        while piece := file.read(_PIECE):
            yield len(piece)


def _zip_sizes(path: Path) -> Iterator[int]:
    with zipfile.ZipFile(path) as archive:  # which unpacks no more than it says
        yield from (part.file_size for part in archive.infolist())


def _tar_sizes(path: Path) -> Iterator[int]:
    with tarfile.open(path) as archive:
        yield from (member.size for member in archive)


_UNPACKED: dict[str, Callable[[Path], Iterator[int]]] = {
    "tar": _tar_sizes,
    "zip": _zip_sizes,
    "gzip": partial(_piece_sizes, gzip.open),
    "bz2": partial(_piece_sizes, bz2.open),
}
"""The functions that give the sizes of what an archive unpacks to, by the names that `datasets` has for the kinds."""
