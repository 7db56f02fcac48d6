"""How many feature tokens an image has is known from its size, in every family."""

from pathlib import Path

import pytest
import torch
from PIL import Image

from perf.golden import ONE_OF_EACH_FAMILY, golden_model
from repope_eval.errors import RepopeError
from repope_eval.models.loading import Model

QUESTION = "Is there a cat in the image?"
ORDINARY = [(640, 480), (480, 640), (500, 375), (333, 500)]
ODD = [(1, 1), (3, 7), (449, 447), (1023, 17), (1337, 999)]
THIN = [(1, 5000), (5000, 1)]


@pytest.fixture(scope="module", params=ONE_OF_EACH_FAMILY)
def model(request: pytest.FixtureRequest) -> Model:
    return golden_model(Path(__file__).parent.parent / "goldens" / request.param)


def shown(model: Model, sizes: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Ovis2 shows no image that is more times as long as it is wide than a part has pixels a side."""
    return [size for size in sizes if size not in THIN or model.recipe.family != "Ovis2"]


def test_prompts_have_as_many_feature_tokens(model: Model) -> None:
    for size in shown(model, [*ORDINARY, *ODD, *THIN]):
        prompt = model.recipe.prepare(Image.new("RGB", size), [QUESTION]).prompts[0]
        number = sum(token in model.recipe.feature_token_ids for token in prompt)
        assert model.recipe.count_features(*size) == number > 0, size


def test_as_many_features_come_out_of_the_model(model: Model) -> None:
    for size in shown(model, [(333, 500), (1, 1), THIN[0]]):
        inputs = model.recipe.prepare(Image.new("RGB", size), [QUESTION]).inputs
        with torch.inference_mode():
            (features,) = model.recipe.image_features(model.network, [inputs])
        assert len(features) == model.recipe.count_features(*size), size


@pytest.mark.parametrize("size", THIN)
def test_a_shape_that_cannot_be_shown_has_no_count(goldens: Path, size: tuple[int, int]) -> None:
    recipe = golden_model(goldens / "ovis2").recipe
    with pytest.raises(RepopeError, match=f"^{size[0]} x {size[1]} pixels are too thin"):
        recipe.count_features(*size)


COUNTS = {
    "internvl2_5_qwen2": {(640, 480): 256 * 13, (1, 1): 256, (1, 5000): 256 * 13, (5000, 1): 256 * 13},
    "ovis2": {(640, 480): 256 * 5 + 6, (1, 1): 256 + 3, (1, 448): 256 + 3, (2, 800): 256 * 3 + 4},
    "llava_next_vicuna": {(640, 480): 2340, (1, 1): 576 + 24 * 25, (1, 5000): 576 + 24, (5000, 1): 576},
    "llava_onevision": {(1, 1): 729 + 27 * 28, (1, 5000): 729 + 27 * 2, (5000, 1): 729 + 28},
    "paligemma": {(640, 480): 256, (1, 1): 256, (1, 5000): 256, (5000, 1): 256},
}
"""Features by (width, height). Of the tiles of a very thin image LLaVA keeps no feature or one in a row or
column, as upstream; the feature that ends each row stays."""


@pytest.mark.parametrize("name", COUNTS)
def test_counts_of_the_thinnest_images_are_upstreams(goldens: Path, name: str) -> None:
    recipe = golden_model(goldens / name).recipe
    assert {size: recipe.count_features(*size) for size in COUNTS[name]} == COUNTS[name]
