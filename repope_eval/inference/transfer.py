"""Numbers that the host works out and the device needs."""

from collections.abc import Sequence
from itertools import chain

import torch


def to_device(device: torch.device, *lists: Sequence[int]) -> tuple[torch.Tensor, ...]:
    """Lists of whole numbers as tensors on the device, all by a single copy that the host does not wait for."""
    together = torch.tensor(list(chain.from_iterable(lists)), dtype=torch.long)
    return tuple(together.to(device, non_blocking=True).split(list(map(len, lists))))
