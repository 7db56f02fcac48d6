"""A checkpoint's files of weights: whether all are there, and whole."""

from dataclasses import dataclass
from math import prod
from pathlib import Path

from safetensors import SafetensorError, safe_open

from repope_eval.errors import RepopeError
from repope_eval.json_files import read_json
from repope_eval.models.fields import fields_of
from repope_eval.wording import counted

INDEX = "model.safetensors.index.json"


@dataclass(frozen=True, slots=True)
class WeightFiles:
    """All of a checkpoint's."""

    number: int
    bytes: int
    n_weights: int
    """Numbers in all tensors."""


def find_weight_files(folder: Path) -> list[Path]:
    """The files of weights in a folder.

    Raises:
        RepopeError: there is none.
    """
    found = sorted(folder.glob("model*.safetensors"))
    if not found:
        raise RepopeError(f"{folder}: holds no model*.safetensors; other formats of weights are not read")
    return found


def verify_weight_files(folder: Path) -> WeightFiles:
    """Checks that every file that the index names is there, and that none is cut short; no weight is read.

    Raises:
        RepopeError: a file is missing or damaged.
    """
    paths = find_weight_files(folder)
    if (folder / INDEX).is_file():
        _verify_index(folder / INDEX, {path.name for path in paths})
    n_weights = 0
    for path in paths:
        try:
            with safe_open(path, framework="numpy") as file:  # its header says how long the file has to be
                n_weights += sum(prod(file.get_slice(name).get_shape()) for name in file.keys())  # noqa: SIM118
        except (SafetensorError, OSError) as error:
            raise RepopeError(
                f"{path}: is damaged ({error}); remove it and what it links to, and download it again"
            ) from error
    return WeightFiles(len(paths), sum(path.stat().st_size for path in paths), n_weights)


def _verify_index(index: Path, present: set[str]) -> None:
    """Checks that the files are there which an index names, and that it is one as transformers reads it."""
    fields = fields_of(index, read_json(index))
    weights = fields.part("weight_map")
    named = {weights.text(name, "") for name in weights.values}
    missing = sorted(named - present)
    if missing:
        raise RepopeError(
            f"{index.parent}: {len(missing)} of {counted(len(named), 'file')} of weights missing, first {missing[0]}; "
            "download them again"
        )
    if not named or "metadata" not in fields.values:
        raise RepopeError(f"{index}: lacks its weight_map or its metadata; download it again")
