"""An image is encoded once: the sequential engine has the network do so for each question anew."""

import copy
import functools
from collections.abc import Callable
from typing import Any

import torch

from repope_eval.models.loading import Model


def remembering(model: Model) -> Model:
    """The model, which now encodes each photograph once."""
    network = model.network.base_model
    network.get_image_features = remembered(network.get_image_features)
    return model


def remembered(encode: Callable[..., Any]) -> Callable[..., Any]:
    """A network's `get_image_features`, which gives what it gave before where it gets the same pixels again."""
    known: dict[tuple[object, ...], Any] = {}

    @functools.wraps(encode)
    def encoded(*values: object, **named: object) -> Any:
        if any(isinstance(value, torch.Tensor) and value.is_meta for value in (*values, *named.values())):
            return encode(*values, **named)
        key = (*map(_content, values), *((name, _content(value)) for name, value in sorted(named.items())))
        if key not in known:
            known[key] = encode(*values, **named)
        return copy.deepcopy(known[key])  # PaliGemma's classes scale what they get in place

    return encoded


def _content(value: object) -> object:
    if not isinstance(value, torch.Tensor):
        return value
    return value.dtype, value.shape, value.contiguous().view(torch.uint8).numpy().tobytes()
