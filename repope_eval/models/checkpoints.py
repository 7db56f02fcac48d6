"""Where a checkpoint's files are: in a local folder, inside the package, or on the Hub."""

import errno
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from huggingface_hub import constants, snapshot_download
from huggingface_hub.errors import (
    GatedRepoError,
    HFValidationError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

from repope_eval.errors import RepopeError
from repope_eval.models.fields import Fields, fields_of
from repope_eval.system import hub as hub_client
from repope_eval.system.json_files import read_json

DEMO = "demo"
"""The name under which the package's own trained model is asked for."""

_DEMO_FOLDER = Path(__file__).parent.parent / "demo" / "checkpoint"
_DESCRIPTION_FILES = ["*.json", "*.txt", "*.jinja", "*.model", "*.tiktoken"]
_WEIGHT_FILES = ["model*.safetensors"]
_UNWRITABLE = (
    errno.ENOSPC,
    errno.EDQUOT,
    errno.EROFS,
    errno.EACCES,
    errno.EPERM,
    errno.ENOTDIR,
    errno.EEXIST,
)


class NotHereError(RepopeError):
    """A checkpoint's files are not on this machine, and were not or could not be fetched."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A checkpoint whose configuration and tokenizer lie on this machine."""

    name: str
    """The name by which it was asked for: Hub id, folder, or `demo`."""
    folder: Path
    commit: str | None
    """The commit of a Hub checkpoint; None for a local folder."""
    config: dict[str, Any]
    """The content of its `config.json`."""
    processor_folder: Path | None = None
    """Folder of the files that the revision lacks and `main` has, named by its commit; None if it lacks none."""

    @property
    def fields(self) -> Fields:
        """The configuration's fields, read with their types."""
        return Fields(self.path("config.json"), self.config)

    def path(self, file: str) -> Path:
        """Path of one of its files, whether the file is there or not."""
        own = self.folder / file
        if self.processor_folder is None or own.is_file():
            return own
        return self.processor_folder / file


def find_checkpoint(
    name: str, revision: str, *, processor_files: Sequence[str] = (), download: bool = True
) -> Checkpoint:
    """Finds a checkpoint.

    The small files that describe a Hub checkpoint are downloaded into the Hub's cache if they are not there yet; its
    weights are not.

    Args:
        name: folder, Hub id, or `demo`.
        revision: of a Hub checkpoint.
        processor_files: where the revision lacks one of these, `main`'s small files stand in for those it lacks:
            some revisions hold another number format's weights and little else.
        download: whether what is not on this machine may be downloaded.

    Raises:
        RepopeError: there is no such checkpoint, it is gated, or the network is down and it is not cached.
    """
    if name == DEMO:
        return _read_checkpoint(name, _DEMO_FOLDER, commit=None)
    folder = Path(name).expanduser()
    if folder.is_dir():
        return _read_checkpoint(name, folder, commit=None)
    if name.startswith((".", "/", "~")) or name.count("/") != 1:
        raise RepopeError(f"model.checkpoint={name}: no such folder, and no Hub id (owner/name) either")
    snapshot = _download_files(name, revision, _DESCRIPTION_FILES, download=download)
    checkpoint = _read_checkpoint(name, snapshot, commit=snapshot.name)
    if revision == "main" or all((snapshot / file).is_file() for file in processor_files):
        return checkpoint
    return replace(
        checkpoint, processor_folder=_download_files(name, "main", _DESCRIPTION_FILES, download=download)
    )


def fetch_weights(checkpoint: Checkpoint) -> None:
    """Downloads the weights of the commit of a Hub checkpoint, where they are not there yet."""
    if checkpoint.commit is not None:
        _download_files(checkpoint.name, checkpoint.commit, _WEIGHT_FILES, download=True)


def _download_files(name: str, revision: str, files: list[str], *, download: bool) -> Path:
    silence = hub_client.why_unreachable("models", name, revision) if download else None
    here_only = not download or silence is not None
    try:
        snapshot = hub_client.ask_quietly(
            lambda: snapshot_download(
                name, revision=revision, allow_patterns=files, local_files_only=here_only
            )
        )
        return Path(snapshot)
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
    except Exception as error:  # the kinds of its HTTP client and its parsers come through, too
        if isinstance(error, OSError) and error.errno in _UNWRITABLE:
            raise RepopeError(
                f"{constants.HF_HUB_CACHE}: cannot be written ({error.strerror}), and {name} is to be downloaded to "
                "it; make room or permission there, or choose another place with HF_HOME=FOLDER"
            ) from error
        reason = silence or hub_client.deepest_reason(error)
        words = "" if revision == "main" else f" --revision {revision}"
        raise NotHereError(
            f"{name} is not in the Hub's cache and cannot be downloaded ({reason}): "
            f"download it where there is a network (hf download {name}{words}), or give a "
            "folder, model.checkpoint=FOLDER"
        ) from error


def _read_checkpoint(name: str, folder: Path, commit: str | None) -> Checkpoint:
    path = folder / "config.json"
    if not path.is_file():
        raise RepopeError(f"{folder}: holds no config.json, so it is no checkpoint (model.checkpoint)")
    return Checkpoint(name, folder, commit, fields_of(path, read_json(path)).values)
