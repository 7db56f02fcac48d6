"""What an image of any mode becomes before a model is shown it."""

from PIL import Image

from repope_eval.errors import RepopeError


def to_rgb(image: Image.Image) -> Image.Image:
    """What Pillow's `convert("RGB")` makes of an image, as in the paper's code.

    So transparency is dropped and not blended, 16-bit greys above 255 are white (in Pillow 13), an animation
    is its first frame, and a rotation that EXIF asks for is not made.

    Raises:
        RepopeError: Pillow cannot convert the image's mode.
    """
    if isinstance(image.info.get("transparency"), bytes):
        image = image.copy()
        del image.info["transparency"]  # of a palette: dropped either way, but Pillow would warn
    try:
        return image.convert("RGB")
    except ValueError as error:
        raise RepopeError(f"{image.mode} is no mode that Pillow turns into RGB ({error})") from error
