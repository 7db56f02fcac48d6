"""The optimizer: Muon for the weight matrices, AdamW for all else, one schedule for both.

Muon needs less than half of AdamW's images to get as far with the tiny vision tower.
"""

from collections.abc import Sequence
from math import cos, pi

import torch
from torch import nn

MATRIX_RATE, OTHER_RATE = 6e-3, 1e-3
WARMUP = 100
"""Steps in which the learning rates rise."""
CLIP = 1.0


class Optimizer:
    """Steps of one stage of training; the rates rise, then fall as half a cosine to a fiftieth."""

    def __init__(self, modules: Sequence[nn.Module], steps: int, rate: float) -> None:
        self.parameters = [parameter for module in modules for parameter in module.parameters()]
        matrices = [matrix for module in modules for matrix in _inner_matrices(module)]
        chosen = set(map(id, matrices))
        others = [parameter for parameter in self.parameters if id(parameter) not in chosen]
        muon = torch.optim.Muon(
            matrices, MATRIX_RATE * rate, weight_decay=0.01, adjust_lr_fn="match_rms_adamw"
        )
        adam = torch.optim.AdamW(others, OTHER_RATE * rate, (0.9, 0.98), weight_decay=0.05)
        self.optimizers: tuple[torch.optim.Optimizer, ...] = (muon, adam)
        self.schedules = [
            torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: _factor(step, steps))
            for optimizer in self.optimizers
        ]

    def step(self, loss: torch.Tensor) -> None:
        """Go down a loss's gradient."""
        for optimizer in self.optimizers:
            optimizer.zero_grad()
        torch.autograd.backward(loss)
        nn.utils.clip_grad_norm_(self.parameters, CLIP)
        for optimizer in self.optimizers:
            optimizer.step()
        for schedule in self.schedules:
            schedule.step()


def _inner_matrices(module: nn.Module) -> list[torch.Tensor]:
    """The weights that map hidden states to hidden states: what Muon is meant for."""
    return [
        layer.weight
        for name, layer in module.named_modules()
        if name and isinstance(layer, nn.Linear) and name != "lm_head"
    ]


def _factor(step: int, steps: int) -> float:
    fall = (1 + cos(pi * min(1.0, step / steps))) / 2
    return min(1.0, (step + 1) / WARMUP) * (0.02 + 0.98 * fall)
