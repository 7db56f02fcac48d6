"""One picture for models, servers, annotators and readers, whatever way a file stores it."""

import asyncio
import base64
import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps

from repope_eval.asking.endpoint.requests import image_url
from repope_eval.benchmarks.images import decodable, open_image, plain_format, to_rgb
from repope_eval.errors import RepopeError
from repope_eval.relabelling.pictures import Pictures
from repope_eval.reporting.gallery import LARGE, thumbnail

ORIENTATION, QUARTER_TURN = 0x0112, 6
COLOURS = Image.merge(
    "RGB", [Image.linear_gradient("L").rotate(turn).resize((16, 12)) for turn in (0, 90, 180)]
)
RAMP = np.linspace(0, 65535, 192).astype(np.uint16).reshape(12, 16)
UPPER = Image.fromarray((RAMP >> 8).astype(np.uint8)).convert("RGB")
"""The upper eight bits of the ramp, which half of is darker than the middle grey."""
PALETTE = COLOURS.quantize(16)


def rgb_of(mode: str) -> Image.Image:
    return COLOURS.convert(mode).convert("RGB")


def with_alpha(mode: str) -> Image.Image:
    image = COLOURS.convert(mode)
    image.putalpha(Image.linear_gradient("L").resize(image.size))
    return image


def turned() -> Image.Exif:
    exif = Image.Exif()
    exif[ORIENTATION] = QUARTER_TURN
    return exif


def save(image: Image.Image, **named: object) -> Callable[[Path], None]:
    return lambda path: image.save(path, **named)  # type: ignore[arg-type]


LOSSLESS_WEBP = {"format": "WEBP", "lossless": True}

KINDS: dict[str, tuple[Callable[[Path], None], Image.Image, str | None]] = {
    "colours.png": (save(COLOURS), COLOURS, "png"),
    "colours.bmp": (save(COLOURS), COLOURS, "bmp"),
    "colours.webp": (save(COLOURS, **LOSSLESS_WEBP), COLOURS, "webp"),
    "colours.tiff": (save(COLOURS), COLOURS, None),
    "turned.png": (save(COLOURS, exif=turned()), COLOURS, None),
    "turned.webp": (save(COLOURS, exif=turned(), **LOSSLESS_WEBP), COLOURS, None),
    "turned.tiff": (save(COLOURS, exif=turned()), COLOURS.transpose(Image.Transpose.ROTATE_270), None),
    "damaged exif.png": (save(COLOURS, exif=b"Exif\0\0no TIFF"), COLOURS, None),
    "grey.png": (save(COLOURS.convert("L")), rgb_of("L"), "png"),
    "grey with alpha.png": (save(with_alpha("L")), rgb_of("L"), None),
    "colours with alpha.png": (save(with_alpha("RGB")), COLOURS, None),
    "black and white.png": (save(COLOURS.convert("1")), rgb_of("1"), "png"),
    "palette.png": (save(PALETTE), PALETTE.convert("RGB"), "png"),
    "palette, one colour transparent.png": (save(PALETTE, transparency=3), PALETTE.convert("RGB"), None),
    "palette, alphas.png": (save(PALETTE, transparency=bytes(range(16))), PALETTE.convert("RGB"), None),
    "cmyk.tiff": (save(COLOURS.convert("CMYK")), COLOURS, None),
    "still.gif": (save(PALETTE), PALETTE.convert("RGB"), "gif"),
    "animated.gif": (
        save(PALETTE, save_all=True, append_images=[PALETTE.rotate(180)]),
        PALETTE.convert("RGB"),
        None,
    ),
    "16 bits.png": (save(Image.fromarray(RAMP)), UPPER, None),
    "16 bits.tiff": (save(Image.fromarray(RAMP)), UPPER, None),
    "16 bits, upper byte first.tiff": (save(Image.fromarray(RAMP.astype(">u2"))), UPPER, None),
    "16 bits.pgm": (save(Image.fromarray(RAMP.astype(np.int32))), UPPER, None),
}
"""File -> what writes it; the pixels that everybody is shown; its format where its own bytes are sent."""


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Path, Image.Image, str | None]:
    write, pixels, plain = KINDS[request.param]
    write(tmp_path / request.param)
    return tmp_path / request.param, pixels, plain


