"""A checkpoint's files of weights: whether all are there, and whole, and the fingerprints by which files are known."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from math import prod
from pathlib import Path

from safetensors import SafetensorError, safe_open

from repope_eval.errors import RepopeError
from repope_eval.models.fields import fields_of
from repope_eval.system.json_files import read_json
from repope_eval.system.texts import content_hash
from repope_eval.wording import counted

INDEX = "model.safetensors.index.json"

_WHOLE = "model.safetensors"
"""Name of the only file of weights, where there is no index of several files."""

ADAPTER_CONFIG = "adapter_config.json"
ADAPTER_WEIGHTS = "adapter_model.safetensors"
"""The files of an adapter, as PEFT names them."""

_FORMATS = {"F16", "BF16", "F32", "F64"}
"""Number formats of weights; others belong to quantized checkpoints, which are not read."""

_NO_WEIGHTS = ("position_ids", "num_batches_tracked")
"""Ends of the names of tensors that only count: positions from 0 on, or the batches that a BatchNorm was trained on."""


@dataclass(frozen=True, slots=True)
class WeightFiles:
    """The files of a checkpoint's weights, all together."""

    number: int
    bytes: int
    n_weights: int
    """How many numbers all tensors have."""


def find_weight_files(folder: Path) -> list[Path]:
    """The files of weights in a folder."""
    files = sorted(folder.glob("model*.safetensors"))
    if not files:
        raise RepopeError(f"{folder}: holds no model*.safetensors; other formats of weights are not read")
    return files


def verify_weight_files(folder: Path) -> WeightFiles:
    """Checks that all files are there, and that each is whole and holds weights; no weight is read.

    Raises:
        RepopeError: a file is missing or damaged, or transformers would take other weights than these.
    """
    if (folder / ADAPTER_CONFIG).exists():
        raise RepopeError(
            f"{folder / ADAPTER_CONFIG}: an adapter beside the weights is not applied; put its two files into a folder "
            "of their own, and give that as model.adapter"
        )
    paths = find_weight_files(folder)
    tensors = {path.name: _read_header(path) for path in paths}
    if (folder / INDEX).is_file():
        _verify_index(folder / INDEX, tensors)
    elif _WHOLE not in tensors:
        raise RepopeError(f"{folder}: holds several files of weights and no {INDEX}; download it again")
    n_weights = sum(prod(shape) for shapes in tensors.values() for shape in shapes.values())
    return WeightFiles(len(paths), sum(path.stat().st_size for path in paths), n_weights)


def read_shapes(folder: Path) -> dict[str, list[int]]:
    """The shapes of a checkpoint's tensors by name, whichever file they are in."""
    return {name: shape for path in find_weight_files(folder) for name, shape in _read_header(path).items()}


def _read_header(path: Path) -> dict[str, list[int]]:
    """Reads the names of a file's tensors, and their shapes."""
    if not path.is_file():
        raise RepopeError(f"{path}: is no file, nor a link to one; remove it, and download it again")
    shapes: dict[str, list[int]] = {}
    try:
        with safe_open(path, framework="numpy") as file:  # its header says how long the file has to be
            for name in file.keys():  # noqa: SIM118
                tensor = file.get_slice(name)
                shapes[name] = tensor.get_shape()
                if tensor.get_dtype() not in _FORMATS and not name.endswith(_NO_WEIGHTS):
                    raise RepopeError(
                        f"{path}: holds {name!r} in {tensor.get_dtype()}; checkpoints that are quantized already "
                        "are not read, take the original and model.quantization"
                    )
    except (SafetensorError, OSError) as error:
        raise RepopeError(
            f"{path}: is damaged ({error}); remove it and what it links to, and download it again"
        ) from error
    return shapes


