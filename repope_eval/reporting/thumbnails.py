"""Small pictures inside a page."""

import base64
import io
from pathlib import Path

from repope_eval.errors import RepopeError

LONGEST_SIDE = 112
"""Pixels."""
_QUALITY = 55


def thumbnail(path: Path) -> str | None:
    """A small JPEG of an image as a data URI; None where the file is none that can be shown.

    A report is not to fail because of a picture beside it, so nothing is raised.
    """
    from PIL import Image

    from repope_eval.benchmarks.images import opened_image

    try:
        with opened_image(path) as image:
            image.draft(
                "RGB", (2 * LONGEST_SIDE, 2 * LONGEST_SIDE)
            )  # decodes a JPEG at a fraction of its size
            small: Image.Image = (
                image.convert("RGBA") if image.has_transparency_data else image.convert("RGB")
            )
            small.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
            if small.mode == "RGBA":
                opaque = Image.new("RGB", small.size, "white")
                opaque.paste(small, mask=small.getchannel("A"))
                small = opaque
            file = io.BytesIO()
            small.save(file, format="JPEG", quality=_QUALITY, optimize=True)
    except (RepopeError, OSError):  # of the file, or of making the small one
        return None
    return "data:image/jpeg;base64," + base64.b64encode(file.getvalue()).decode()
