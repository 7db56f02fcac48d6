"""The images of a table of questions: files that its cells name, or images that stand in the cells themselves."""

import base64
import binascii
import hashlib
import io
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any

from PIL import Image

from repope_eval.benchmarks.images import FORMATS, LARGEST_FILE, refuse_outside
from repope_eval.errors import RepopeError
from repope_eval.wording import shown

_SUFFIXES = {"JPEG": ".jpg", "TIFF": ".tif", "JPEG2000": ".jp2"}
"""Suffixes that are not the format's own name."""

_LONGEST_NAME = 255
"""The longest name of a file; a longer text can only be an image in base64, as VLMEvalKit's tables hold them."""

_DATA_URI = "data:image/"


@dataclass(frozen=True, slots=True)
class CellImage:
    """An image as a table has it."""

    name: str
    content: bytes | None = None
    """Its file's bytes, where it stands in the table itself."""

    @property
    def sha256(self) -> str:
        """The hash of the bytes; empty where the table only names a file."""
        return "" if self.content is None else hashlib.sha256(self.content).hexdigest()


def image_in(cell: Any, name: Any, folder: Path | None) -> CellImage:
    """The image in a cell: a file's name, or bytes, base64, or the form in which `datasets` writes images.

    Args:
        cell: the cell.
        name: the name that another column gives the image; None where there is none.
        folder: the folder of the table's files, which an absolute path may lie in; None where there is none.

    Raises:
        RepopeError: it is none of these, or no image that Pillow can read; the caller says where.
    """
    if isinstance(cell, int) and not isinstance(cell, bool):
        cell = str(cell)
    path: Any = None
    match cell:
        case bytes():
            content: bytes | None = cell
        case {"bytes": bytes(content), **rest}:
            path = rest.get("path")
        case {"path": str()}:
            content, path = None, cell["path"]
        case str() if len(cell) > _LONGEST_NAME or cell.startswith(_DATA_URI):
            content = _decoded(cell)
        case str() if cell.strip():
            content, path = None, cell
        case _:
            raise RepopeError(f"the image is {shown(cell)}; the name of a file or an image is expected")
    if content is None:
        return CellImage(_file_name(str(path), folder))
    suffix = _suffix(content)
    known = str(name) if name is not None else PurePath(path).name if path else ""
    if not known:
        known = hashlib.sha256(content).hexdigest()[:32]
    refuse_outside(known)
    known = str(PurePath(known))  # `./a.png` would be written over `a.png`
    return CellImage(known if PurePath(known).suffix else known + suffix, content)


def _file_name(path: str, folder: Path | None) -> str:
    """The name by which a file is looked up: of an absolute path, as `datasets` writes it, what is below the folder."""
    if folder is not None and PurePath(path).is_absolute() and Path(path).is_relative_to(folder.absolute()):
        return str(Path(path).relative_to(folder.absolute()))
    refuse_outside(path)
    return path


def _decoded(text: str) -> bytes:
    encoded = text.partition(",")[2] if text.startswith(_DATA_URI) else text
    try:
        return base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError) as error:
        raise RepopeError(
            f"the image is {shown(text)}, of {len(text):,} characters: no name of a file and no image in base64 "
            f"({error})"
        ) from error


def _suffix(content: bytes) -> str:
    """The suffix of an image's format, read from its head alone.

    Raises:
        RepopeError: it is no image that Pillow can read, or far too large.
    """
    if len(content) > LARGEST_FILE:
        raise RepopeError(f"the image has {len(content):,} bytes, too many for an image of a benchmark")
    try:
        with Image.open(io.BytesIO(content), formats=FORMATS) as image:
            format_name = str(image.format)
    except Exception as error:  # Pillow's decoders let many kinds through on damaged bytes
        raise RepopeError(
            f"the image, of {len(content):,} bytes, is none that Pillow can read; put a whole image there"
        ) from error
    return _SUFFIXES.get(format_name, f".{format_name.lower()}")
