"""Bounds of the numbers in a checkpoint's files: larger ones take memory or time before a weight is read."""

from collections.abc import Container, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from repope_eval.errors import RepopeError
from repope_eval.models.fields import Fields
from repope_eval.process.bounded_work import bounded_work
from repope_eval.settings.config import MOST_TILES

MOST_SECONDS = 25.0
"""The longest that reading a checkpoint's small files may compute, imports included; a large one takes a few."""

MOST_BYTES = 2 << 30
"""The most memory that reading a checkpoint's small files may take; the largest vocabularies take a fifth of it."""

_WIDTH = 1_000_000
"""The widest that a layer may be; Qwen2.5-72B's widest has 29,568 numbers."""

_SIDE = 10_000
"""The most pixels of a side; the published models' tiles have up to 896, their images of tiles up to 2,304."""

PROMPT_LENGTHS = {
    "num_image_tokens": 100_000,
    "image_seq_len": 100_000,
    "image_seq_length": 100_000,
    "mm_tokens_per_image": 100_000,
}
"""Fields that say how many tokens a prompt has in an image's place; see `LARGEST`."""

LARGEST = {
    **PROMPT_LENGTHS,
    "num_hidden_layers": 1_000,  # each takes a millisecond to build, without weights; the published have up to 80
    "depth": 1_000,
    "num_attention_heads": 10_000,
    "num_key_value_heads": 10_000,
    "hidden_size": _WIDTH,
    "head_dim": _WIDTH,
    "intermediate_size": _WIDTH,
    "projection_dim": _WIDTH,
    "vocab_size": 10_000_000,
    "num_channels": 100,
    "patch_size": _SIDE,
    "image_size": _SIDE,
    "force_image_size": _SIDE,
    "hidden_stride": _SIDE,
    "max_dynamic_patch": MOST_TILES,
    "height": _SIDE,
    "width": _SIDE,
    "shortest_edge": _SIDE,
    "longest_edge": _SIDE,
    "size": _SIDE,
    "crop_size": _SIDE,
    "downsample_ratio": 1,
    "rescale_factor": 1_000,
    "image_std": 1_000,
}
"""Field, in whichever part of a file it stands -> the largest number that it may be; all have to be above 0."""


@contextmanager
def bounded_reading(folder: Path) -> Iterator[None]:
    """Ends the reading of a checkpoint's small files where it takes too much time or memory: no table names all fields.

    Raises:
        RepopeError: it does, and nothing inside could say which file is to blame.
    """
    try:
        with bounded_work(MOST_SECONDS, MOST_BYTES):
            yield
    except (TimeoutError, MemoryError) as error:
        raise RepopeError(f"{folder}: reading its small files {error}; download it again") from error


def require_bounded(fields: Fields, largest: Mapping[str, float] = LARGEST) -> None:
    """Refuses numbers that are 0, below, or larger than a table says, alone or in a list.

    A value of another type is left to the classes that know each field's type.

    Raises:
        RepopeError: names the first such field.
    """
    for part, name in _named(fields, largest):
        if not all(0 < number <= largest[name] for number in _numbers(part.values[name])):
            raise part.error(name, f"a number above 0, at most {largest[name]:,}, is expected")


def _named(fields: Fields, names: Container[str]) -> Iterator[tuple[Fields, str]]:
    """Finds the named fields in a file, however deep they lie, each with the part that it is in."""
    parts = [fields]
    while parts:
        part = parts.pop()
        for name, value in part.values.items():
            if isinstance(value, dict):
                parts.append(Fields(part.path, value, (*part.parents, name)))
            elif name in names:
                yield part, name


def _numbers(value: Any) -> list[int | float]:
    listed = value if isinstance(value, list) else [value]
    return [number for number in listed if isinstance(number, int | float)]
