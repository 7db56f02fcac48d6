"""Image files: finding them, opening them whole, and the pixels that everybody is shown."""

import hashlib
import stat
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path, PurePath

from PIL import Image, UnidentifiedImageError, features

from repope_eval.errors import RepopeError
from repope_eval.wording import shown

_ORIENTATION = 0x0112
"""The field of EXIF that has others turn or mirror an image."""

_SHOWN_EVERYWHERE = ("JPEG", "PNG", "GIF", "WEBP", "BMP", "AVIF")
"""Formats that browsers show as they are."""

_BITS_OF_TIFF = 258
"""The field of TIFF that says how many bits a channel has."""


def to_rgb(image: Image.Image) -> Image.Image:
    """What Pillow's `convert("RGB")` makes of an image, as in the paper's code, and nothing but its pixels.

    So transparency is dropped and not blended, an animation is its first frame, and a rotation that EXIF asks for is
    not made. For greys of 16 bits the upper eight are taken, as Pillow itself does for colours of 16 bits; Pillow would
    make all greys above 255 white.

    Raises:
        RepopeError: Pillow cannot convert the image's mode, or nothing says which number is white.
    """
    if image.mode == "RGB" and not image.info:
        return image
    if isinstance(image.info.get("transparency"), bytes):
        image = image.copy()
        del image.info["transparency"]  # of a palette: dropped either way, but Pillow would warn
    if image.mode.startswith(("I", "F")):
        image = _upper_bits(image)
    try:
        rgb = image.convert("RGB")
    except ValueError as error:
        raise RepopeError(f"{image.mode} is no mode that Pillow turns into RGB ({error})") from error
    rgb.info = {}  # what is written of it has no EXIF, by which another reader would turn it
    return rgb


def is_plain(image: Image.Image) -> bool:
    """Whether every reader of an image's file shows the pixels of `to_rgb`: turned, blended or moved by none.

    A profile of colours may be there: it says how a screen is to show the same pixels.
    """
    return (
        image.format in _SHOWN_EVERYWHERE
        and image.mode in ("1", "L", "P", "RGB")
        and not image.has_transparency_data
        and getattr(image, "n_frames", 1) == 1
        and not _is_turned(image)
    )


def _is_turned(image: Image.Image) -> bool:
    try:
        return bool(image.getexif().get(_ORIENTATION, 1) != 1)
    except Exception:  # damaged: another reader may yet make something of it
        return True


def _upper_bits(image: Image.Image) -> Image.Image:
    """The upper eight bits of greys of 16 bits."""
    is_scaled = image.format in ("PNG", "PPM")  # Pillow stretches these to 16 bits in a mode of 32
    has_16_bits = image.mode.startswith("I;16") or (image.mode == "I" and is_scaled)
    if not has_16_bits or getattr(image, "tag_v2", {}).get(_BITS_OF_TIFF, (16,)) != (16,):
        raise RepopeError(
            f"nothing says which of its numbers is white (Pillow's mode {image.mode}); save it with 8 bits a channel"
        )
    return image.convert("I").point(lambda grey: grey / 256).convert("L")


FORMATS = (
    *("JPEG", "PNG", "GIF", "BMP", "PPM", "WEBP", "TIFF", "JPEG2000"),
    *(["AVIF"] if "avif" in features.modules else []),  # younger than the oldest Pillow that is fine here
)
"""Formats of Pillow's that an image may have, the frequent ones first.

All are decoded within this process. Others are not tried: for EPS and the like, Pillow has another program make the
pixels, and that program runs what the file says.
"""
LARGEST_FILE = 256 << 20
"""The most bytes of an image's file: about what Pillow's limit on pixels takes without any compression."""

# Pillow warns of oddities in files that it reads nonetheless, and nobody who sees the warning could mend them.
warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")

_READERS = 8
"""The number of files that are read at once for their hashes: on a network, most of the time is waiting."""


@lru_cache(maxsize=10_000)  # a file asks about an image again and again
def refuse_outside(name: str, where: str = "") -> None:
    """Refuses a name that leads out of the folder it is to lie in: the names come from files of others.

    Args:
        where: the words that a message begins with.

    Raises:
        RepopeError: the name is absolute, climbs with `..`, or names no file.
    """
    path = PurePath(name)
    if not path.parts or path.drive or path.root or ".." in path.parts or "\0" in name:
        raise RepopeError(
            f"{where}image name {shown(name)} leads out of the image folder; "
            "names in a question file must be relative to it and without `..`"
        )


