"""What a checkpoint's files hold, known by reading little of it: of 150 GB of weights about 20 MB."""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

from safetensors import SafetensorError, safe_open

from repope_eval.errors import RepopeError
from repope_eval.models.weight_files import find_weight_files

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
    "*.index.json",
)
"""Names of the small files that answers depend on; a folder may hold others, which nothing reads."""

SAMPLE = 4096
"""Bytes of a tensor that are read at its start, in its middle and at its end."""


def fingerprint(folder: Path, processor_folder: Path | None = None) -> dict[str, str]:
    """What stands for the content of each of a checkpoint's files, by name: the same wherever the files lie.

    Descriptions are known by the SHA-256 of the whole file (`sha256:`). A file of weights is known by a SHA-256 of its
    length, its header (each tensor's name, number format, shape and place) and three samples of each tensor, its
    first, middle and last 4 KiB; a tensor of up to 12 KiB is read whole (`sampled:`). Another model, another training
    step, a merged adapter or another number format changes tensors throughout, and is noticed. What is changed between
    the samples alone, a few numbers in a large matrix, is not.

    Args:
        folder: of the checkpoint.
        processor_folder: where the small files are that it lacks (see `Checkpoint`); None where it lacks none.

    Raises:
        RepopeError: a file cannot be read, or is no file of weights; or there are no weights.
    """
    folders = [folder] if processor_folder is None else [processor_folder, folder]
    descriptions = {path.name: path for each in folders for path in _descriptions(each)}
    return {
        **{name: _of_description(path) for name, path in sorted(descriptions.items())},
        **{path.name: _of_weights(path) for path in find_weight_files(folder)},
    }


def _descriptions(folder: Path) -> Iterator[Path]:
    return (path for pattern in DESCRIPTIONS for path in folder.glob(pattern) if path.is_file())


def _of_description(path: Path) -> str:
    try:
        return f"sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}"
    except OSError as error:
        raise RepopeError(f"{path}: cannot be read ({error.strerror})") from error


def _of_weights(path: Path) -> str:
    try:
        with safe_open(path, framework="numpy"), path.open("rb", buffering=0) as file:  # it checks the header
            header = file.read(int.from_bytes(file.read(8), "little"))
            digest = hashlib.sha256(str(path.stat().st_size).encode() + b"\n" + header)
            for place, length in _samples(header):
                file.seek(8 + len(header) + place)
                digest.update(file.read(length))
    except (OSError, SafetensorError) as error:
        raise RepopeError(f"{path}: cannot be read as weights ({error}); download it again") from error
    return f"sampled:{digest.hexdigest()}"


def _samples(header: bytes) -> Iterator[tuple[int, int]]:
    """Place and length of what is read of each tensor, in the order of the file; places count from the header's end."""
    tensors = {name: tensor for name, tensor in json.loads(header).items() if name != "__metadata__"}
    for start, end in sorted(tensor["data_offsets"] for tensor in tensors.values()):
        if end - start <= 3 * SAMPLE:
            yield start, end - start
        else:
            yield from ((place, SAMPLE) for place in (start, (start + end - SAMPLE) // 2, end - SAMPLE))
