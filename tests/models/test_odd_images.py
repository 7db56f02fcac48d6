"""Images that are rare in benchmarks, through every family: thin ones, and every way of storing colours."""

import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from perf.golden import ONE_OF_EACH_FAMILY, golden_model
from repope_eval.asking.native.generation import find_spellings
from repope_eval.asking.native.shared import generate_shared
from repope_eval.benchmarks.images import open_image
from repope_eval.errors import RepopeError
from repope_eval.models.internvl import IMAGENET_MEAN, IMAGENET_STD
from repope_eval.models.loading import Model
from repope_eval.models.ovis2 import CLIP_MEAN, CLIP_STD

QUESTION = "Is there a cat in the image?"
EXIF_ORIENTATION = 0x0112
ROTATED = 6
"""Shown a quarter turn clockwise by what heeds EXIF."""


def noise(width: int, height: int) -> Image.Image:
    return Image.fromarray(np.random.default_rng(7).integers(0, 256, (height, width, 3), dtype=np.uint8))


def with_alpha() -> Image.Image:
    image = noise(40, 30).convert("RGBA")
    image.putalpha(Image.linear_gradient("L").resize(image.size))
    return image


def save_odd_images(folder: Path) -> dict[str, Path]:
    """One file of each kind, by what is odd about it."""
    turned = Image.Exif()
    turned[EXIF_ORIENTATION] = ROTATED
    greys = np.linspace(0, 65535, 1200).astype(np.uint16).reshape(30, 40)
    frames = [noise(40, 30).rotate(angle) for angle in (0, 180)]
    palette = noise(40, 30).quantize(16)
    noise(1, 1).save(folder / "one pixel.png")
    noise(1, 5000).save(folder / "tall.png")
    noise(5000, 1).save(folder / "wide.png")
    noise(40, 30).convert("CMYK").save(folder / "cmyk.jpg")
    Image.fromarray(greys).save(folder / "16-bit grey.png")
    frames[0].save(folder / "animated.gif", save_all=True, append_images=frames[1:])
    noise(40, 30).save(folder / "turned by EXIF.jpg", exif=turned)
    with_alpha().save(folder / "alpha.png")
    palette.save(folder / "palette, one colour transparent.png", transparency=3)
    palette.save(folder / "palette, alphas.png", transparency=bytes(range(0, 256, 16)))
    return {path.stem: path for path in folder.iterdir()}


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return save_odd_images(tmp_path_factory.mktemp("odd"))


