"""How much memory a batch needed, and how often that fits into what is free."""

from pathlib import Path
from typing import Protocol

import psutil
import torch

_CLEAR_PEAK = "5"
"""What Linux's `clear_refs` takes to start a process's peak anew."""


class Memory(Protocol):
    """The memory that batches are computed in."""

    def start(self) -> None:
        """From here on what is needed is measured."""
        ...

    def times_free(self) -> float | None:
        """How many times what was needed since `start` could be had; None where this system does not tell."""
        ...

    def peak_bytes(self) -> int | None:
        """The most that was in use since `start`; None where this system does not tell."""
        ...


def memory_of(device: torch.device) -> Memory:
    """The memory of a device: all GPUs, over which a model may be spread, or the machine's own."""
    return GPUMemory() if device.type == "cuda" else HostMemory()


class GPUMemory:
    """Of all CUDA devices that torch uses in this process."""

    def __init__(self) -> None:
        self._before: list[int] = []

    def start(self) -> None:
        """Starts each device's peak anew."""
        for device in range(torch.cuda.device_count()):
            torch.cuda.reset_peak_memory_stats(device)
        self._before = [torch.cuda.memory_allocated(device) for device in range(torch.cuda.device_count())]

    def times_free(self) -> float | None:
        """Of the device where it fits least often."""
        return min(
            (
                _obtainable(device) / (torch.cuda.max_memory_allocated(device) - before)
                for device, before in enumerate(self._before)
                if torch.cuda.max_memory_allocated(device) > before
            ),
            default=None,
        )

    def peak_bytes(self) -> int | None:
        """Summed over the devices, the weights included."""
        return sum(map(torch.cuda.max_memory_allocated, range(torch.cuda.device_count())))


def _obtainable(device: int) -> int:
    """What the driver has, and what torch holds without using it."""
    free, _ = torch.cuda.mem_get_info(device)
    return free + torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)


class HostMemory:
    """Of this process on a CPU; measured on Linux alone."""

    def __init__(self, process: Path = Path("/proc/self")) -> None:
        self._process = process
        self._before: int | None = None

    def start(self) -> None:
        """Starts the process's peak anew, where the system lets it."""
        try:
            (self._process / "clear_refs").write_text(_CLEAR_PEAK, encoding="ascii")
            self._before = self._status("VmRSS")
        except OSError:
            self._before = None

    def times_free(self) -> float | None:
        """Counts what this process may have: the machine's free memory, or less in a container."""
        peak = self.peak_bytes()
        if peak is None or self._before is None or peak <= self._before:
            return None
        return _free_bytes() / (peak - self._before)

    def peak_bytes(self) -> int | None:
        """Of the whole process."""
        return None if self._before is None else self._status("VmHWM")

    def _status(self, name: str) -> int:
        """A figure of `/proc/PID/status`, which is in KiB."""
        lines = (self._process / "status").read_text(encoding="ascii", errors="replace").splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{name}:"))


def _free_bytes(group: Path = Path("/sys/fs/cgroup")) -> int:
    """What the machine has free, and at most what is left of this process's control group."""
    free: int = psutil.virtual_memory().available
    try:
        limit, used = ((group / name).read_text("ascii").strip() for name in ("memory.max", "memory.current"))
    except OSError:
        return free
    return free if limit == "max" else min(free, max(0, int(limit) - int(used)))
