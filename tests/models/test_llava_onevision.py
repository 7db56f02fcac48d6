"""LLaVA-OneVision: its prompt, how many features an image has, and that nothing of videos is needed."""

import json
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from PIL import Image
from transformers import LlavaOnevisionImageProcessorPil, LlavaOnevisionProcessor

from perf.golden import golden_model, read_golden
from repope_eval.asking.native.generation import find_spellings
from repope_eval.asking.native.sequential import generate_sequentially
from repope_eval.asking.native.shared import generate_shared
from repope_eval.errors import RepopeError
from repope_eval.models.checkpoints import find_checkpoint
from repope_eval.models.fields import Fields
from repope_eval.models.llava import LlavaOnevisionRecipe
from repope_eval.models.loading import Model
from repope_eval.models.recipe import Recipe, RecipeOptions

QUESTION = "Is there a snowboard in the image?"


@pytest.fixture(scope="module")
def model() -> Model:
    return golden_model(Path(__file__).parent.parent / "goldens" / "llava_onevision")


@pytest.fixture
def checkpoint(goldens: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(goldens / "llava_onevision", tmp_path / "llava_onevision"))


def recipe_in(folder: Path) -> Recipe:
    return LlavaOnevisionRecipe(find_checkpoint(str(folder), "main"), RecipeOptions())


def processor_count(height: int, width: int) -> int:
    """Features by transformers' processor, which needs a video processor to be made."""
    processor = SimpleNamespace(
        image_processor=LlavaOnevisionImageProcessorPil(),
        num_image_tokens=729,
        vision_aspect_ratio="anyres_max_9",
    )
    processor._get_unpadded_features = lambda *sizes: LlavaOnevisionProcessor._get_unpadded_features(
        processor, *sizes
    )
    count: int = LlavaOnevisionProcessor._get_number_of_features(processor, height, width, 384, 384)
    return count


def test_the_prompt_is_the_checkpoints_chat_template(model: Model) -> None:
    assert model.recipe.prompt(QUESTION) == (
        "<|im_start|>user <image>\nIs there a snowboard in the image?<|im_end|><|im_start|>assistant\n"
    )


@pytest.mark.parametrize("width", [1, 30, 384, 427, 640, 641, 1000, 1300, 2304])
def test_features_are_counted_as_the_processor_does(model: Model, width: int) -> None:
    for height in (1, 100, 385, 640, 1153):
        (prompt,) = model.recipe.prepare(Image.new("RGB", (width, height)), [QUESTION]).prompts
        assert prompt.count(model.recipe.feature_token_ids[0]) == processor_count(height, width), (
            height,
            width,
        )


@pytest.mark.parametrize(
    "size", [(640, 427), (500, 375), (333, 500), (640, 1), (1, 640), (3, 3), (1700, 1300)]
)
def test_the_network_makes_as_many_features(model: Model, size: tuple[int, int]) -> None:
    prepared = model.recipe.prepare(Image.new("RGB", size), [QUESTION])
    with torch.inference_mode():
        (features,) = model.recipe.image_features(model.network, [prepared.inputs])
    assert len(features) == prepared.prompts[0].count(model.recipe.feature_token_ids[0])


def test_a_grid_that_shrinks_is_answered_alike_by_both_engines(model: Model, goldens: Path) -> None:
    photograph = read_golden(goldens / "llava_onevision").photograph("coffee").resize((1536, 1152))
    image = model.recipe.prepare(photograph, [QUESTION, "Is there a cup in the image?"])
    assert len(image.inputs["pixel_values"]) == 13
    assert image.prompts[0].count(model.recipe.feature_token_ids[0]) < 729 * 10 + 81
    spellings = find_spellings(model.recipe)
    (together,) = generate_shared(model, [image], 8, spellings)
    (alone,) = generate_sequentially(model, [image], 8, spellings)
    assert [one.token_ids for one in together] == [one.token_ids for one in alone]


def test_nothing_of_videos_is_needed(checkpoint: Path, model: Model) -> None:
    shutil.rmtree(checkpoint / "video_processor")
    (checkpoint / "processor_config.json").unlink()
    assert recipe_in(checkpoint).prompt(QUESTION) == model.recipe.prompt(QUESTION)


@pytest.mark.parametrize("ratio", ["anyres", "pad", "anyres_max_"])
def test_an_unknown_way_to_shrink_is_refused(checkpoint: Path, ratio: str) -> None:
    config = json.loads((checkpoint / "config.json").read_text()) | {"vision_aspect_ratio": ratio}
    (checkpoint / "config.json").write_text(json.dumps(config))
    with pytest.raises(
        RepopeError, match=rf"config\.json: vision_aspect_ratio is '{ratio}'; anyres_max_ and a"
    ):
        recipe_in(checkpoint)


@pytest.mark.parametrize(
    ("config", "known"),
    [({"model_type": "llava_onevision"}, True), ({"model_type": "llava_next"}, False), ({}, False)],
)
def test_checkpoints_are_recognised_by_their_configuration(config: dict[str, Any], known: bool) -> None:
    assert LlavaOnevisionRecipe.recognises(Fields(Path("config.json"), config)) is known
