"""Pixels of 8 bits become the numbers that a vision tower is fed: each is looked up, since there are only 256 values.

A channel's table is computed once, by the very operations that would otherwise run over every pixel, so the numbers
are equal to the last bit, in a sixth of the time (perf/RESULTS.md).
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from PIL import Image
from transformers.image_processing_backends import PilBackend

VALUES = np.broadcast_to(np.arange(256, dtype=np.uint8), (3, 1, 256))
"""All values of a pixel, as an image [3, height 1, width 256]."""


def normalised(
    images: Sequence[Image.Image], mean: tuple[float, ...], std: tuple[float, ...]
) -> torch.Tensor:
    """Pixels of RGB images of one size: scaled to [0, 1], less the channel's mean, divided by its deviation.

    Returns:
        float32 of shape [images, 3, height, width].
    """
    channels = [[np.asarray(channel) for channel in image.split()] for image in images]
    return look_up(channels, _normalised_values(mean, std))


@lru_cache
def _normalised_values(mean: tuple[float, ...], std: tuple[float, ...]) -> np.ndarray:
    """The number of each value of a pixel, float32 of shape [3, 256]."""
    scaled = torch.from_numpy(VALUES[:, 0].copy()).to(torch.float32) / 255
    return ((scaled - torch.tensor(mean).view(3, 1)) / torch.tensor(std).view(3, 1)).numpy()


def look_up(images: Sequence[Sequence[np.ndarray]], numbers: np.ndarray) -> torch.Tensor:
    """The numbers of the pixels of images of one size.

    Args:
        images: the three channels of each, uint8 of shape [height, width].
        numbers: of each channel's 256 values, [3, 256].

    Returns:
        a tensor of shape [images, 3, height, width] in the numbers' format.
    """
    found = np.empty((len(images), len(numbers), *images[0][0].shape), numbers.dtype)
    for image, place in zip(images, found, strict=True):
        for channel, of_channel, values in zip(image, place, numbers, strict=True):
            np.take(values, channel, out=of_channel, mode="clip")  # otherwise numpy buffers the output
    return torch.from_numpy(found)


class PixelProcessor:
    """A checkpoint's image processor, whose last two steps, scaling and normalising, are looked up."""

    def __init__(self, processor: PilBackend) -> None:
        """Computes the table by the processor's own methods, which refuse settings that are not theirs."""
        self.settings = processor
        """The processor itself, whose attributes are its settings."""
        numbers = VALUES
        if processor.do_rescale:
            numbers = processor.rescale(numbers, processor.rescale_factor)
        if processor.do_normalize:
            numbers = processor.normalize(numbers, processor.image_mean, processor.image_std)
        self._numbers = np.ascontiguousarray(numbers[:, 0])

    def __call__(self, image: Image.Image) -> tuple[torch.Tensor, Any]:
        """An RGB image's tiles, [tiles, 3, side, side], and what else the processor says of it."""
        processed = self.settings(images=image, do_rescale=False, do_normalize=False, return_tensors="np")
        pixels = processed.pop("pixel_values")
        return look_up(pixels.reshape(-1, *pixels.shape[-3:]), self._numbers), processed
