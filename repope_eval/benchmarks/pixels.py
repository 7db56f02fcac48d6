"""The pixels of an image that everybody is shown: models, servers, annotators and readers of a report."""

from PIL import Image

from repope_eval.errors import RepopeError

_ORIENTATION = 0x0112
"""The field of EXIF that has others turn or mirror an image."""

_SHOWN_EVERYWHERE = ("JPEG", "PNG", "GIF", "WEBP", "BMP", "AVIF")
"""Formats that browsers show as they are."""

_BITS_OF_TIFF = 258
"""The field of TIFF that says how many bits a channel has."""


def to_rgb(image: Image.Image) -> Image.Image:
    """What Pillow's `convert("RGB")` makes of an image, as in the paper's code, and nothing but its pixels.

    So transparency is dropped and not blended, an animation is its first frame, and a rotation that EXIF asks for is
    not made. Of greys of 16 bits the upper eight are taken, as Pillow itself does of colours of 16 bits; Pillow would
    make white of all above 255.

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
    """The upper eight bits of greys of 16 bits.

    Raises:
        RepopeError: they are no numbers of 16 bits from 0 to 65535.
    """
    is_scaled = image.format in ("PNG", "PPM")  # Pillow stretches these to 16 bits in a mode of 32
    has_16_bits = image.mode.startswith("I;16") or (image.mode == "I" and is_scaled)
    if not has_16_bits or getattr(image, "tag_v2", {}).get(_BITS_OF_TIFF, (16,)) != (16,):
        raise RepopeError(
            f"nothing says which of its numbers is white (Pillow's mode {image.mode}); save it with 8 bits a channel"
        )
    return image.convert("I").point(lambda grey: grey / 256).convert("L")
