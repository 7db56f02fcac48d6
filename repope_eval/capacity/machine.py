"""What is known of a machine: values alone, so that the same is computed for a machine that somebody describes."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


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
