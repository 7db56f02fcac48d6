"""Images out of a dataset of the Hugging Face Hub that carries them inside its Parquet files."""

import errno
import secrets
import stat
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from repope_eval.benchmarks.images import decodable, refuse_outside
from repope_eval.downloads import hub as hub_client
from repope_eval.downloads.fetch import LARGEST
from repope_eval.errors import RepopeError
from repope_eval.wording import counted, shown

POPE_COLUMNS = ("image_source",)
DASH_B_COLUMNS = ("question", "object", "answer", "img_id")
"""Columns that are read beside `image`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HubRow:
    """A row of DASH-B's dataset without its image."""

    number: int
    """Counted from 0."""
    text: str
    """The question."""
    object: str
    image: str
    """File name of the image, unique among those of its object and label."""
    label: bool


def copy_hub_images(dataset: str, names: Sequence[str], folder: Path) -> None:
    """Writes the named images of a dataset into a folder, byte for byte as they were encoded.

    Args:
        dataset: id on the Hub, or a local folder of Parquet files; split `test` with the columns
            `image_source` (a COCO name without `.jpg`) and `image`.
        names: COCO names, such as `COCO_val2014_000000310196.jpg`.
        folder: made if need be; an image of the same name in it is replaced.

    Raises:
        RepopeError: the dataset cannot be loaded or lacks a column or an image, an image in it cannot be
            decoded, or the folder cannot be written. What was written before stays.
    """
    for name in names:
        refuse_outside(name)
    rows = _load(dataset, POPE_COLUMNS, "lmms-lab/POPE")
    row_of = _first_rows(rows, names)
    _copy(rows, row_of, dataset, folder)
    missing = [name for name in names if name not in row_of]
    if missing:
        examples = ", ".join(missing[:3]) + (", ..." if len(missing) > 3 else "")
        raise RepopeError(
            f"{dataset} lacks {len(missing)} of {counted(len(names), 'image')} ({examples}); "
            f"check that it is POPE on COCO, or put the missing images into {folder} by hand"
        )


def dash_b_rows(dataset: str) -> tuple[HubRow, ...]:
    """The rows of DASH-B's dataset, or of one like it, or of a local folder of Parquet files; split `test`.

    Raises:
        RepopeError: it cannot be loaded, lacks a column, or a row holds something else than is expected.
    """
    rows = _load(dataset, DASH_B_COLUMNS, "YanNeu/DASH-B")
    table = rows.select_columns(list(DASH_B_COLUMNS)).to_dict()
    found = []
    known: set[tuple[str, str, str]] = set()
    for number, (text, name, answer, image) in enumerate(
        zip(*(table[column] for column in DASH_B_COLUMNS), strict=True)
    ):
        label = str(answer).strip().lower()
        key = (label, str(name), str(image))
        if label not in ("yes", "no") or not (text and name) or image in (None, "") or key in known:
            raise RepopeError(
                f"the dataset {dataset}, row {number + 1}: question {shown(text)}, object {shown(name)}, "
                f"answer {shown(answer)}, img_id {shown(image)}; texts, an answer of yes or no, and an img_id of its "
                "own are expected"
            )
        refuse_outside(f"{name}/{image}")
        known.add(key)
        found.append(
            HubRow(number=number, text=str(text), object=str(name), image=str(image), label=label == "yes")
        )
    return tuple(found)


def copy_hub_rows(dataset: str, row_of: Mapping[str, int], folder: Path) -> None:
    """Writes the images of some rows of DASH-B's dataset into a folder, byte for byte as they were encoded.

    Args:
        dataset: as in `dash_b_rows`.
        row_of: the rows' numbers, by the path below `folder` that each image is written to.
        folder: made if need be; an image of the same name in it is replaced.

    Raises:
        RepopeError: as in `copy_hub_images`.
    """
    for name in row_of:
        refuse_outside(name)
    _copy(_load(dataset, DASH_B_COLUMNS, "YanNeu/DASH-B"), row_of, dataset, folder)


def _copy(rows: Any, row_of: Mapping[str, int], dataset: str, folder: Path) -> None:
    chosen = rows.select(list(row_of.values())).with_format("arrow")
    # Each row is a table of one, of which nothing is copied yet.
    for name, row in zip(row_of, chosen, strict=True):
        _write(_encoded(row["image"][0], dataset, name), folder / name, dataset)


def _load(dataset: str, columns: Sequence[str], example: str) -> Any:
    """The `test` split, its images left encoded."""
    silence = hub_client.silence("datasets", dataset) if _is_hub_id(dataset) else None
    import datasets  # slow to import, and rarely needed

    try:
        with _switched_off(silence is not None):
            rows: Any = hub_client.ask_quietly(lambda: datasets.load_dataset(dataset, split="test"))
    except Exception as error:  # offline, unknown, gated, no such split, full disk: many unrelated kinds
        raise RepopeError(
            f"images of the dataset {dataset} cannot be loaded ({silence or hub_client.deepest_reason(error)}); "
            "check the network, that the Hub is not switched off by HF_HUB_OFFLINE, and that the name "
            "is a Hub dataset or a folder of Parquet files with a split `test`"
        ) from error
    lacking = sorted({"image", *columns} - set(rows.column_names))
    if lacking:
        raise RepopeError(
            f"the dataset {dataset} has no column {' and no column '.join(lacking)}; "
            f"one like {example} is expected"
        )
    try:
        # Without this, each image would be decoded, and its original bytes be gone.
        return rows.cast_column("image", datasets.Image(decode=False))
    except Exception as error:  # the kinds of Arrow's that a column of something else has
        raise RepopeError(
            f"the dataset {dataset} has no images in its column image ({hub_client.deepest_reason(error)}); "
            f"one like {example} is expected"
        ) from error


def _is_hub_id(dataset: str) -> bool:
    return dataset.count("/") == 1 and not dataset.startswith(("/", ".", "~")) and not Path(dataset).exists()


@contextmanager
def _switched_off(off: bool) -> Iterator[None]:
    """Where `off`, has `datasets` ask for nothing on the Hub and take what it has in its cache."""
    import datasets

    before = datasets.config.HF_HUB_OFFLINE
    datasets.config.HF_HUB_OFFLINE = off or before
    try:
        yield
    finally:
        datasets.config.HF_HUB_OFFLINE = before


def _first_rows(rows: Any, names: Sequence[str]) -> dict[str, int]:
    """The first row of each wanted image, in the dataset's order; only the column of names is read."""
    wanted = {name.removesuffix(".jpg"): name for name in names}
    row_of: dict[str, int] = {}
    for number, source in enumerate(rows.select_columns("image_source")["image_source"]):
        name = wanted.get(str(source).removesuffix(".jpg"))
        if name is not None:
            row_of.setdefault(name, number)
    return row_of


def _encoded(image: Any, dataset: str, name: str) -> bytes:
    """The bytes of an image cell of Arrow's, which holds them or the path of a file."""
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


def _write(content: bytes, path: Path, dataset: str) -> None:
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
        raise RepopeError(f"the image {path.name} of the dataset {dataset} {reason}") from error