def locate_images(names: Iterable[str], folders: Sequence[Path]) -> tuple[dict[str, Path], tuple[str, ...]]:
    """Looks each name up in the folders; the first folder that holds it counts.

    Returns:
        The paths by name and the names found nowhere, both in the order of `names`.

    Raises:
        RepopeError: a name leads out of its folder, or a folder cannot be searched.
    """
    paths: dict[str, Path | None] = {}
    for name in dict.fromkeys(names):
        refuse_outside(name)
        paths[name] = next((folder / name for folder in folders if _is_file(folder / name)), None)
    files = {name: path for name, path in paths.items() if path is not None}
    return files, tuple(name for name in paths if name not in files)


def image_hashes(images: Mapping[str, Path]) -> dict[str, str]:
    """The SHA-256 of each image's file, by the image's name."""
    with ThreadPoolExecutor(_READERS) as readers:
        return dict(zip(images, readers.map(_file_hash, images.values()), strict=True))


def open_image(path: Path) -> Image.Image:
    """Opens an image and decodes all of it, in RGB: what every model, server and person is shown.

    Raises:
        RepopeError: the file is unreadable, no image of FORMATS, cut short, of numbers whose white is unknown, or so
            large that Pillow takes it for an attack (more than `PIL.Image.MAX_IMAGE_PIXELS` pixels, where Pillow
            itself only warns).
    """
    with opened_image(path) as image:
        image.load()
        try:
            return to_rgb(image)
        except RepopeError as error:
            raise RepopeError(f"{path}: {error}") from error


def plain_format(path: Path) -> str | None:
    """The format of a file that every reader shows as `open_image` does, such as `png`; None of other files."""
    with opened_image(path) as image:
        return str(image.format).lower() if is_plain(image) else None


def image_size(path: Path) -> tuple[int, int]:
    """The width and height in pixels, read from the file's head alone."""
    with opened_image(path) as image:
        return image.size


@contextmanager
def opened_image(path: Path) -> Iterator[Image.Image]:
    """Opens an image file, of which only the head is read; all errors inside the context are the file's fault."""
    try:
        _require_ordinary(path)
        Image.preinit()  # enough for most; left out, `formats` would have all of Pillow's formats loaded
        with Image.open(path, formats=FORMATS) as image:
            # Asked here as well, since changing how warnings are treated is not safe among threads.
            if Image.MAX_IMAGE_PIXELS and image.width * image.height > Image.MAX_IMAGE_PIXELS:
                raise Image.DecompressionBombError
            yield image
    except RepopeError:
        raise
    except Exception as error:  # Pillow's decoders let many kinds through on a damaged file
        raise _refusal(path, error) from error


def decodable(path: Path) -> None:
    """Checks that a file is a whole image: its checksums, where the format has any, and its pixels."""
    open_image(path)
    with opened_image(path) as image:
        image.verify()


def _require_ordinary(path: Path) -> None:
    """Refuses what is no ordinary file: reading would wait for a pipe, and a device may have endless content."""
    status = path.stat()
    if not stat.S_ISREG(status.st_mode):
        what = "is a folder" if stat.S_ISDIR(status.st_mode) else "is a pipe or a device"
        raise RepopeError(f"{path}: cannot be read ({what}, and no file); replace it by a whole image")
    if status.st_size > LARGEST_FILE:
        raise RepopeError(
            f"{path}: is too large for an image of a benchmark, {status.st_size:,} bytes; "
            "replace the file by a smaller image"
        )


def _file_hash(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise _refusal(path, error) from error


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError as error:
        raise RepopeError(
            f"{path}: cannot be looked up ({error.strerror}); check the name and the folder's permissions"
        ) from error


def _refusal(path: Path, error: Exception) -> RepopeError:
    mend = "replace the file by a whole image"
    match error:
        case Image.DecompressionBombError() | Image.DecompressionBombWarning():
            why = f"is too large for an image of a benchmark, with more than {Image.MAX_IMAGE_PIXELS} pixels"
            mend = "replace the file by a smaller image"
        case UnidentifiedImageError():  # its own text names the path again
            why = "is no image that Pillow can read"
        case OSError(strerror=str(reason)):
            why = f"cannot be read ({reason})"
        case _:
            said = " ".join(str(error).split())[:200]  # a decoder may quote the file
            why = f"is damaged or cut short ({said or type(error).__name__})"
    return RepopeError(f"{path}: {why}; {mend}")
