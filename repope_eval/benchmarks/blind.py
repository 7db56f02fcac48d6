"""What is shown in the place of an image, so that a run tells what a model answers without looking.

A benchmark's questions are asked as ever, and its labels stay those of the images that they are about. What is right
all the same was known or guessed: from how often an object is there at all, or from how questions were chosen.
"""

import hashlib
import io
from collections.abc import Iterable, Mapping
from pathlib import Path

from PIL import Image

from repope_eval.benchmarks.images import image_size
from repope_eval.settings.config import BenchSettings, Blind
from repope_eval.system.writing import make_folder, write_bytes

GRAY = (128, 128, 128)
"""The middle of the numbers that a pixel may have."""

BLIND_TITLES: Mapping[Blind, str] = {
    "gray": "a gray image of the same size in place of each",
    "swapped": "another image of the benchmark in place of each",
    "none": "no image at all",
}
"""What was shown, in words that follow "with"."""


def seeing_name(bench: BenchSettings) -> str:
    """The name of the benchmark that a blind one is made of, which is its own name without what is shown."""
    return bench.name.removesuffix(f"_{bench.blind}") if bench.blind else bench.name


def swapped_images(names: Iterable[str]) -> dict[str, str]:
    """For each image another one that is shown in its place, which no other image has; itself, where it is alone.

    The names alone decide it, so that every start of a run and every rank swap alike: images are put in the order of
    their names' hashes, and each is shown the next one's place.
    """
    order = sorted(set(names), key=lambda name: (hashlib.sha256(name.encode()).digest(), name))
    return dict(zip(order, order[1:] + order[:1], strict=True))


def gray_images(images: Mapping[str, Path], folder: Path) -> dict[str, Path]:
    """A gray file of each image's size, by the image's name; sizes that are not in the folder yet are written.

    Raises:
        RepopeError: an image's size cannot be read, or the folder cannot be written.
    """
    files: dict[tuple[int, int], Path] = {}
    shown: dict[str, Path] = {}
    for name, path in images.items():
        size = image_size(path)
        if size not in files:
            files[size] = _gray_file(size, folder)
        shown[name] = files[size]
    return shown


def _gray_file(size: tuple[int, int], folder: Path) -> Path:
    path = folder / f"{size[0]}x{size[1]}.png"
    if not path.is_file():
        make_folder(folder, "data_dir", folder)
        content = io.BytesIO()
        Image.new("RGB", size, GRAY).save(content, "PNG")
        write_bytes(path, content.getvalue())
    return path
