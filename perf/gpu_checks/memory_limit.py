"""Want of memory on the real device: the batch is halved until it fits, and the answers stay what they are."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from drawn_images import write_files
from random_checkpoints import random_model

from gpu_checks.asking import ask
from gpu_checks.rows import Row, count_equal
from gpu_checks.scale import scale_for
from repope_eval.asking.native.memory import give_back, total_bytes

PROGRAM = Path(__file__).parents[1] / "limited_memory.py"
MEBIBYTES = "60"
"""What is left on a CPU to a batch that needs more, as tests/asking/native/test_memory.py has it."""
LEFT = 0.6
"""The share of what a whole batch needs that is left on a GPU: too little for all of it, and enough for a part."""


def memory_limit(device: torch.device) -> Iterator[Row]:
    """Asks about a batch that fits, then about the same batch with too little memory for it."""
    yield _on_gpu(device) if device.type == "cuda" else _on_cpu()


def _on_gpu(device: torch.device) -> Row:
    """The allocator is given a limit. In float32, where an answer does not depend on its batch."""
    scale = scale_for(device)
    kind, shape = scale.models[0]
    model = random_model(kind, shape, device, torch.float32)
    give_back(device)
    held = torch.cuda.memory_allocated(device)
    with TemporaryDirectory() as folder:
        images = {file.name: file for file in write_files(scale.batch, Path(folder))}
        whole = ask(model, images, batch_size=str(scale.batch))
        give_back(device)
        limit = held + LEFT * (whole.facts["peak_memory_bytes"] - held)
        torch.cuda.set_per_process_memory_fraction(limit / total_bytes(device), device)
        try:
            limited = ask(model, images, batch_size=str(scale.batch))
        finally:
            torch.cuda.set_per_process_memory_fraction(1.0, device)
    equal, batch_size = count_equal(limited.answers, whole.answers), limited.facts["batch_size"]
    return Row(
        f"{kind} {shape}, float32, {limit / 1e9:.2f} GB in place of {whole.facts['peak_memory_bytes'] / 1e9:.2f}",
        f"batches of {batch_size} in place of {scale.batch}; {equal} of {len(whole.answers)} answers equal",
        batch_size < scale.batch and equal == len(whole.answers),
    )


def _on_cpu() -> Row:
    """The operating system refuses memory to a process of its own."""
    ended = subprocess.run(
        [sys.executable, PROGRAM, MEBIBYTES], capture_output=True, text=True, timeout=120, check=False
    )
    said = [line for line in ended.stdout.splitlines() if line.startswith(("out of memory", "same answers"))]
    found = "; ".join(said) or (ended.stderr.strip().splitlines() or ["nothing was said"])[-1]
    return Row(
        f"the demo's trained model, {MEBIBYTES} MiB left",
        found,
        ended.returncode == 0 and len(said) > 1 and said[-1] == "same answers: True",
    )
