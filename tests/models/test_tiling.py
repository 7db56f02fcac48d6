import numpy as np
import pytest
import torch
from PIL import Image

from repope_eval.models.internvl import best_grid, tile_images, tile_pixels


@pytest.mark.parametrize(
    ("width", "height", "grid"),
    [
        (640, 480, (4, 3)),  # COCO's usual shape: 4:3 exactly, 12 tiles
        (480, 640, (3, 4)),
        (512, 512, (1, 1)),
        (448, 448, (1, 1)),
        (896, 448, (2, 1)),  # a tie of 2x1 and 4x2: half the pixels of 4x2 are not exceeded
        (1792, 896, (4, 2)),  # the same shape with more pixels: the later grid wins
        (5000, 1, (12, 1)),
        (1, 5000, (1, 12)),
        (1, 1, (1, 1)),
    ],
)
def test_the_grid_is_the_one_nearest_in_shape(width: int, height: int, grid: tuple[int, int]) -> None:
    assert best_grid(width, height, side=448, max_tiles=12) == grid


def test_tiles_run_row_by_row_and_the_thumbnail_comes_last() -> None:
    image = Image.new("RGB", (128, 64), "red")
    image.paste("blue", (64, 0, 128, 64))
    left, right, thumbnail = tile_images(image, side=64, max_tiles=12)
    assert left.getpixel((10, 10)) == (255, 0, 0)
    assert right.getpixel((50, 10)) == (0, 0, 255)
    assert thumbnail.size == (64, 64)
    assert (thumbnail.getpixel((5, 32)), thumbnail.getpixel((60, 32))) == ((255, 0, 0), (0, 0, 255))


def test_a_single_tile_has_no_thumbnail() -> None:
    assert len(tile_images(Image.new("RGB", (64, 64)), side=64, max_tiles=12)) == 1


@pytest.mark.parametrize("mode", ["L", "1", "P", "CMYK", "RGBA", "LA", "I;16"])
def test_every_mode_becomes_rgb(mode: str) -> None:
    pixels = tile_pixels(Image.new(mode, (64, 64)), side=64, max_tiles=12)
    assert pixels.shape == (1, 3, 64, 64)
    assert pixels.dtype == torch.float32


def test_pixels_are_scaled_and_normalised_with_imagenet_statistics() -> None:
    image = Image.fromarray(np.full((64, 64, 3), 255, np.uint8))
    pixels = tile_pixels(image, side=64, max_tiles=12)
    expected = [(1 - 0.485) / 0.229, (1 - 0.456) / 0.224, (1 - 0.406) / 0.225]
    assert pixels[0, :, 7, 9].tolist() == pytest.approx(expected, abs=1e-6)
