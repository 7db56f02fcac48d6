"""How much each stage asks: enough to measure a GPU with, and little enough to try the program on a CPU."""

from dataclasses import dataclass

import torch

QUESTIONS = 10
"""Questions about each image: POPE has 10.25 distinct ones on average."""


@dataclass(frozen=True, slots=True)
class Scale:
    """The amounts that depend on the device."""

    photographs: int
    """How many of a golden's four photographs are asked about, with eight questions each."""
    demo_images: int
    """How many of the demo's images are asked about where runs of the whole demo are not the point."""
    models: tuple[tuple[str, str], ...]
    """The kinds and shapes of the models with random weights, the smallest first: keys of KINDS and of SHAPES."""
    images: int
    """How many images those are asked about."""
    batch: int
    """How many images a batch has whose time or memory is compared."""
    turns: int
    """How often a time is measured; the median counts."""


_SCALES = {
    "cuda": Scale(
        photographs=4,
        demo_images=20,
        models=(("internvl2_5_qwen2", "1b"), ("internvl2_5_internlm2", "8b")),
        images=500,
        batch=8,
        turns=3,
    ),
    "cpu": Scale(
        photographs=1,
        demo_images=4,
        models=(("internvl2_5_qwen2", "tiny"), ("internvl2_5_internlm2", "tiny")),
        images=4,
        batch=1,
        turns=1,
    ),
}


def scale_for(device: torch.device) -> Scale:
    """The amounts for a kind of device; a kind without amounts of its own has the CPU's."""
    return _SCALES.get(device.type, _SCALES["cpu"])
