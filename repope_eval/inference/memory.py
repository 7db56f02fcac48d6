"""How much memory a batch needed, and how often that fits into what is free."""

from collections.abc import Sequence
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


def memory_of(devices: Sequence[torch.device]) -> Memory:
    """The memory of the devices that a model is on: GPUs, Apple's, or the machine's own."""
    gpus = [device for device in devices if device.type == "cuda"]
    if gpus:
        return GPUMemory(gpus)
    return MPSMemory() if any(device.type == "mps" for device in devices) else HostMemory()


class GPUMemory:
    """Of the CUDA devices that a model is on; others are somebody else's."""

    def __init__(self, devices: Sequence[torch.device]) -> None:
        self._before = dict.fromkeys(devices, 0)

    def start(self) -> None:
        """Starts each device's peak anew."""
        for device in self._before:
            torch.cuda.reset_peak_memory_stats(device)
            self._before[device] = torch.cuda.memory_allocated(device)

    def times_free(self) -> float | None:
        """Of the device where it fits least often."""
        return min(
            (
                _obtainable(device) / (torch.cuda.max_memory_allocated(device) - before)
                for device, before in self._before.items()
                if torch.cuda.max_memory_allocated(device) > before
            ),
            default=None,
        )

    def peak_bytes(self) -> int | None:
        """Summed over the devices, the weights included."""
        return sum(map(torch.cuda.max_memory_allocated, self._before))


def _obtainable(device: torch.device) -> int:
    """What the driver has, and what torch holds without using it."""
    free, _ = torch.cuda.mem_get_info(device)
    return free + torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)


class MPSMemory:
    """Of Apple's GPU, which shares the machine's.

    torch counts no peak there. What it has of the driver grows to what was needed at once and is kept for later,
    so that it tells the peak since it was last given back.
    """

    def __init__(self) -> None:
        self._before: int | None = None

    def start(self) -> None:
        """Gives back what is held without being used."""
        torch.mps.empty_cache()
        self._before = torch.mps.driver_allocated_memory()

    def times_free(self) -> float | None:
        """Up to what the system recommends as the most."""
        if self._before is None:
            return None
        needed = torch.mps.driver_allocated_memory() - self._before
        left = torch.mps.recommended_max_memory() - torch.mps.current_allocated_memory()
        return left / needed if needed > 0 else None

    def peak_bytes(self) -> int | None:
        """The weights included."""
        return None if self._before is None else torch.mps.driver_allocated_memory()


def give_back(device: torch.device) -> None:
    """What torch holds of a device's memory without using it goes back to the driver."""
    if device.type == "cuda":
        torch.cuda.empty_cache()
    elif device.type == "mps":
        torch.mps.empty_cache()


def free_bytes(device: torch.device) -> int:
    """What a program that starts now could have of a device's memory."""
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0]
    if device.type == "mps":
        return min(torch.mps.recommended_max_memory() - torch.mps.driver_allocated_memory(), _free_bytes())
    return _free_bytes()


def total_bytes(device: torch.device) -> int:
    """The memory of a device, whoever has it."""
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[1]
    if device.type == "mps":
        return torch.mps.recommended_max_memory()
    return psutil.virtual_memory().total


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
