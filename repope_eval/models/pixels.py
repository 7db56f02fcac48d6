"""What families do with an image's pixels: a grid cuts it, and numbers are normalised."""

from collections.abc import Sequence

import numpy as np
import torch
from PIL import Image

Box = tuple[int, int, int, int]
"""Left, upper, right and lower edge in pixels."""


def part_boxes(width: int, height: int, grid: tuple[int, int]) -> list[Box]:
    """The parts of a (rows, columns) grid row by row; the last row and column take what division leaves."""
    rows, columns = grid
    across = [column * (width // columns) for column in range(columns)] + [width]
    down = [row * (height // rows) for row in range(rows)] + [height]
    return [
        (across[column], down[row], across[column + 1], down[row + 1])
        for row in range(rows)
        for column in range(columns)
    ]


def normalised(
    images: Sequence[Image.Image], mean: tuple[float, ...], std: tuple[float, ...]
) -> torch.Tensor:
    """Pixels of RGB images of one size: scaled to [0, 1], less the channel's mean, divided by its deviation.

    Returns:
        float32 of shape [images, 3, height, width].
    """
    pixels = torch.from_numpy(np.stack([np.asarray(image) for image in images])).permute(0, 3, 1, 2)
    scaled = pixels.to(torch.float32) / 255
    return (scaled - torch.tensor(mean).view(1, 3, 1, 1)) / torch.tensor(std).view(1, 3, 1, 1)
