"""Ovis2's pixels: the whole image, and where that pays the parts of a grid, each in a square of zeros.

Source of the rules and of their arithmetic: `preprocess_image` in the modelling code of the Ovis2
checkpoints. The image processor that transformers has for Ovis2 does something else: it stretches the
image to the grid.
"""

from functools import lru_cache

import torch
from PIL import Image
from torch.nn.functional import pad

from repope_eval.benchmarks.pixels import to_rgb
from repope_eval.errors import RepopeError
from repope_eval.models.pixels import Box, normalised, part_boxes

CLIP_MEAN = (0.48145466, 0.4578275, 0.40821073)
CLIP_STD = (0.26862954, 0.26130258, 0.27577711)

GOOD_COVER = 0.9
"""The share of an image's pixels that its parts should keep."""


def best_grid(width: int, height: int, side: int, max_parts: int) -> tuple[int, int]:
    """The (rows, columns) that keep most of an image, with as few parts as that takes.

    Of the grids that keep more than `GOOD_COVER` of the pixels, the one of fewest parts wins, then the one
    that keeps more; where there is none, the one that keeps most, then of fewest parts.
    """
    numbers = range(1, max_parts + 1)
    grids = [(rows, columns) for rows in numbers for columns in numbers if rows * columns <= max_parts]
    covers = {grid: cover(width, height, grid, side) for grid in grids}
    good = [grid for grid in grids if covers[grid] > GOOD_COVER]
    if good:
        return min(good, key=lambda grid: (grid[0] * grid[1], -covers[grid]))
    return min(grids, key=lambda grid: (-covers[grid], grid[0] * grid[1]))


@lru_cache(maxsize=2**16)
def fitting_grid(width: int, height: int, side: int, max_parts: int) -> tuple[int, int]:
    """The (rows, columns) of the best grid, all parts of which can be fitted into their squares.

    Raises:
        RepopeError: a part is too thin; see `fitted_size`.
    """
    grid = best_grid(width, height, side, max_parts)
    for left, upper, right, lower in shown_boxes(width, height, grid):
        fitted_size(right - left, lower - upper, side)
    return grid


def cover(width: int, height: int, grid: tuple[int, int], side: int) -> float:
    """The share of an image's pixels that its parts keep when each is fitted into a square."""
    return sum(_kept(box, side) for box in part_boxes(width, height, grid)) / (width * height)


def _kept(box: Box, side: int) -> float:
    left, upper, right, lower = box
    short, long = sorted((right - left, lower - upper))
    return short / long * side * side if long > side else short * long


def shown_boxes(width: int, height: int, grid: tuple[int, int]) -> list[Box]:
    """What a model is shown: the whole image, then, of a grid of more than one cell, the cells row by row."""
    whole = (0, 0, width, height)
    return [whole] if grid == (1, 1) else [whole, *part_boxes(width, height, grid)]


def part_pixels(image: Image.Image, side: int, max_parts: int) -> tuple[torch.Tensor, tuple[int, int]]:
    """Normalised pixels, float32 of shape [parts, 3, side, side], and the (rows, columns) of the grid.

    The parts are in the order of `shown_boxes`.

    Raises:
        RepopeError: a part is too thin; see `fitted_size`.
    """
    grid = fitting_grid(*image.size, side, max_parts)
    image = to_rgb(image)
    return torch.stack([_square(image.crop(box), side) for box in shown_boxes(*image.size, grid)]), grid


def _square(part: Image.Image, side: int) -> torch.Tensor:
    """A part at the largest size that fits, normalised, then centred in zeros: [3, side, side]."""
    resized = part.resize(fitted_size(*part.size, side), Image.Resampling.BICUBIC)
    (pixels,) = normalised([resized], CLIP_MEAN, CLIP_STD)
    right, below = side - resized.width, side - resized.height
    return pad(pixels, (right // 2, right - right // 2, below // 2, below - below // 2))


def fitted_size(width: int, height: int, side: int) -> tuple[int, int]:
    """Width and height with the longer side at `side` and the other truncated.

    Raises:
        RepopeError: nothing is left of the shorter side. The original code cannot resize to that either.
    """
    fitted = (side, int(height / width * side)) if width >= height else (int(width / height * side), side)
    if 0 in fitted:
        raise RepopeError(
            f"{width} x {height} pixels are too thin: less than a pixel of the shorter side is left when the "
            f"longer one becomes {side}; Ovis2's own code cannot show that, so leave the image out"
        )
    return fitted
