"""Images out of a dataset of the Hugging Face Hub that has them inside its Parquet files."""

import errno
import secrets
import stat
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from repope_eval.benchmarks.images import decodable, refuse_outside
from repope_eval.benchmarks.saved_datasets import require_own_files
from repope_eval.errors import RepopeError
from repope_eval.system import hub as hub_client
from repope_eval.system.downloads import LARGEST
from repope_eval.system.hub import NotHereError, is_network_off
from repope_eval.wording import counted, first_few, shown


def load_test_split(dataset: str, columns: Sequence[str], example: str) -> Any:
    """The split `test` of a dataset, its images left encoded.

    Args:
        dataset: id on the Hub, or a local folder of Parquet files.
        columns: those that are needed beside `image`.
        example: a dataset that has them, for messages.
    """
    return _load_with_images(dataset, columns, example, "a split `test`", split="test")


def load_parquet(dataset: str, files: Sequence[str], columns: Sequence[str], example: str) -> Any:
    """The rows of some Parquet files of a dataset, one file after another, their images left encoded."""
    return _load_with_images(
        dataset, columns, example, first_few(files), data_files=list(files), split="train"
    )


def _load_with_images(dataset: str, columns: Sequence[str], example: str, needs: str, **how: Any) -> Any:
    rows = load_rows(f"images of the dataset {dataset}", dataset, needs, **how)
    lacking = sorted({"image", *columns} - set(rows.column_names))
    if lacking:
        raise RepopeError(
            f"the dataset {dataset} has no column {' and no column '.join(lacking)}; "
            f"one like {example} is expected"
        )
    import datasets

    try:
        # Without this, each image would be decoded, and its original bytes be gone.
        return rows.cast_column("image", datasets.Image(decode=False))
    except Exception as error:  # the kinds of Arrow's that a column of something else has
        raise RepopeError(
            f"the dataset {dataset} has no images in its column image ({hub_client.deepest_reason(error)}); "
            f"one like {example} is expected"
        ) from error


def load_rows(what: str, dataset: str, needs: str, *, split: str, **how: Any) -> Any:
    """The rows of a dataset, as `datasets` loads them.

    Args:
        dataset: id on the Hub, or a local folder.
        needs: what the dataset must have, for messages.
        how: keywords of `datasets.load_dataset_builder`.

    Raises:
        NotHereError: it would have to be fetched, and the network is off.
        RepopeError: the dataset cannot be loaded, or its files lie elsewhere or unpack to too much.
    """
    revision = how.get("revision", "main")
    is_asked = is_hub_id(dataset) and not is_network_off()
    silence = hub_client.why_unreachable("datasets", dataset, revision) if is_asked else None
    import datasets  # slow to import, and rarely needed

    def load() -> Any:
        builder = datasets.load_dataset_builder(dataset, **how)
        require_own_files(builder, dataset)
        builder.download_and_prepare()
        return builder.as_dataset(split=split)

    try:
        with _hub_switched_off(silence is not None or is_network_off()):
            return hub_client.ask_quietly(load)
    except RepopeError:
        raise
    except Exception as error:  # offline, unknown, gated, no such split, full disk: many unrelated kinds
        if is_network_off():
            reason = hub_client.deepest_reason(error)
            raise NotHereError(f"{what} cannot be loaded from this machine alone ({reason})") from error
        raise RepopeError(
            f"{what} cannot be loaded ({silence or hub_client.deepest_reason(error)}); "
            "check the network, that the Hub is not switched off by HF_HUB_OFFLINE, and that the name "
            f"is a Hub dataset or a folder of Parquet files with {needs}"
        ) from error


