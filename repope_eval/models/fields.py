"""The fields of a checkpoint's JSON files, read in one place and within bounds, so that errors name file and field."""

from collections.abc import Container, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from repope_eval.errors import RepopeError
from repope_eval.settings.config import MOST_TILES
from repope_eval.system.bounded_work import bounded_work
from repope_eval.wording import shown

_LONGEST_SHOWN = 200
"""Characters of a field's name, or of a library's text, that stand in a message: enough to find it in the file."""


@dataclass(frozen=True, slots=True)
class Fields:
    """The fields of a JSON object, each asked for with the type that it has to have.

    A field that is left out, or null, has the default that it is asked for with: the default of the class that
    wrote the file. Each method raises RepopeError where a field is of another type.
    """

    path: Path
    values: dict[str, Any]
    parents: tuple[str, ...] = ()
    """Names of the fields that the object is in, the outermost first."""

    def part(self, name: str) -> "Fields":
        """Reads a field that has to be an object; one that is left out has no fields."""
        return Fields(self.path, self._value(name, {}, "an object", dict), (*self.parents, name))

    def count(self, name: str, default: int) -> int:
        """Reads a field that has to be a whole number above 0."""
        return int(self._value(name, default, "a whole number above 0", int, above_0=True))

    def integer(self, name: str, default: int) -> int:
        """Reads a field that has to be a whole number, of any sign."""
        return int(self._value(name, default, "a whole number", int))

    def number(self, name: str, default: float) -> float:
        """Reads a field that has to be a number above 0, whole or not."""
        return float(self._value(name, default, "a number above 0", int, float, above_0=True))

    def flag(self, name: str, default: bool) -> bool:
        """Reads a field that has to be true or false."""
        return bool(self._value(name, default, "true or false", bool))

    def text(self, name: str, default: str) -> str:
        """Reads a field that has to be a text."""
        return str(self._value(name, default, "a text", str))

    def texts(self, name: str) -> list[str]:
        """Reads a field that has to be a list of texts; one that is left out is empty."""
        texts: list[str] = self._value(name, [], "a list of texts", list)
        if not all(isinstance(text, str) for text in texts):
            raise self.error(name, "a list of texts is expected")
        return texts

    def token_ids(self, name: str) -> tuple[int, ...]:
        """Reads a field that has to be a token's id, or a list of ids; one that is left out is empty."""
        value = self._value(name, [], "a token's id, or a list of ids", int, list)
        token_ids = value if isinstance(value, list) else [value]
        if not all(type(token_id) is int for token_id in token_ids):
            raise self.error(name, "a token's id, or a list of ids, is expected")
        return tuple(token_ids)

    def stated(self, names: Iterable[str]) -> dict[str, Any]:
        """The fields of these names that are not left out, unchecked: for a class that checks them itself."""
        return {name: self.values[name] for name in names if name in self.values}

    def error(self, name: str, expected: str) -> RepopeError:
        """The error that says that a field is wrong, and what is expected instead."""
        dotted = ".".join(map(_quoted_name, (*self.parents, name)))
        return RepopeError(f"{self.path}: {dotted} is {shown(self.values.get(name))}; {expected}")

    def _value(self, name: str, default: Any, expected: str, *kinds: type, above_0: bool = False) -> Any:
        value = self.values.get(name)
        if value is None:
            value = default
        is_of_kind = isinstance(value, kinds) and (bool in kinds or not isinstance(value, bool))
        if not is_of_kind or (above_0 and value <= 0):
            raise self.error(name, f"{expected} is expected")
        return value


def _quoted_name(name: str) -> str:
    """The name of a field for a message; it may be any text where tokens are names of fields."""
    return name if name.isprintable() and len(name) <= _LONGEST_SHOWN else shown(name)


def fields_of(path: Path, document: Any) -> Fields:
    """The fields of a JSON file's content."""
    if not isinstance(document, dict):
        raise RepopeError(f"{path}: is a JSON {type(document).__name__}, not an object; download it again")
    return Fields(path, document)


@contextmanager
def blamed_on(what: Path | str) -> Iterator[None]:
    """Turns whatever a library raises about a file's content into a RepopeError that names the file.

    Only a library's call with that content belongs inside. Libraries raise errors of all kinds, so a mistake of the
    project's own would be blamed on the file as well.
    """
    try:
        yield
    except Exception as error:
        raise RepopeError(f"{what}: cannot be used ({first_line(error)}); download it again") from error


def first_line(error: BaseException) -> str:
    """The kind of an error and the first line of its text, cut where it is long."""
    line, *_ = str(error).strip().splitlines() or [""]
    text = line if len(line) <= _LONGEST_SHOWN else f"{line[:_LONGEST_SHOWN]}..."
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


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
    for part, name in _named_fields(fields, largest):
        if not all(0 < number <= largest[name] for number in _numbers_in(part.values[name])):
            raise part.error(name, f"a number above 0, at most {largest[name]:,}, is expected")


def _named_fields(fields: Fields, names: Container[str]) -> Iterator[tuple[Fields, str]]:
    """Finds the named fields in a file, however deep they lie, each with the part that it is in."""
    parts = [fields]
    while parts:
        part = parts.pop()
        for name, value in part.values.items():
            if isinstance(value, dict):
                parts.append(Fields(part.path, value, (*part.parents, name)))
            elif name in names:
                yield part, name


def _numbers_in(value: Any) -> list[int | float]:
    listed = value if isinstance(value, list) else [value]
    return [number for number in listed if isinstance(number, int | float)]
