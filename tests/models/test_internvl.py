"""InternVL2.5 against the original code's outputs, kept as goldens, and its tiles."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from perf.golden import INTERNVL_GOLDENS, Golden, golden_model, read_golden, strided_sample
from repope_eval.models.checkpoints import find_checkpoint
from repope_eval.models.families import recipe_of
from repope_eval.models.fields import Fields
from repope_eval.models.internvl import InternVLRecipe, best_grid, tile_images, tile_pixels
from repope_eval.models.loading import Model
from repope_eval.models.recipe import RecipeOptions


@pytest.fixture(scope="module", params=INTERNVL_GOLDENS)
def golden(request: pytest.FixtureRequest) -> Golden:
    return read_golden(Path(__file__).parent.parent / "goldens" / request.param)


@pytest.fixture(scope="module")
def model(golden: Golden) -> Model:
    return golden_model(golden.folder)


def test_the_prompt_is_the_original_codes_to_the_letter(model: Model) -> None:
    assert model.recipe.prompt("Is there a snowboard in the image?") == (
        "<|im_start|>system\n"
        "你是书生·万象，英文名是InternVL，是由上海人工智能实验室、清华大学及多家合作单位联合开发的多模态大语言模型。<|im_end|>\n"
        "<|im_start|>user\n"
        "<img><IMG_CONTEXT></img>\n"
        "Is there a snowboard in the image?<|im_end|>\n"
        "<|im_start|>assistant\n"
    )


def test_prompt_token_ids_are_the_originals(golden: Golden, model: Model) -> None:
    assert len(golden.cases) == 32
    for (_, cases), prepared in zip(golden.cases_by_image().items(), golden.prepared(model), strict=True):
        for case, prompt in zip(cases, prepared.prompts, strict=True):
            image_tokens = [model.recipe.feature_token_ids[0]] * case.n_image_tokens
            assert list(prompt) == [
                *case.prompt_ids_before_image,
                *image_tokens,
                *case.prompt_ids_after_image,
            ]


def test_pixels_are_the_originals(golden: Golden, model: Model) -> None:
    for image, prepared in zip(golden.cases_by_image(), golden.prepared(model), strict=True):
        difference = (
            strided_sample(prepared.inputs["pixel_values"], 8192) - golden.tensors[f"pixel_values/{image}"]
        )
        assert difference.abs().max() <= 1e-6


def test_image_features_are_the_originals(golden: Golden, model: Model) -> None:
    for image, prepared in zip(golden.cases_by_image(), golden.prepared(model), strict=True):
        with torch.inference_mode():
            (features,) = model.recipe.image_features(model.network, [prepared.inputs])
        assert features.shape == (256 * len(prepared.inputs["pixel_values"]), 64)
        difference = strided_sample(features, 4096) - golden.tensors[f"image_features/{image}"]
        assert difference.abs().max() <= 1e-3


def test_first_logits_are_the_originals(golden: Golden, model: Model) -> None:
    for cases, prepared in zip(golden.cases_by_image().values(), golden.prepared(model), strict=True):
        for case, prompt in list(zip(cases, prepared.prompts, strict=True))[:1]:
            with torch.inference_mode():
                logits = model.network(
                    input_ids=torch.tensor([prompt]), logits_to_keep=1, **prepared.inputs
                ).logits[0, -1]
            assert (logits - golden.first_logits(case)).abs().max() <= 1e-3


def test_generated_tokens_are_decoded_as_the_original_does(golden: Golden, model: Model) -> None:
    for case in golden.cases:
        assert model.recipe.decode(case.generated_ids) == case.response


@pytest.mark.parametrize(
    ("config", "recognised"),
    [
        ({"model_type": "internvl_chat", "template": "internvl2_5"}, True),
        ({"model_type": "internvl_chat", "template": "internlm2-chat"}, False),  # InternVL2
        ({"model_type": "ovis"}, False),
        ({}, False),
    ],
)
def test_only_its_own_layout_is_recognised(config: dict[str, str], recognised: bool) -> None:
    assert InternVLRecipe.recognises(Fields(Path("config.json"), config)) is recognised


def test_a_recipe_may_depart_from_the_familys_in_what_the_family_has(golden: Golden) -> None:
    options = RecipeOptions(system_prompt="Be brief.", question_suffix="\nAnswer yes or no.", max_tiles=6)
    recipe = recipe_of("internvl2_5", find_checkpoint(str(golden.folder), "main"), options)
    assert recipe.prompt("Is there a cat?") == (
        "<|im_start|>system\nBe brief.<|im_end|>\n"
        "<|im_start|>user\n<img><IMG_CONTEXT></img>\nIs there a cat?\nAnswer yes or no.<|im_end|>\n"
        "<|im_start|>assistant\n"
    )
    assert len(recipe.prepare(golden.photograph("coffee"), ["Is there a cat?"]).inputs["pixel_values"]) == 7


@pytest.mark.parametrize(
    ("width", "height", "grid"),
    [
        (640, 480, (4, 3)),  # COCO's usual shape: 4:3 exactly, 12 tiles
        (480, 640, (3, 4)),
        (512, 512, (1, 1)),
        (448, 448, (1, 1)),
        (896, 448, (2, 1)),  # a tie of 2x1 and 4x2: half the pixels of 4x2 are not exceeded
        (1792, 896, (4, 2)),  # the same shape with more pixels: the later grid wins
        (5000, 1, (12, 1)),
        (1, 5000, (1, 12)),
        (1, 1, (1, 1)),
    ],
)
def test_the_grid_is_the_one_nearest_in_shape(width: int, height: int, grid: tuple[int, int]) -> None:
    assert best_grid(width, height, side=448, max_tiles=12) == grid


def test_tiles_run_row_by_row_and_the_thumbnail_comes_last() -> None:
    image = Image.new("RGB", (128, 64), "red")
    image.paste("blue", (64, 0, 128, 64))
    left, right, thumbnail = tile_images(image, side=64, max_tiles=12)
    assert left.getpixel((10, 10)) == (255, 0, 0)
    assert right.getpixel((50, 10)) == (0, 0, 255)
    assert thumbnail.size == (64, 64)
    assert (thumbnail.getpixel((5, 32)), thumbnail.getpixel((60, 32))) == ((255, 0, 0), (0, 0, 255))


def test_a_single_tile_has_no_thumbnail() -> None:
    assert len(tile_images(Image.new("RGB", (64, 64)), side=64, max_tiles=12)) == 1


@pytest.mark.parametrize("mode", ["L", "1", "P", "CMYK", "RGBA", "LA", "I;16"])
def test_every_mode_becomes_rgb(mode: str) -> None:
    pixels = tile_pixels(Image.new(mode, (64, 64)), side=64, max_tiles=12)
    assert pixels.shape == (1, 3, 64, 64)
    assert pixels.dtype == torch.float32


def test_pixels_are_scaled_and_normalised_with_imagenet_statistics() -> None:
    image = Image.fromarray(np.full((64, 64, 3), 255, np.uint8))
    pixels = tile_pixels(image, side=64, max_tiles=12)
    expected = [(1 - 0.485) / 0.229, (1 - 0.456) / 0.224, (1 - 0.406) / 0.225]
    assert pixels[0, :, 7, 9].tolist() == pytest.approx(expected, abs=1e-6)
