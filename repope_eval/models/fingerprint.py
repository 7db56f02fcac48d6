"""Fingerprints of a checkpoint's files, for which little is read: about 20 MB of 150 GB of weights."""

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
    "*.model",
    "*.tiktoken",
    "tekken.json",
    "*.index.json",
)
"""Names of the small files that answers depend on; nothing reads the others that a folder may hold."""

SAMPLE = 4096
"""Bytes that are read of a tensor at its start, in its middle and at its end."""


def fingerprint(folder: Path, processor_folder: Path | None = None) -> dict[str, str]:
    """Name -> fingerprint of each of a checkpoint's files; it is the same wherever the files lie.

    A small file's is the SHA-256 of the whole file (`sha256:`). A file of weights has the SHA-256 of its length, its
    header (each tensor's name, number format, shape and offset) and three samples of each tensor, its first, middle
    and last 4 KiB; a tensor of up to 12 KiB is read whole (`sampled:`). Another model, another training step, a merged
    adapter or another number format changes tensors throughout, and so the fingerprint. A change of a few numbers
    between the samples does not.

    Args:
        folder: of the checkpoint.
        processor_folder: of the small files that it lacks (see `Checkpoint`); None if it lacks none.

    Raises:
        RepopeError: a file cannot be read, or holds no weights; or there is no file of weights.
    """
    folders = [folder] if processor_folder is None else [processor_folder, folder]
    found = (path for each in folders for pattern in DESCRIPTIONS for path in each.glob(pattern))
    descriptions = {path.name: path for path in found if path.is_file()}
    return {
        **{name: _of_description(path) for name, path in sorted(descriptions.items())},
        **{path.name: _of_weights(path) for path in find_weight_files(folder)},
    }


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
            for offset, length in _samples(header):
                file.seek(8 + len(header) + offset)
                digest.update(file.read(length))
    except (OSError, SafetensorError) as error:
        raise RepopeError(f"{path}: cannot be read as weights ({error}); download it again") from error
    return f"sampled:{digest.hexdigest()}"


def _samples(header: bytes) -> Iterator[tuple[int, int]]:
    """Offset and length in bytes of each sample, in the order of the file; offsets count from the header's end."""
    tensors = {name: tensor for name, tensor in json.loads(header).items() if name != "__metadata__"}
    for start, end in sorted(tensor["data_offsets"] for tensor in tensors.values()):
        if end - start <= 3 * SAMPLE:
            yield start, end - start
        else:
            yield from ((offset, SAMPLE) for offset in (start, (start + end - SAMPLE) // 2, end - SAMPLE))
