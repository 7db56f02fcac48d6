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
from repope_eval.models.weight_files import ADAPTER_CONFIG, ADAPTER_WEIGHTS
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


_REVISIONS = {"model.checkpoint": "model.revision", "model.adapter": "model.adapter_revision"}
"""Setting of a repository -> that of its revision."""


class NotHereError(RepopeError):
    """A checkpoint's files are not on this machine, and were not or could not be fetched."""


@dataclass(frozen=True, slots=True)
class Adapter:
    """A LoRA adapter in PEFT's files, whose configuration lies on this machine."""

    name: str
    """The name by which it was asked for: Hub id or folder."""
    folder: Path
    commit: str | None
    """The commit of an adapter on the Hub; None for a local folder."""
    config: dict[str, Any]
    """The content of its `adapter_config.json`."""

    @property
    def fields(self) -> Fields:
        """The configuration's fields, read with their types."""
        return Fields(self.folder / ADAPTER_CONFIG, self.config)

    @property
    def base(self) -> str:
        """The checkpoint that it was made for, by its configuration: Hub id or folder; empty where it says nothing."""
        return self.fields.text("base_model_name_or_path", "")


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
    adapter: Adapter | None = None
    """What is merged into the weights as they are loaded; None: nothing."""

    @property
    def adapter_folder(self) -> Path | None:
        """The folder of its adapter's files; None if it has none."""
        return None if self.adapter is None else self.adapter.folder

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
    snapshot = download_files("model.checkpoint", name, revision, _DESCRIPTION_FILES, download=download)
    checkpoint = _read_checkpoint(name, snapshot, commit=snapshot.name)
    if revision == "main" or all((snapshot / file).is_file() for file in processor_files):
        return checkpoint
    processor_folder = download_files("model.checkpoint", name, "main", _DESCRIPTION_FILES, download=download)
    return replace(checkpoint, processor_folder=processor_folder)


def fetch_weights(checkpoint: Checkpoint) -> None:
    """Downloads the weights of the commits of a Hub checkpoint and its adapter, where they are not there yet."""
    if checkpoint.commit is not None:
        download_files("model.checkpoint", checkpoint.name, checkpoint.commit, _WEIGHT_FILES)
    adapter = checkpoint.adapter
    if adapter is not None and adapter.commit is not None:
        download_files("model.adapter", adapter.name, adapter.commit, [ADAPTER_WEIGHTS])


def download_files(
    setting: str, name: str, revision: str, files: list[str], *, download: bool = True
) -> Path:
    """Downloads files of a repository on the Hub into its cache, where they are not there yet.

    Args:
        setting: the one that names the repository; what is wrong is said of it.
        name: its value.
        revision: branch, tag or commit.
        files: patterns of the files' names.
        download: whether what is not on this machine may be downloaded.

    Returns:
        The folder of the commit's files.

    Raises:
        RepopeError: there is no such repository, it is gated, or the network is down and the files are not here.
    """
    if name.startswith((".", "/", "~")) or name.count("/") != 1:
        raise RepopeError(f"{setting}={name}: no such folder, and no Hub id (owner/name) either")
    silence = hub_client.why_unreachable("models", name, revision) if download else None
    here_only = not download or silence is not None
    try:
        snapshot = hub_client.ask_quietly(
            lambda: snapshot_download(
                name, revision=revision, allow_patterns=files, local_files_only=here_only
            )
        )
        return Path(snapshot)
    except Exception as error:  # the kinds of its HTTP client and its parsers come through, too
        raise _download_error(error, silence, setting, name, revision) from error


def _download_error(
    error: Exception, silence: str | None, setting: str, name: str, revision: str
) -> RepopeError:
    """What is said of a download that failed.

    Args:
        silence: why the Hub was not asked; None: it was.
    """
    if isinstance(error, GatedRepoError):
        return RepopeError(
            f"{name} is gated: accept its licence at https://huggingface.co/{name}, "
            "then set HF_TOKEN to a token of that account"
        )
    if isinstance(error, RevisionNotFoundError):
        return RepopeError(
            f"{name} has no revision {revision}: see its page, or leave out {_REVISIONS[setting]}"
        )
    if isinstance(error, RepositoryNotFoundError | HFValidationError):
        return RepopeError(f"{setting}={name}: the Hub has no such model (or it is private: set HF_TOKEN)")
    if isinstance(error, OSError) and error.errno in _UNWRITABLE:
        return RepopeError(
            f"{constants.HF_HUB_CACHE}: cannot be written ({error.strerror}), and {name} is to be downloaded to "
            "it; make room or permission there, or choose another place with HF_HOME=FOLDER"
        )
    reason = silence or hub_client.deepest_reason(error)
    words = "" if revision == "main" else f" --revision {revision}"
    return NotHereError(
        f"{name} is not in the Hub's cache and cannot be downloaded ({reason}): "
        f"download it where there is a network (hf download {name}{words}), or give a "
        f"folder, {setting}=FOLDER"
    )


def _read_checkpoint(name: str, folder: Path, commit: str | None) -> Checkpoint:
    path = folder / "config.json"
    if not path.is_file() and (folder / ADAPTER_CONFIG).is_file():
        raise RepopeError(
            f"{folder}: is an adapter ({ADAPTER_CONFIG}) and no checkpoint; give it as model.adapter, and the model "
            "that it was made for as model.checkpoint"
        )
    if not path.is_file():
        raise RepopeError(f"{folder}: holds no config.json, so it is no checkpoint (model.checkpoint)")
    return Checkpoint(name, folder, commit, fields_of(path, read_json(path)).values)
