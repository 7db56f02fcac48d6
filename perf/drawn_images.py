"""What the measured models are asked: drawn scenes of COCO's usual sizes, and POPE's questions about them."""

from collections.abc import Sequence
from itertools import cycle, islice
from pathlib import Path
from random import Random

import numpy as np
from PIL import Image

from demo_making.icons import KINDS
from demo_making.scenes import draw_scene
from repope_eval.benchmarks.pope_file import question_text

PHOTOGRAPH = (640, 480)
GRAIN = 12
"""Noise that makes a drawing's JPEG file about as large, and as slow to decode, as a photograph's."""


SIZES = (
    *[PHOTOGRAPH] * 9,
    *[(480, 640)] * 4,
    *[(640, 427)] * 3,
    (427, 640),
    (640, 426),
    (500, 375),
    (640, 640),
)
"""Sizes that are frequent among COCO's photographs: lying and standing ones, most of them with sides of 640 and 480."""


def draw_images(number: int, sizes: Sequence[tuple[int, int]] = (PHOTOGRAPH,)) -> list[Image.Image]:
    """So many different scenes, the same each time, in these sizes by turns."""
    random, generator = Random(0), np.random.default_rng(0)
    images = []
    for size in islice(cycle(sizes), number):
        pixels = np.asarray(draw_scene(random).image.resize(size), np.float32)
        grain = generator.normal(0, GRAIN, (*pixels.shape[:2], 1))
        images.append(Image.fromarray(np.clip(pixels + grain, 0, 255).astype(np.uint8)))
    return images


def write_files(number: int, folder: Path, sizes: Sequence[tuple[int, int]] = (PHOTOGRAPH,)) -> list[Path]:
    """The same scenes as JPEG files."""
    files = [folder / f"{index:06d}.jpg" for index in range(number)]
    for file, image in zip(files, draw_images(number, sizes), strict=True):
        image.save(file, quality=90)
    return files


def pope_questions(number: int) -> list[str]:
    """So many different questions."""
    if number > len(KINDS):
        raise SystemExit(f"--questions: there are {len(KINDS)} different ones")
    return [question_text(kind) for kind in KINDS[:number]]
