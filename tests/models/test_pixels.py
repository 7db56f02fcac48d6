"""Numbers of pixels that are looked up are those that are computed, to the last bit."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from transformers import LlavaNextImageProcessorPil, LlavaOnevisionImageProcessorPil, SiglipImageProcessorPil

from perf.golden import GOLDENS, read_golden
from repope_eval.errors import RepopeError
from repope_eval.models.checkpoints import find_checkpoint
from repope_eval.models.families import recipe_of
from repope_eval.models.internvl import IMAGENET_MEAN, IMAGENET_STD
from repope_eval.models.ovis2 import CLIP_MEAN, CLIP_STD
from repope_eval.models.pixels import normalised
from repope_eval.models.recipe import Recipe, RecipeOptions

STATISTICS = {"InternVL2.5": (IMAGENET_MEAN, IMAGENET_STD), "Ovis2": (CLIP_MEAN, CLIP_STD)}
PROCESSORS = {
    "llava_next_vicuna": LlavaNextImageProcessorPil,
    "llava_next_mistral": LlavaNextImageProcessorPil,
    "llava_next_llama3": LlavaNextImageProcessorPil,
    "llava_onevision": LlavaOnevisionImageProcessorPil,
    "paligemma": SiglipImageProcessorPil,
    "paligemma2": SiglipImageProcessorPil,
}
"""Golden -> transformers' image processor for its checkpoint."""


def recipe_in(goldens: Path, name: str) -> Recipe:
    return recipe_of(GOLDENS[name].family, find_checkpoint(str(goldens / name), "main"), RecipeOptions())


def computed(
    images: list[Image.Image], mean: tuple[float, ...], std: tuple[float, ...], dtype: torch.dtype
) -> torch.Tensor:
    """What `normalised` returns, computed for each pixel."""
    pixels = torch.from_numpy(np.stack([np.asarray(image) for image in images])).permute(0, 3, 1, 2)
    scaled = pixels.to(dtype) / 255
    return (scaled - torch.tensor(mean, dtype=dtype).view(1, 3, 1, 1)) / torch.tensor(std, dtype=dtype).view(
        1, 3, 1, 1
    )


@pytest.mark.parametrize("family", STATISTICS)
def test_every_value_of_every_channel_is_as_computed(family: str) -> None:
    mean, std = STATISTICS[family]
    values = np.arange(256, dtype=np.uint8).reshape(1, 256)
    image = Image.fromarray(np.stack([values, values[:, ::-1], np.roll(values, 7)], axis=-1))
    pixels = normalised([image, image.rotate(180)], mean, std)
    assert torch.equal(pixels, computed([image, image.rotate(180)], mean, std, torch.float32))
    assert pixels.dtype == torch.float32
    assert pixels.is_contiguous()
    exact = computed([image, image.rotate(180)], mean, std, torch.float64)
    assert (pixels - exact).abs().max() < 1e-6  # and not in another order of channels


@pytest.mark.parametrize("name", PROCESSORS)
def test_pixels_of_every_golden_are_the_image_processors_own(goldens: Path, name: str) -> None:
    settings = json.loads((goldens / name / "preprocessor_config.json").read_text())
    processor = PROCESSORS[name](**settings)
    recipe = recipe_in(goldens, name)
    for image_name in sorted({case.image for case in read_golden(goldens / name).cases}):
        image = Image.open(goldens / "images" / f"{image_name}.png").convert("RGB")
        inputs, own = recipe.inputs(image), processor(images=image, return_tensors="pt")
        tiles = own["pixel_values"].flatten(0, -4)
        assert inputs["pixel_values"].dtype == torch.float32
        assert torch.equal(inputs["pixel_values"], tiles)
        for key in set(inputs) - {"pixel_values"}:
            assert torch.equal(inputs[key], own[key])


@pytest.mark.parametrize(
    "changes",
    [
        {"image_mean": 0.5, "image_std": [0.25, 0.5, 0.125]},
        {"do_normalize": False},
        {"do_rescale": False},
        {"rescale_factor": 1 / 127.5},
    ],
)
def test_settings_of_a_checkpoint_are_followed(
    goldens: Path, tmp_path: Path, changes: dict[str, object]
) -> None:
    shutil.copytree(goldens / "paligemma", tmp_path / "paligemma")
    file = tmp_path / "paligemma" / "preprocessor_config.json"
    settings = json.loads(file.read_text()) | changes
    file.write_text(json.dumps(settings))
    image = Image.linear_gradient("L").resize((300, 200)).convert("RGB")
    own = SiglipImageProcessorPil(**settings)(images=image, return_tensors="pt")["pixel_values"]
    assert torch.equal(recipe_in(tmp_path, "paligemma").inputs(image)["pixel_values"], own)


def test_a_checkpoint_that_pads_what_is_normalised_is_refused(goldens: Path, tmp_path: Path) -> None:
    """Its zeros are no pixel of the image, and no table has them."""
    shutil.copytree(goldens / "paligemma", tmp_path / "paligemma")
    file = tmp_path / "paligemma" / "preprocessor_config.json"
    padding = {"do_pad": True, "pad_size": {"height": 512, "width": 512}}
    file.write_text(json.dumps(json.loads(file.read_text()) | padding))
    with pytest.raises(RepopeError, match=r"preprocessor_config\.json: pads images after it normalised them"):
        recipe_in(tmp_path, "paligemma")