def copy_rows(split: Any, row_of: Mapping[str, int | None], dataset: str, folder: Path, mend: str) -> None:
    """Writes the images of some rows into a folder, byte for byte as they were encoded.

    Args:
        row_of: the rows, counted from 0, by the path below `folder` that each image is written to; None where the
            dataset lacks the image.
        folder: the folder, made if need be; an image of the same name in it is replaced.
        mend: the end of the message where the dataset lacks images.

    Raises:
        RepopeError: an image is missing from its row or cannot be decoded, or the folder cannot be written. What was
            written before stays. Or the dataset lacks images: all others are written then.
    """
    for name in row_of:
        refuse_outside(name)
    numbered_names = sorted((number, name) for name, number in row_of.items() if number is not None)
    chosen = split.select([number for number, _ in numbered_names]).with_format("arrow")
    # Each row is a table of one row, and none of its content is copied yet.
    for (_, name), row in zip(numbered_names, chosen, strict=True):
        write_image(_encoded_image(row["image"][0], dataset, name), folder / name, f"the dataset {dataset}")
    lacking = [name for name, number in row_of.items() if number is None]
    if lacking:
        number = counted(len(row_of), "image")
        raise RepopeError(f"{dataset} lacks {len(lacking)} of {number} ({first_few(lacking)}){mend}")


def is_hub_id(dataset: str) -> bool:
    """Whether a name is that of a dataset on the Hub, and not of a folder here."""
    return dataset.count("/") == 1 and not dataset.startswith(("/", ".", "~")) and not Path(dataset).exists()


@contextmanager
def _hub_switched_off(off: bool) -> Iterator[None]:
    """Where `off`, keeps `datasets` from asking the Hub, so that it takes what is in its cache."""
    import datasets

    before = datasets.config.HF_HUB_OFFLINE
    datasets.config.HF_HUB_OFFLINE = off or before
    try:
        yield
    finally:
        datasets.config.HF_HUB_OFFLINE = before


def _encoded_image(image: Any, dataset: str, name: str) -> bytes:
    """The bytes of an image in a cell of Arrow's, which holds them or the path of a file."""
    content, path = (image["bytes"], image["path"].as_py()) if image.is_valid else (None, None)
    if content is not None and content.is_valid:
        _require_size(len(content.as_buffer()), dataset, name)
        return bytes(content.as_py())
    if path is None:
        raise RepopeError(f"the dataset {dataset} has no image for {name}; put it into place by hand")
    if not Path(dataset).is_dir():
        raise RepopeError(
            f"the dataset {dataset} names a file of this machine for {name}, {shown(path)}; "
            "use a dataset with the images inside its files"
        )
    file = Path(dataset, path)  # an absolute path stays what it is
    try:
        if not stat.S_ISREG(file.stat().st_mode):
            raise OSError(errno.EINVAL, "no ordinary file")
        _require_size(file.stat().st_size, dataset, name)
        return file.read_bytes()
    except (OSError, ValueError) as error:
        raise RepopeError(
            f"{path[:200]}, the image {name} of the dataset {dataset}, cannot be read "
            f"({getattr(error, 'strerror', error)}); use a dataset with the images inside its files"
        ) from error


def _require_size(size: int, dataset: str, name: str) -> None:
    if size > LARGEST:
        raise RepopeError(
            f"the image {name} of the dataset {dataset} has {size:,} bytes, too many for an image of a benchmark; "
            "put it into place by hand, or use another dataset"
        )


def write_image(content: bytes, path: Path, source: str) -> None:
    """Writes an image's file byte for byte, once it is known to be a whole image.

    Args:
        path: the file, whose folder is made if need be; one that is there is replaced.
        source: where the image comes from, for messages.
    """
    unfinished = path.with_name(f"{path.name}.{secrets.token_hex(4)}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            unfinished.write_bytes(content)
            decodable(unfinished)
            unfinished.replace(path)
        finally:
            unfinished.unlink(missing_ok=True)
    except OSError as error:
        raise RepopeError(
            f"{path.parent}: cannot be written ({error.strerror}); choose a folder that can be"
        ) from error
    except RepopeError as error:
        reason = str(error).removeprefix(f"{unfinished}: ")
        raise RepopeError(f"the image {path.name} of {source} {reason}") from error
