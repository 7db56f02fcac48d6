"""A checkpoint's files of weights: whether all are there, and whole."""

from dataclasses import dataclass
from pathlib import Path

from safetensors import SafetensorError, safe_open

from repope_eval.errors import RepopeError
from repope_eval.json_files import read_json

INDEX = "model.safetensors.index.json"


@dataclass(frozen=True, slots=True)
class WeightFiles:
    """All of a checkpoint's."""

    number: int
    bytes: int


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
    index = folder / INDEX
    if index.is_file():
        named = set(read_json(index).get("weight_map", {}).values())
        missing = sorted(named - {path.name for path in paths})
        if missing:
            raise RepopeError(
                f"{folder}: {len(missing)} of {len(named)} files of weights are missing, first {missing[0]}; "
                "download them again"
            )
    for path in paths:
        try:
            with safe_open(path, framework="numpy"):  # its header says how long the file has to be
                pass
        except (SafetensorError, OSError) as error:
            raise RepopeError(
                f"{path}: is damaged ({error}); remove it and what it links to, and download it again"
            ) from error
    return WeightFiles(len(paths), sum(path.stat().st_size for path in paths))
