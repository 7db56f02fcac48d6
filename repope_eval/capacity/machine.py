"""What is known of a machine, found out in one place so that what follows from it can be asked of any."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """What a model would be on."""

    kind: str
    """cuda, mps or cpu."""
    name: str
    number: int
    """How many of its kind there are."""
    free: float
    """Bytes that a program could have of one."""
    total: float
    """Bytes of one."""
    has_bfloat16: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Data:
    """The benchmarks' files in the data folder."""

    folder: Path
    annotations: int
    """POPE's and RePOPE's files that are the published ones."""
    annotations_of: int
    strange: tuple[Path, ...]
    """Those of their names with other content."""
    images: int | None
    """POPE's that are there; None where no annotation file says which they are."""
    images_of: int
    dash_b: int | None
    """DASH-B's images that are there; None without its two index files."""
    dash_b_of: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Hub:
    """What concerns downloads."""

    cache: Path
    free: float
    """Bytes of disk."""
    is_offline: bool
    is_logged_in: bool
    here: frozenset[str]
    """Shipped checkpoints that have weights in the cache."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """All of it."""

    device: Device
    cores: int
    versions: Mapping[str, str]
    """Of Python and of the packages that answers depend on; also flash-attn and submitit, where installed."""
    data: Data
    hub: Hub

    @property
    def quantizes(self) -> bool:
        """Whether bitsandbytes is there and runs on the device."""
        return "bitsandbytes" in self.versions and self.device.kind != "mps"
