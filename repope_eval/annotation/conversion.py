"""`python -m repope_eval.annotation.conversion IMAGE PNG`: writes an image as PNG, which every browser shows."""

import sys
from pathlib import Path

from repope_eval.benchmarks.images import open_image
from repope_eval.errors import RepopeError

LITTLE_COMPRESSION = 1
"""Of zlib's levels: the default one takes more than twice as long, for files a quarter smaller."""


def convert(image: Path, png: Path) -> None:
    """Writes an image as PNG.

    Raises:
        RepopeError: the image is unreadable or damaged.
        OSError: the PNG cannot be written.
    """
    open_image(image).save(png, "PNG", compress_level=LITTLE_COMPRESSION)


if __name__ == "__main__":
    try:
        convert(Path(sys.argv[1]), Path(sys.argv[2]))
    except (RepopeError, OSError) as error:
        sys.exit(str(error))
