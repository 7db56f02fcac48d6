"""Drawing the training material: pools of tiles and of scenes, each from its own seeds."""

from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial
from itertools import chain, groupby
from random import Random

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from demo_making.icons import KINDS
from demo_making.model import MAX_TILES, PATCH_SIDE, TILE_SIDE
from demo_making.scenes import Scene, Weighting, draw_scene_and_owners
from repope_eval.models.internvl import IMAGENET_MEAN, IMAGENET_STD, best_grid, tile_images

CHUNK = 250
"""Images that a drawing process draws before it hands them over."""


@dataclass(frozen=True, slots=True)
class Pool:
    """Tiles of drawn images, all images with the same number of tiles."""

    tiles: Tensor
    """uint8 of shape [images, tiles, 3, side, side]."""
    labels: Tensor
    """Which kinds are shown, bool of shape [images, kinds]."""
    cells: Tensor
    """Which kinds each image token looks at: 1 yes, 0 no, -1 hardly; int8 of shape [images, tokens, kinds]."""


def pixels_of(tiles: Tensor) -> Tensor:
    """Normalised pixels of uint8 tiles, exactly as `tile_pixels` computes them."""
    mean = torch.tensor(IMAGENET_MEAN).view(3, 1, 1)
    std = torch.tensor(IMAGENET_STD).view(3, 1, 1)
    return (tiles.to(torch.float32) / 255 - mean) / std


def tiles_of(image: Image.Image) -> NDArray[np.uint8]:
    """An image's tiles, uint8 of shape [tiles, 3, side, side]."""
    tiles = [np.asarray(tile) for tile in tile_images(image, TILE_SIDE, MAX_TILES)]
    return np.stack(tiles).transpose(0, 3, 1, 2)


def labels_of(scene: Scene) -> NDArray[np.bool_]:
    """Which kinds a scene shows, shape [kinds]."""
    shown = {placed.kind for placed in scene.objects}
    return np.array([kind in shown for kind in KINDS])


def tile_pool(executor: Executor, seeds: Sequence[int]) -> Pool:
    """Single tiles of two to six objects, with the scales and stretches that tiles of scenes have."""
    return _stacked(list(chain.from_iterable(executor.map(_draw_tiles, _chunks(seeds)))))


def scene_pools(executor: Executor, seeds: Sequence[int], weighting: Weighting) -> list[Pool]:
    """Whole scenes, one pool for each number of tiles."""
    draw = partial(_draw_scenes, weighting)
    drawn = sorted(chain.from_iterable(executor.map(draw, _chunks(seeds))), key=_tile_count)
    return [_stacked(list(group)) for _, group in groupby(drawn, key=_tile_count)]


Drawn = tuple[NDArray[np.uint8], NDArray[np.bool_], NDArray[np.int8]]
"""Tiles, labels and cells of an image."""


def _draw_tiles(seeds: Sequence[int]) -> list[Drawn]:
    return [_draw_tile(Random(seed)) for seed in seeds]


def _draw_tile(random: Random) -> Drawn:
    size = (random.randint(44, 112), random.randint(44, 112))
    scene, owner = draw_scene_and_owners(random, "uniform", size)
    side = (TILE_SIDE, TILE_SIDE)
    tile = np.asarray(scene.image.resize(side, Image.Resampling.BICUBIC))
    kinds = np.asarray(_kind_map(scene, owner).resize(side, Image.Resampling.NEAREST))
    return tile.transpose(2, 0, 1)[None], labels_of(scene), _cells(kinds[None])


def _draw_scenes(weighting: Weighting, seeds: Sequence[int]) -> list[Drawn]:
    return [_draw_scene(Random(seed), weighting) for seed in seeds]


def _draw_scene(random: Random, weighting: Weighting) -> Drawn:
    scene, owner = draw_scene_and_owners(random, weighting)
    kinds = _kind_map(scene, owner)
    columns, rows = best_grid(*kinds.size, TILE_SIDE, MAX_TILES)
    whole = np.asarray(kinds.resize((columns * TILE_SIDE, rows * TILE_SIDE), Image.Resampling.NEAREST))
    parts = (
        whole.reshape(rows, TILE_SIDE, columns, TILE_SIDE).swapaxes(1, 2).reshape(-1, TILE_SIDE, TILE_SIDE)
    )
    cells = [_cells(parts)]
    if len(parts) > 1:
        thumbnail = kinds.resize((TILE_SIDE, TILE_SIDE), Image.Resampling.NEAREST)
        cells.append(_cells(np.asarray(thumbnail)[None]))
    return tiles_of(scene.image), labels_of(scene), np.concatenate(cells)


def _kind_map(scene: Scene, owner: NDArray[np.int8]) -> Image.Image:
    """The index of the kind seen at each pixel, the number of kinds for the ground; mode `L`."""
    kinds = [KINDS.index(placed.kind) for placed in scene.objects]
    # The ground's -1 takes the last element.
    return Image.fromarray(np.array([*kinds, len(KINDS)], np.uint8)[owner])


def _cells(kinds: NDArray[np.uint8]) -> NDArray[np.int8]:
    """What each image token of some tiles looks at, [tokens, kinds]; from kinds of shape [tiles, side, side].

    A token looks at a kind that fills a quarter of its cell, or of which its cell holds a good part.
    """
    cell = 2 * PATCH_SIDE
    across = TILE_SIDE // cell
    grouped = kinds.reshape(-1, across, cell, across, cell).swapaxes(2, 3).reshape(-1, cell * cell)
    counts = (grouped[:, :, None] == np.arange(len(KINDS), dtype=np.uint8)).sum(1)
    looks = (counts >= cell * cell / 4) | (counts > 0) & (counts >= 0.3 * counts.sum(0))
    return np.where(looks, 1, np.where(counts > 0, -1, 0)).astype(np.int8)


def _chunks(seeds: Sequence[int]) -> list[Sequence[int]]:
    return [seeds[start : start + CHUNK] for start in range(0, len(seeds), CHUNK)]


def _tile_count(drawn: Drawn) -> int:
    return len(drawn[0])


def _stacked(drawn: Sequence[Drawn]) -> Pool:
    tiles, labels, cells = (torch.from_numpy(np.stack(part)) for part in zip(*drawn, strict=True))
    return Pool(tiles, labels, cells)
