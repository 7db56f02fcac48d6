"""Where a checkpoint's files are: in a local folder, inside the package, or on the Hub."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from huggingface_hub import snapshot_download
from huggingface_hub.errors import (
    GatedRepoError,
    HfHubHTTPError,
    HFValidationError,
    LocalEntryNotFoundError,
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

from repope_eval.errors import RepopeError

DEMO = "demo"
"""The name under which the package's own trained model is asked for."""

_DEMO_FOLDER = Path(__file__).parent.parent / "demo" / "checkpoint"
_DESCRIPTION_FILES = ["*.json", "*.txt", "*.jinja", "tokenizer.model"]
_WEIGHT_FILES = ["model*.safetensors"]


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A checkpoint whose files lie on this machine."""

    name: str
    """As it was asked for: Hub id, folder, or `demo`."""
    folder: Path
    commit: str | None
    """The Hub commit; None for a local folder."""
    config: dict[str, Any]
    """Content of its `config.json`."""


def find_checkpoint(name: str, revision: str, *, weights: bool = True, download: bool = True) -> Checkpoint:
    """The checkpoint of that name, downloaded into the Hub's cache where it is not there yet.

    Args:
        name: folder, Hub id, or `demo`.
        revision: of a Hub checkpoint.
        weights: whether they are wanted, or its configuration and tokenizer alone.
        download: whether what is not on this machine may be downloaded.

    Raises:
        RepopeError: there is no such checkpoint, it is gated, or the network is down and it is not cached.
    """
    if name == DEMO:
        return _read(name, _DEMO_FOLDER, commit=None)
    folder = Path(name).expanduser()
    if folder.is_dir():
        return _read(name, folder, commit=None)
    if name.startswith((".", "/", "~")) or name.count("/") != 1:
        raise RepopeError(f"model.checkpoint={name}: no such folder, and no Hub id (owner/name) either")
    files = _DESCRIPTION_FILES + (_WEIGHT_FILES if weights else [])
    snapshot = _download(name, revision, files, download=download)
    return _read(name, snapshot, commit=snapshot.name)


def _download(name: str, revision: str, files: list[str], *, download: bool) -> Path:
    try:
        return Path(
            snapshot_download(name, revision=revision, allow_patterns=files, local_files_only=not download)
        )
    except GatedRepoError as error:
        raise RepopeError(
            f"{name} is gated: accept its licence at https://huggingface.co/{name}, "
            "then set HF_TOKEN to a token of that account"
        ) from error
    except RevisionNotFoundError as error:
        raise RepopeError(
            f"{name} has no revision {revision}: see its page, or leave out model.revision"
        ) from error
    except (RepositoryNotFoundError, HFValidationError) as error:
        raise RepopeError(
            f"model.checkpoint={name}: the Hub has no such model (or it is private: set HF_TOKEN)"
        ) from error
    except (LocalEntryNotFoundError, OfflineModeIsEnabled, HfHubHTTPError, OSError) as error:
        raise RepopeError(
            f"{name} is not in the Hub's cache and cannot be downloaded ({_reason(error)}): download it where "
            f"there is a network (hf download {name}{_revision_words(revision)}), or give a folder, "
            "model.checkpoint=FOLDER"
        ) from error


def _revision_words(revision: str) -> str:
    return "" if revision == "main" else f" --revision {revision}"


def _reason(error: BaseException) -> str:
    root = error
    while root.__cause__ is not None:
        root = root.__cause__
    lines = str(root).strip().splitlines()
    return lines[0] if lines else type(root).__name__


def _read(name: str, folder: Path, commit: str | None) -> Checkpoint:
    path = folder / "config.json"
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise RepopeError(
            f"{folder}: holds no config.json, so it is no checkpoint (model.checkpoint)"
        ) from error
    except (OSError, ValueError) as error:
        raise RepopeError(f"{path}: cannot be read ({error})") from error
    return Checkpoint(name, folder, commit, config)
