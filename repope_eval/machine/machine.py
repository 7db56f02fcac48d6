"""What a machine has, as values alone, and how this one is examined: no network is used, nothing is written."""

import platform
import re
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from repope_eval.benchmarks.coco import are_published
from repope_eval.benchmarks.dash_b import NAME as DASH_B
from repope_eval.benchmarks.dash_b import read_labels
from repope_eval.benchmarks.images import locate_images
from repope_eval.benchmarks.pope_file import read_rows
from repope_eval.errors import RepopeError
from repope_eval.settings.config import ModelSettings
from repope_eval.system.environment import installed, usable_cores, versions

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """The device that a model would be on."""

    kind: str
    """cuda, mps or cpu."""
    name: str
    number: int
    """How many devices of this kind there are."""
    free: float
    """Bytes of one device that a program could have."""
    total: float
    """Bytes of memory that one device has."""
    has_bfloat16: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Data:
    """The benchmarks' files in the data folder."""

    folder: Path
    annotations: int
    """How many of POPE's and RePOPE's files are there with the published content."""
    strange: tuple[Path, ...]
    """Files of these names with other content."""
    images: int | None
    """How many of POPE's images are there; None where no annotation file says which they are."""
    dash_b: int | None
    """How many of DASH-B's images are there; None without its two index files."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hub:
    """What is known of downloads from the Hugging Face Hub."""

    cache: Path
    free: float
    """Bytes that are free on the cache's disk."""
    is_offline: bool
    is_logged_in: bool
    here: frozenset[str]
    """Shipped checkpoints whose weights are in the cache."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """Everything that is known of a machine."""

    device: Device
    cores: int
    versions: Mapping[str, str]
    """Versions of Python and of the packages that answers depend on; also of flash-attn and submitit, if installed."""
    data: Data
    hub: Hub

    @property
    def quantizes(self) -> bool:
        """Whether bitsandbytes is there and runs on the device."""
        return "bitsandbytes" in self.versions and self.device.kind != "mps"


_DRIVER = Path("/proc/driver/nvidia/version")
"""Where Linux tells the version of NVIDIA's driver."""

_OPTIONAL = ("flash-attn", "hydra-submitit-launcher")


def examine(device: str, data_dir: Path, models: Iterable[ModelSettings]) -> Machine:
    """Describes this machine.

    Raises:
        RepopeError: the device is not there.
    """
    return Machine(
        device=_describe_device(device),
        cores=usable_cores(),
        versions=versions() | installed(_OPTIONAL),
        data=examine_data(data_dir),
        hub=_describe_hub(models),
    )


def _describe_device(name: str) -> Device:
    import torch

    from repope_eval.asking.native.memory import free_bytes, total_bytes
    from repope_eval.models.placement import choose_device

    device = choose_device(name)
    number, called = 1, "Apple GPU" if device.type == "mps" else f"CPU, {platform.machine()}"
    if device.type == "cuda":
        number, (major, minor) = torch.cuda.device_count(), torch.cuda.get_device_capability(device)
        called = f"{torch.cuda.get_device_name(device)}, compute capability {major}.{minor}{_driver_words()}"
    return Device(
        kind=device.type,
        name=called,
        number=number,
        free=free_bytes(device),
        total=total_bytes(device),
        has_bfloat16=_has_bfloat16(device),
    )


def _driver_words() -> str:
    """Words that name the version of NVIDIA's driver; empty where the system does not tell."""
    try:
        match = re.search(r"Module .*?([0-9]+(?:\.[0-9]+)+)", _DRIVER.read_text(encoding="utf-8"))
    except OSError:
        return ""
    return f", driver {match[1]}" if match else ""


def _has_bfloat16(device: "torch.device") -> bool:
    import torch

    from repope_eval.models.placement import require_number_format

    try:
        require_number_format(torch.bfloat16, device)
    except RepopeError:
        return False
    return True


def examine_data(folder: Path) -> Data:
    """Counts the benchmarks' files in a data folder; a file that cannot be read counts as missing."""
    annotations = folder / "annotations"
    published = are_published(annotations)
    right = [name for name, is_right in published.items() if is_right]
    return Data(
        folder=folder,
        annotations=len(right),
        strange=tuple(annotations / name for name, is_right in published.items() if not is_right),
        images=_count_images(annotations, right, folder / "val2014"),
        dash_b=_count_dash_b(folder / DASH_B),
    )


def _count_images(annotations: Path, names: Iterable[str], images: Path) -> int | None:
    """How many of POPE's images are there: one file names them, since all variants are about the same images."""
    name = next((name for name in names if "_pope_" in name), None)
    if name is None:
        return None
    paths, _ = locate_images((row.question.image for row in read_rows(annotations / name)), [images])
    return len(paths)


def _count_dash_b(folder: Path) -> int | None:
    try:
        paths, _ = locate_images((question.image for question in read_labels(folder)), [folder])
    except RepopeError:
        return None
    return len(paths)


def _describe_hub(models: Iterable[ModelSettings]) -> Hub:
    from huggingface_hub import get_token
    from huggingface_hub.constants import HF_HUB_CACHE, HF_HUB_OFFLINE

    cache = Path(HF_HUB_CACHE)
    # The nearest folder that exists is on the same disk.
    existing = next(path for path in (cache, *cache.absolute().parents) if path.exists())
    return Hub(
        cache=cache,
        free=shutil.disk_usage(existing).free,
        is_offline=HF_HUB_OFFLINE,
        is_logged_in=get_token() is not None,
        here=frozenset(model.checkpoint for model in models if _has_weights(model)),
    )


def _has_weights(model: ModelSettings) -> bool:
    from repope_eval.models.checkpoints import find_checkpoint
    from repope_eval.models.weight_files import verify_weight_files

    try:
        verify_weight_files(find_checkpoint(model.checkpoint, model.revision, download=False).folder)
    except RepopeError:
        return False
    return True
