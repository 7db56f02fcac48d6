"""InternVL2.5's pixels: an image cut into square tiles on the grid that fits it best, and a thumbnail."""

from functools import lru_cache

import torch
from PIL import Image

from repope_eval.benchmarks.pixels import to_rgb
from repope_eval.models.pixels import normalised, part_boxes

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


@lru_cache(maxsize=2**16)
def best_grid(width: int, height: int, side: int, max_tiles: int) -> tuple[int, int]:
    """The (columns, rows) of tiles whose shape is nearest to the image's.

    Grids are tried in order of their number of tiles. Of two that fit equally well the later one wins
    only where the image has more than half the later one's pixels, so that small images are not blown
    up. Source: `dynamic_preprocess` of the InternVL2.5 model card.
    """
    grids = sorted(
        {(i, j) for i in range(1, max_tiles + 1) for j in range(1, max_tiles + 1) if i * j <= max_tiles},
        key=lambda grid: grid[0] * grid[1],
    )
    aspect = width / height
    best, best_distance = (1, 1), float("inf")
    for columns, rows in grids:
        distance = abs(aspect - columns / rows)
        large_enough = width * height > 0.5 * side * side * columns * rows
        if distance < best_distance or (distance == best_distance and large_enough):
            best, best_distance = (columns, rows), distance
    return best


def count_tiles(width: int, height: int, side: int, max_tiles: int) -> int:
    """How many tiles an image of so many pixels has, the thumbnail included."""
    columns, rows = best_grid(width, height, side, max_tiles)
    return rows * columns + (rows * columns > 1)


def tile_images(image: Image.Image, side: int, max_tiles: int) -> list[Image.Image]:
    """The tiles of an image row by row, each `side` pixels square; a thumbnail last if there are several."""
    image = to_rgb(image)
    columns, rows = best_grid(*image.size, side, max_tiles)
    resized = image.resize((side * columns, side * rows), Image.Resampling.BICUBIC)
    tiles = [resized.crop(box) for box in part_boxes(*resized.size, (rows, columns))]
    if len(tiles) > 1:
        tiles.append(image.resize((side, side), Image.Resampling.BICUBIC))
    return tiles


def tile_pixels(image: Image.Image, side: int, max_tiles: int) -> torch.Tensor:
    """Normalised pixels of an image's tiles, float32 of shape [tiles, 3, side, side]."""
    return normalised(tile_images(image, side, max_tiles), IMAGENET_MEAN, IMAGENET_STD)