@pytest.fixture(scope="module")
def plain(files: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The same images as the paper's code has them, saved without loss; of 16 bits it has the upper ones."""
    folder = tmp_path_factory.mktemp("plain")
    paths = {name: folder / f"{name}.png" for name in files}
    for name, path in files.items():
        with warnings.catch_warnings(action="ignore", category=UserWarning), Image.open(path) as image:
            eight = (
                image if image.mode != "I;16" else Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
            )
            eight.convert("RGB").save(paths[name])
    return paths


@pytest.fixture(scope="module", params=ONE_OF_EACH_FAMILY)
def model(request: pytest.FixtureRequest) -> Model:
    return golden_model(Path(__file__).parent.parent / "goldens" / request.param)


def shown(model: Model, files: dict[str, Path]) -> dict[str, Path]:
    """Ovis2's own code resizes a side of the thin ones to nothing, and stops."""
    thin = ("tall", "wide") if model.recipe.family == "Ovis2" else ()
    return {name: path for name, path in files.items() if name not in thin}


def test_odd_images_are_as_odd_as_they_should_be(files: dict[str, Path]) -> None:
    images = {}
    for name, path in files.items():
        with Image.open(path) as images[name]:
            images[name].load()
    assert {name: image.mode for name, image in images.items()} == {
        "one pixel": "RGB",
        "tall": "RGB",
        "wide": "RGB",
        "cmyk": "CMYK",
        "16-bit grey": "I;16",
        "animated": "P",
        "turned by EXIF": "RGB",
        "alpha": "RGBA",
        "palette, one colour transparent": "P",
        "palette, alphas": "P",
    }
    with Image.open(files["animated"]) as image:
        assert getattr(image, "n_frames", 1) == 2
    assert images["turned by EXIF"].getexif()[EXIF_ORIENTATION] == ROTATED
    assert isinstance(images["palette, alphas"].info["transparency"], bytes)


def test_each_is_what_the_papers_code_makes_of_it(
    model: Model, files: dict[str, Path], plain: dict[str, Path]
) -> None:
    for name, path in shown(model, files).items():
        image, expected = open_image(path), open_image(plain[name])
        one, other = (model.recipe.prepare(picture, [QUESTION]) for picture in (image, expected))
        assert one.prompts == other.prompts, name
        assert one.inputs.keys() == other.inputs.keys()
        assert all(torch.equal(one.inputs[key], other.inputs[key]) for key in one.inputs), name
        number = sum(token in model.recipe.feature_token_ids for token in one.prompts[0])
        assert number == model.recipe.count_features(*image.size), name


TILES = {
    "InternVL2.5": {"one pixel": 1, "tall": 13, "wide": 13, "alpha": 13},
    "Ovis2": {"one pixel": 1, "alpha": 1},
    "LLaVA-NeXT": {"one pixel": 3, "tall": 3, "wide": 3, "alpha": 3},
    "LLaVA-OneVision": {"one pixel": 2, "tall": 2, "wide": 2, "alpha": 2},
    "PaliGemma": {"one pixel": 1, "tall": 1, "wide": 1, "alpha": 1},
}
"""How many squares a model is shown; 40 x 30 pixels are a 4:3 photograph to InternVL2.5, however small."""


def test_each_is_answered_with_finite_logits(model: Model, files: dict[str, Path]) -> None:
    images = [
        model.recipe.prepare(open_image(files[name]), [QUESTION]) for name in TILES[model.recipe.family]
    ]
    answers = generate_shared(model, images, 1, find_spellings(model.recipe))
    assert [len(generations) for generations in answers] == [1] * len(images)
    assert all(0 <= generation.p_yes <= 1 for generations in answers for generation in generations)


def test_each_is_cut_into_as_many_squares_as_upstream(model: Model, files: dict[str, Path]) -> None:
    for name, number in TILES[model.recipe.family].items():
        pixels = model.recipe.prepare(open_image(files[name]), [QUESTION]).inputs["pixel_values"]
        assert pixels.shape[:2] == (number, 3), name
        assert pixels.shape[2] == pixels.shape[3]
        assert pixels.isfinite().all()


STATISTICS = {
    "InternVL2.5": (IMAGENET_MEAN, IMAGENET_STD),
    "LLaVA-NeXT": (CLIP_MEAN, CLIP_STD),
    "LLaVA-OneVision": (CLIP_MEAN, CLIP_STD),
    "PaliGemma": ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5)),
}
"""Mean and standard deviation of the colours, by family."""


def test_the_whole_image_is_squeezed_into_a_square(model: Model, files: dict[str, Path]) -> None:
    """As Pillow's bicubic filter does; of InternVL2.5's squares it is the last, of the others' the first."""
    if model.recipe.family == "Ovis2":
        return  # keeps the shape and pads: tests of its pixels have that
    place = -1 if model.recipe.family == "InternVL2.5" else 0
    mean, deviation = map(torch.tensor, STATISTICS[model.recipe.family])
    for name in ("one pixel", "tall", "wide", "cmyk", "alpha"):
        image = open_image(files[name])
        square = model.recipe.prepare(image, [QUESTION]).inputs["pixel_values"][place]
        squeezed = image.convert("RGB").resize((square.shape[-1],) * 2, Image.Resampling.BICUBIC)
        expected = (torch.from_numpy(np.array(squeezed)) / 255 - mean) / deviation
        assert (square.permute(1, 2, 0) - expected).abs().max() <= 1e-6, name


@pytest.mark.parametrize("name", ["tall", "wide"])
def test_ovis2_refuses_what_its_own_code_resizes_to_nothing(files: dict[str, Path], name: str) -> None:
    recipe = golden_model(Path(__file__).parent.parent / "goldens" / "ovis2").recipe
    image = open_image(files[name])
    with pytest.raises(RepopeError) as caught:
        recipe.prepare(image, [QUESTION])
    assert str(caught.value) == (
        f"{image.width} x {image.height} pixels are too thin: less than a pixel of the shorter side is left "
        "when the longer one becomes 448; Ovis2's own code cannot show that, so leave the image out"
    )
