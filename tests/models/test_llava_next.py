"""LLaVA-NeXT: three prompts, how Vicuna is recognised, and how many features an image has."""

import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from PIL import Image
from transformers import LlavaNextImageProcessorPil, LlavaNextProcessor

from perf.golden import golden_model
from repope_eval.models.checkpoints import find_checkpoint
from repope_eval.models.fields import Fields
from repope_eval.models.llava import LlavaNextRecipe, unpadded_grid
from repope_eval.models.recipe import Recipe, RecipeOptions

QUESTION = "Is there a snowboard in the image?"
PROMPTS = {
    "llava_next_vicuna": (
        "A chat between a curious human and an artificial intelligence assistant. The assistant gives "
        "helpful, detailed, and polite answers to the human's questions. "
        "USER: <image>\nIs there a snowboard in the image? ASSISTANT:"
    ),
    "llava_next_mistral": "[INST] <image>\nIs there a snowboard in the image? [/INST]",
    "llava_next_llama3": (
        "<|start_header_id|>user<|end_header_id|>\n\n<image>\nIs there a snowboard in the image?<|eot_id|>"
        "<|start_header_id|>assistant<|end_header_id|>\n\n"
    ),
}
VICUNA_TEMPLATE = (
    "{% for message in messages %}{{ message['role'].upper() + ': ' }}"
    "{% for content in message['content'] | selectattr('type', 'equalto', 'image') %}{{ '<image>\n' }}"
    "{% endfor %}{% for content in message['content'] | selectattr('type', 'equalto', 'text') %}"
    "{{ content['text'] + ' ' }}{% endfor %}{% endfor %}"
    "{% if add_generation_prompt %}{{ 'ASSISTANT:' }}{% endif %}"
)
"""Another way to write it than the golden's."""


def recipe_in(folder: Path) -> Recipe:
    return LlavaNextRecipe(find_checkpoint(str(folder), "main"), RecipeOptions())


def processor_count(height: int, width: int) -> int:
    """Features by transformers' processor, which is more trouble to make than to stand in for."""
    processor = SimpleNamespace(
        image_processor=LlavaNextImageProcessorPil(), patch_size=14, num_additional_image_tokens=1
    )
    processor._get_unpadded_features = lambda *sizes: LlavaNextProcessor._get_unpadded_features(
        processor, *sizes
    )
    count: int = LlavaNextProcessor._get_number_of_features(processor, height, width, 336, 336)
    return count - 1  # the class token, which the selection strategy "default" drops


@pytest.mark.parametrize("name", PROMPTS)
def test_the_prompt_is_the_paper_codes_to_the_letter(goldens: Path, name: str) -> None:
    assert recipe_in(goldens / name).prompt(QUESTION) == PROMPTS[name]


def test_vicuna_is_recognised_by_how_its_template_has_it_speak(goldens: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(goldens / "llava_next_vicuna", tmp_path / "checkpoint"))
    (folder / "chat_template.jinja").write_text(VICUNA_TEMPLATE)
    assert recipe_in(folder).prompt(QUESTION) == PROMPTS["llava_next_vicuna"]
    (folder / "chat_template.jinja").write_text("<image>{{ messages[0].content[1].text }}")
    assert recipe_in(folder).prompt(QUESTION) == f"<image>{QUESTION}"


@pytest.mark.parametrize("width", [1, 30, 333, 427, 501, 640, 1000, 2000])
def test_features_are_counted_as_the_processor_does(goldens: Path, width: int) -> None:
    recipe = recipe_in(goldens / "llava_next_vicuna")
    for height in (1, 3, 335, 428, 641, 1500):
        image = Image.new("RGB", (width, height))
        (prompt,) = recipe.prepare(image, [QUESTION]).prompts
        assert prompt.count(recipe.feature_token_ids[0]) == processor_count(height, width), (height, width)


@pytest.mark.parametrize("size", [(640, 427), (427, 640), (500, 375), (333, 500), (640, 1), (1, 640), (3, 3)])
def test_the_network_makes_as_many_features(goldens: Path, size: tuple[int, int]) -> None:
    model = golden_model(goldens / "llava_next_vicuna")
    prepared = model.recipe.prepare(Image.new("RGB", size), [QUESTION])
    with torch.inference_mode():
        (features,) = model.recipe.image_features(model.network, [prepared.inputs])
    assert len(features) == prepared.prompts[0].count(model.recipe.feature_token_ids[0])


@pytest.mark.parametrize(
    ("size", "grid"),
    [
        ((480, 640), (36, 48)),  # COCO's usual shape, 4:3 in a square: twelve rows of padding
        ((640, 480), (48, 36)),
        ((512, 512), (48, 48)),
        ((427, 640), (32, 48)),
        ((375, 562), (32, 48)),  # 32.03 rows are covered
        ((363, 562), (32, 48)),  # 31 rows are covered: of 17 padded ones, one stays
        ((1, 5000), (0, 48)),
    ],
)
def test_padding_is_cut_off_by_as_much_on_both_sides(size: tuple[int, int], grid: tuple[int, int]) -> None:
    assert unpadded_grid(size, 48, 48) == grid


@pytest.mark.parametrize(
    ("config", "known"),
    [({"model_type": "llava_next"}, True), ({"model_type": "llava_onevision"}, False), ({}, False)],
)
def test_checkpoints_are_recognised_by_their_configuration(config: dict[str, Any], known: bool) -> None:
    assert LlavaNextRecipe.recognises(Fields(Path("config.json"), config)) is known
