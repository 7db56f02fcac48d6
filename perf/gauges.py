"""Clocks and scales: seconds, peak memory, and how fast this machine multiplies matrices."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:  # not every program that measures needs it, and it takes a while and 0.3 GB to import
    import torch

Result = TypeVar("Result")
Clock = Callable[[], float]
"""Tells seconds from some moment on."""


def now(device: "torch.device", clock: Clock = time.perf_counter) -> float:
    """Seconds on a clock, read when the device has done all that it was told."""
    if device.type == "cuda":
        import torch

        torch.cuda.synchronize(device)
    return clock()


def timed(
    device: "torch.device", work: Callable[[], Result], clock: Clock = time.perf_counter
) -> tuple[Result, float]:
    """What the work returns, and the seconds that it took."""
    started = now(device, clock)
    result = work()
    return result, now(device, clock) - started


def forget_peak(device: "torch.device | None" = None) -> None:
    """From here on `peak_gigabytes` counts."""
    if device is not None and device.type == "cuda":
        import torch

        torch.cuda.reset_peak_memory_stats(device)
        return
    try:
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    except OSError as error:
        raise SystemExit(f"peak memory on a CPU is measured on Linux alone ({error})") from error


def peak_gigabytes(device: "torch.device | None" = None) -> float:
    """Most memory held at once, weights and all: tensors on a GPU; the whole process on a CPU, or without a device."""
    if device is not None and device.type == "cuda":
        import torch

        return torch.cuda.max_memory_allocated(device) / 1e9
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    (kilobytes,) = (line.split()[1] for line in lines if line.startswith("VmHWM:"))
    return int(kilobytes) * 1024 / 1e9


def matrix_product_flops(
    device: "torch.device", dtype: "torch.dtype", clock: Clock = time.perf_counter
) -> float:
    """Floating-point operations a second in the product of two large square matrices, the best of five."""
    import torch

    side = 8192 if device.type == "cuda" else 2048
    matrix = torch.randn(side, side, device=device, dtype=dtype)
    _, _ = timed(device, lambda: matrix @ matrix)
    seconds = min(timed(device, lambda: matrix @ matrix, clock)[1] for _ in range(5))
    return 2 * side**3 / seconds


def print_table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Columns as wide as what stands in them, two spaces apart, the first on the left and the others right."""
    widths = [max(map(len, column)) for column in zip(headings, *rows, strict=True)]
    for row in (headings, *rows):
        cells = (
            cell.rjust(width) if index else cell.ljust(width)
            for index, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        print("  ".join(cells).rstrip(), flush=True)