def _verify_index(index: Path, tensors: Mapping[str, Mapping[str, list[int]]]) -> None:
    """Checks that the files which an index names are there, and that transformers can read the index.

    Args:
        tensors: the tensors of the files in the folder itself, by file. An index may name a file elsewhere, whose
            content is not the checkpoint's.
    """
    fields = fields_of(index, read_json(index))
    weights = fields.part("weight_map")
    named = {weights.text(name, "") for name in weights.values}
    missing = sorted(named - set(tensors))
    if missing:
        raise RepopeError(
            f"{index.parent}: {len(missing)} of {counted(len(named), 'file')} of weights missing, first "
            f"{missing[0]!r}; download them again"
        )
    if not named or not isinstance(fields.values.get("metadata"), dict):
        raise RepopeError(f"{index}: lacks its weight_map or its metadata; download it again")
    counts = Counter(chain.from_iterable(tensors[name] for name in named))
    twice = [tensor for tensor, number in counts.items() if number > 1]
    if twice:
        raise RepopeError(
            f"{index.parent}: {twice[0]!r} is in more than one file of weights; download them again"
        )


DESCRIPTIONS = (
    "config.json",
    "generation_config.json",
    "*processor_config.json",
    "tokenizer*",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab*",
    "merges.txt",
    "chat_template*",
    "*.model",
    "*.tiktoken",
    "tekken.json",
    "*.index.json",
)
"""Names of the small files that answers depend on; nothing reads the others that a folder may hold."""

SAMPLE = 4096
"""Bytes that are read of a tensor at its start, in its middle and at its end."""


def fingerprint(
    folder: Path, processor_folder: Path | None = None, adapter_folder: Path | None = None
) -> dict[str, str]:
    """Name -> fingerprint of each of a checkpoint's files; it is the same wherever the files lie.

    A small file's is the SHA-256 of the whole file (`sha256:`). A file of weights has the SHA-256 of its length, its
    header (each tensor's name, number format, shape and offset) and three samples of each tensor, its first, middle
    and last 4 KiB; a tensor of up to 12 KiB is read whole (`sampled:`). Another model, another training step, a merged
    adapter or another number format changes tensors throughout, and so the fingerprint. A change of a few numbers
    between the samples does not.

    Args:
        processor_folder: the folder of the small files that `folder` lacks (see `Checkpoint`); None if it lacks none.
        adapter_folder: the folder of the adapter that is merged into the weights; None if there is none.

    Raises:
        RepopeError: a file cannot be read, or holds no weights; or there is no file of weights.
    """
    adapter = {}
    if adapter_folder is not None:
        config, weights = adapter_folder / ADAPTER_CONFIG, adapter_folder / ADAPTER_WEIGHTS
        adapter = {config.name: f"sha256:{content_hash(config)}", weights.name: _weights_fingerprint(weights)}
    folders = [folder] if processor_folder is None else [processor_folder, folder]
    paths = (path for each in folders for pattern in DESCRIPTIONS for path in each.glob(pattern))
    descriptions = {path.name: path for path in paths if path.is_file()}
    return {
        **{name: f"sha256:{content_hash(path)}" for name, path in sorted(descriptions.items())},
        **{path.name: _weights_fingerprint(path) for path in find_weight_files(folder)},
        **adapter,
    }


def _weights_fingerprint(path: Path) -> str:
    try:
        with safe_open(path, framework="numpy"), path.open("rb", buffering=0) as file:  # it checks the header
            header = file.read(int.from_bytes(file.read(8), "little"))
            digest = hashlib.sha256(str(path.stat().st_size).encode() + b"\n" + header)
            for offset, length in _sample_places(header):
                file.seek(8 + len(header) + offset)
                digest.update(file.read(length))
    except (OSError, SafetensorError) as error:
        raise RepopeError(f"{path}: cannot be read as weights ({error}); download it again") from error
    return f"sampled:{digest.hexdigest()}"


def _sample_places(header: bytes) -> Iterator[tuple[int, int]]:
    """Offset and length in bytes of each sample, in the order of the file; offsets count from the header's end."""
    tensors = {name: tensor for name, tensor in json.loads(header).items() if name != "__metadata__"}
    for start, end in sorted(tensor["data_offsets"] for tensor in tensors.values()):
        if end - start <= 3 * SAMPLE:
            yield start, end - start
        else:
            yield from ((offset, SAMPLE) for offset in (start, (start + end - SAMPLE) // 2, end - SAMPLE))