def as_others_show(content: bytes) -> Image.Image:
    """What a reader makes of an image that heeds EXIF, and blends transparency with white, as browsers do."""
    image = ImageOps.exif_transpose(Image.open(io.BytesIO(content)))
    assert ORIENTATION not in image.getexif()
    shown = image.convert("RGBA" if image.has_transparency_data else "RGB")
    opaque = Image.new("RGB", shown.size, "white")
    opaque.paste(shown, mask=shown.getchannel("A") if shown.mode == "RGBA" else None)
    return opaque


def equal(one: Image.Image, other: Image.Image) -> bool:
    return one.size == other.size and one.tobytes() == other.tobytes()


def decoded(url: str) -> bytes:
    return base64.b64decode(url.partition(",")[2])


def test_a_model_sees_the_pixels(kind: tuple[Path, Image.Image, str | None]) -> None:
    path, pixels, plain = kind
    image = open_image(path)
    assert image.mode == "RGB"
    assert equal(image, pixels)
    with Image.open(path) as stored:
        assert equal(to_rgb(stored), pixels)
    assert plain_format(path) == plain
    decodable(path)


@pytest.mark.parametrize(
    ("image_format", "max_side"), [(None, 16), ("png", 15), ("webp", None), ("jpeg", 15)]
)
def test_a_server_is_sent_what_a_model_sees(
    kind: tuple[Path, Image.Image, str | None], image_format: str | None, max_side: int | None
) -> None:
    path, pixels, plain = kind
    url = image_url(path, image_format, max_side)
    if plain and max_side != 15 and image_format in (None, plain):
        assert decoded(url) == path.read_bytes()
    sent = as_others_show(decoded(url))
    expected = pixels.copy()
    if max_side:
        expected.thumbnail((max_side, max_side), Image.Resampling.BICUBIC)
    if url.startswith("data:image/jpeg"):
        assert sent.size == expected.size
        assert np.abs(np.asarray(sent, float) - np.asarray(expected, float)).mean() < 12
    else:
        assert equal(sent, expected)


def test_a_browser_shows_what_a_model_sees(kind: tuple[Path, Image.Image, str | None]) -> None:
    path, pixels, plain = kind
    pictures = Pictures()  # what it made is there as long as it is

    async def shown() -> tuple[Path, str]:
        return await pictures.shown(path, is_gone)

    async def is_gone() -> bool:
        return False

    file, media_type = asyncio.run(shown())
    assert media_type == f"image/{plain or 'png'}"
    assert equal(as_others_show(file.read_bytes()), pixels)


def test_a_report_shows_what_a_model_sees(kind: tuple[Path, Image.Image, str | None]) -> None:
    path, pixels, _ = kind
    shown = np.asarray(as_others_show(decoded(thumbnail(path, LARGE) or "")), float)
    assert shown.shape == np.asarray(pixels).shape
    assert abs(shown.mean() - np.asarray(pixels, float).mean()) < 8


def test_a_jpeg_that_exif_turns_is_sent_without_exif(tmp_path: Path) -> None:
    path = tmp_path / "turned.jpg"
    COLOURS.save(path, exif=turned())
    assert open_image(path).size == COLOURS.size
    assert equal(as_others_show(decoded(image_url(path))), open_image(path))
    COLOURS.save(path, exif=Image.Exif())
    assert decoded(image_url(path)) == path.read_bytes()


@pytest.mark.parametrize("numbers", [np.int32, np.float32])
def test_numbers_whose_white_is_unknown_are_refused(tmp_path: Path, numbers: type) -> None:
    path = tmp_path / "numbers.tiff"
    image = Image.fromarray(RAMP.astype(numbers))
    image.save(path)
    for read in (open_image, image_url, decodable):
        with pytest.raises(RepopeError) as caught:
            read(path)
        assert str(caught.value) == (
            f"{path}: nothing says which of its numbers is white (Pillow's mode {image.mode}); save it with 8 bits a "
            "channel"
        )
    assert thumbnail(path, LARGE) is None


def test_a_mode_that_pillow_cannot_convert_is_named() -> None:
    with pytest.raises(RepopeError, match=r"^La is no mode that Pillow turns into RGB"):
        to_rgb(Image.new("La", (2, 2)))
