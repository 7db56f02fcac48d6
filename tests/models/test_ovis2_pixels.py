"""Ovis2's grids, parts and squares."""

import random

import numpy as np
import pytest
import torch
from PIL import Image
from transformers.models.ovis2.image_processing_pil_ovis2 import get_min_tile_covering_grid

from repope_eval.errors import RepopeError
from repope_eval.models.ovis2 import (
    CLIP_MEAN,
    CLIP_STD,
    best_grid,
    cover,
    fitted_size,
    fitting_grid,
    part_boxes,
    part_pixels,
)


@pytest.mark.parametrize(
    ("width", "height", "grid"),
    [
        (448, 448, (1, 1)),
        (1, 1, (1, 1)),
        (472, 470, (1, 1)),  # 0.90 and a little of the pixels are kept
        (473, 473, (2, 2)),  # less than 0.9 in one part, and no two parts keep more
        (640, 480, (2, 2)),  # COCO's usual shapes
        (480, 640, (2, 2)),
        (896, 448, (1, 2)),
        (448, 896, (2, 1)),
        (1344, 448, (1, 3)),
        (1344, 1344, (3, 3)),
        (4000, 3000, (3, 3)),  # none keeps 0.9: the one that keeps most
        (5000, 1, (1, 9)),
        (1, 5000, (9, 1)),
    ],
)
def test_the_grid_keeps_most_with_fewest_parts(width: int, height: int, grid: tuple[int, int]) -> None:
    assert best_grid(width, height, side=448, max_parts=9) == grid


def test_the_grid_is_the_one_that_transformers_chooses() -> None:
    choice = random.Random(7)
    sizes = [(choice.randint(1, 1500), choice.randint(1, 1500)) for _ in range(300)]
    for width, height in sizes:
        for most in (9, 4):
            expected = get_min_tile_covering_grid((height, width), 448, most)
            assert best_grid(width, height, side=448, max_parts=most) == expected


def test_cover_is_the_share_of_pixels_kept() -> None:
    assert cover(448, 300, (1, 1), side=448) == 1
    assert cover(896, 448, (1, 1), side=448) == pytest.approx(0.25)
    assert cover(896, 448, (1, 2), side=448) == 1


def test_the_last_row_and_column_take_the_rest() -> None:
    assert part_boxes(11, 7, (2, 3)) == [
        (0, 0, 3, 3),
        (3, 0, 6, 3),
        (6, 0, 11, 3),
        (0, 3, 3, 7),
        (3, 3, 6, 7),
        (6, 3, 11, 7),
    ]


@pytest.mark.parametrize(
    ("width", "height", "fitted"),
    [
        (448, 448, (448, 448)),
        (100, 100, (448, 448)),  # small images grow
        (640, 480, (448, 336)),
        (480, 640, (336, 448)),
        (640, 427, (448, 298)),  # 298.9: truncated
        (448, 1, (448, 1)),
        (1, 448, (1, 448)),
    ],
)
def test_the_longer_side_fills_the_square_and_the_other_is_truncated(
    width: int, height: int, fitted: tuple[int, int]
) -> None:
    assert fitted_size(width, height, side=448) == fitted


def test_the_whole_image_comes_first_and_its_parts_row_by_row() -> None:
    image = Image.new("RGB", (128, 64), "red")
    image.paste("blue", (64, 0, 128, 64))
    pixels, grid = part_pixels(image, side=64, max_parts=9)
    assert grid == (1, 2)
    assert pixels.shape == (3, 3, 64, 64)
    red, blue = 0, 2
    whole, left, right = pixels[:, :, 32, :]
    assert whole[red, 5] > whole[blue, 5]
    assert whole[red, 60] < whole[blue, 60]
    assert (left[red] > left[blue]).all()
    assert (right[red] < right[blue]).all()


def test_pixels_are_normalised_with_clips_statistics_and_centred_in_zeros() -> None:
    image = Image.fromarray(np.full((33, 64, 3), 255, np.uint8))
    (pixels,), grid = part_pixels(image, side=64, max_parts=9)
    assert grid == (1, 1)
    white = [(1 - mean) / std for mean, std in zip(CLIP_MEAN, CLIP_STD, strict=True)]
    assert pixels[:, 31, 9].tolist() == pytest.approx(white, abs=1e-6)
    above, below = 15, 16  # 64 - 33 rows of zeros: the odd one goes below
    assert not pixels[:, :above].any()
    assert not pixels[:, 64 - below :].any()
    assert pixels[:, above : 64 - below].all()


@pytest.mark.parametrize("mode", ["L", "1", "P", "CMYK", "RGBA", "LA", "I;16"])
def test_every_mode_becomes_rgb(mode: str) -> None:
    pixels, _ = part_pixels(Image.new(mode, (64, 64)), side=64, max_parts=9)
    assert pixels.shape == (1, 3, 64, 64)
    assert pixels.dtype == torch.float32


@pytest.mark.parametrize("size", [(1, 1), (64, 1), (1, 64), (192, 3), (3, 192)])
def test_images_up_to_the_thinnest_have_pixels(size: tuple[int, int]) -> None:
    pixels, (rows, columns) = part_pixels(Image.new("RGB", size), side=64, max_parts=9)
    cells = rows * columns if rows * columns > 1 else 0
    assert pixels.shape == (1 + cells, 3, 64, 64)


@pytest.mark.parametrize("size", [(65, 1), (1, 65), (5000, 1), (1, 5000), (193, 3)])
def test_images_of_which_the_original_resizes_a_side_to_nothing_are_refused(size: tuple[int, int]) -> None:
    with pytest.raises(RepopeError, match=f"^{size[0]} x {size[1]} pixels are too thin"):
        part_pixels(Image.new("RGB", size), side=64, max_parts=9)


def test_a_cell_may_be_too_thin_where_the_whole_image_is_not() -> None:
    assert best_grid(5, 11, side=4, max_parts=9) == (3, 3)
    with pytest.raises(RepopeError, match=r"^1 x 5 pixels are too thin"):
        fitting_grid(5, 11, side=4, max_parts=9)
