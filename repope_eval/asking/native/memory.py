"""How much memory a batch needed, and how much is free."""

from collections.abc import Sequence
from pathlib import Path

import psutil
import torch

_NO_MEMORY = (
    "can't allocate memory",  # torch on a CPU
    "could not create a primitive",  # oneDNN
    "MPS backend out of memory",
    "Invalid buffer size",  # MPS
    "error: out of memory",  # the driver's own, CUDA's or HIP's
    "[CUDA]: out of memory",  # Triton
    "CUBLAS_STATUS_ALLOC_FAILED",
    "CUBLAS_STATUS_NOT_INITIALIZED when calling `cublasCreate",  # its first workspace
    "CUDNN_STATUS_ALLOC_FAILED",
    "unable to find an engine to execute this computation",  # cuDNN: each one needs more than is left
)
"""Parts of the texts by which torch and its libraries say that memory ended, with no exception of its own."""

_CLEAR_PEAK = "5"
"""What is written to Linux's `clear_refs` to reset a process's peak."""


def memory_of(devices: Sequence[torch.device]) -> "Memory":
    """The memory of the devices that a model is on: that of GPUs, of Apple's GPU, or of this process on the CPU."""
    gpus = [device for device in devices if device.type == "cuda"]
    if gpus:
        return GPUMemory(gpus)
    return MPSMemory() if any(device.type == "mps" for device in devices) else HostMemory()


class GPUMemory:
    """The memory of the CUDA devices that a model is on; other devices are not looked at."""

    def __init__(self, devices: Sequence[torch.device]) -> None:
        self._before = dict.fromkeys(devices, 0)

    def start(self) -> None:
        """Resets each device's peak."""
        for device in self._before:
            torch.cuda.reset_peak_memory_stats(device)
            self._before[device] = torch.cuda.memory_allocated(device)

    def free_over_peak(self, growth: float = 0.0) -> float | None:
        """The free memory over what was needed, on the device where that is least.

        Args:
            growth: bytes by which what was needed could have been more, on all devices together.
        """
        more = growth / len(self._before)
        return min(
            (
                _obtainable_bytes(device) / (torch.cuda.max_memory_allocated(device) - before + more)
                for device, before in self._before.items()
                if torch.cuda.max_memory_allocated(device) > before
            ),
            default=None,
        )

    def peak_bytes(self) -> int | None:
        """The peaks of all devices added up, weights included."""
        return sum(map(torch.cuda.max_memory_allocated, self._before))


def _obtainable_bytes(device: torch.device) -> int:
    """The bytes that the driver has free and those that torch holds without using them."""
    free, _ = torch.cuda.mem_get_info(device)
    return free + torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)


class MPSMemory:
    """The memory of Apple's GPU, which shares the machine's.

    torch counts no peak there. But what it holds of the driver's memory grows to what was needed at once and is kept,
    so its size is the peak since it was last given back.
    """

    def __init__(self) -> None:
        self._before: int | None = None

    def start(self) -> None:
        """Gives back the memory that torch holds without using it."""
        torch.mps.empty_cache()
        self._before = torch.mps.driver_allocated_memory()

    def free_over_peak(self, growth: float = 0.0) -> float | None:
        """The memory left of what the system recommends, over what was needed and `growth` more bytes."""
        if self._before is None:
            return None
        needed = torch.mps.driver_allocated_memory() - self._before
        left = torch.mps.recommended_max_memory() - torch.mps.current_allocated_memory()
        return left / (needed + growth) if needed > 0 else None

    def peak_bytes(self) -> int | None:
        """The peak, weights included."""
        return None if self._before is None else torch.mps.driver_allocated_memory()


class HostMemory:
    """The memory of this process on a CPU, which is measured on Linux only."""

    def __init__(self, process: Path = Path("/proc/self")) -> None:
        self._process = process
        self._before: int | None = None

    def start(self) -> None:
        """Resets the process's peak, where the system lets it."""
        try:
            (self._process / "clear_refs").write_text(_CLEAR_PEAK, encoding="ascii")
            self._before = self._status_bytes("VmRSS")
        except OSError:
            self._before = None

    def free_over_peak(self, growth: float = 0.0) -> float | None:
        """The memory that this process may still have, which is less in a container, over what was needed and `growth`
        more bytes.
        """
        peak = self.peak_bytes()
        if peak is None or self._before is None or peak <= self._before:
            return None
        return _free_bytes() / (peak - self._before + growth)

    def peak_bytes(self) -> int | None:
        """The peak of the whole process."""
        return None if self._before is None else self._status_bytes("VmHWM")

    def _status_bytes(self, name: str) -> int:
        """A figure of `/proc/PID/status`, which is in KiB there, in bytes."""
        lines = (self._process / "status").read_text(encoding="ascii", errors="replace").splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{name}:"))


Memory = GPUMemory | MPSMemory | HostMemory
"""What batches are computed in. Each kind measures from `start` on; a figure that the system does not tell is None."""


def is_lack_of_memory(error: Exception) -> bool:
    """Whether an error says that a device, or this machine, has no memory left."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    return isinstance(error, RuntimeError) and any(text in str(error) for text in _NO_MEMORY)


def give_back(device: torch.device) -> None:
    """Gives the memory of a device that torch holds without using it back to the driver."""
    if device.type == "cuda":
        torch.cuda.empty_cache()
    elif device.type == "mps":
        torch.mps.empty_cache()


def free_bytes(device: torch.device) -> int:
    """The bytes of a device's memory that a program starting now could have."""
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0]
    if device.type == "mps":
        return min(torch.mps.recommended_max_memory() - torch.mps.driver_allocated_memory(), _free_bytes())
    return _free_bytes()


def total_bytes(device: torch.device) -> int:
    """All bytes of a device's memory, free or not."""
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[1]
    if device.type == "mps":
        return torch.mps.recommended_max_memory()
    return psutil.virtual_memory().total


def _free_bytes(group: Path = Path("/sys/fs/cgroup")) -> int:
    """The bytes that the machine has free, or what this process's control group has left if that is less."""
    free: int = psutil.virtual_memory().available
    try:
        limit, used = ((group / name).read_text("ascii").strip() for name in ("memory.max", "memory.current"))
    except OSError:
        return free
    return free if limit == "max" else min(free, max(0, int(limit) - int(used)))
