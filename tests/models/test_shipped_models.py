"""Every shipped model: its checkpoint, number format and token limit as published, and its exact prompt."""

from pathlib import Path

import pytest
from conftest import FAMILY_MODELS

from repope_eval.models.checkpoints import find_checkpoint
from repope_eval.models.families import recipe_of
from repope_eval.models.recipe import RecipeOptions
from repope_eval.settings.composition import model_settings
from repope_eval.settings.config import number_format

QUESTION = "Is there a snowboard in the image?"

PUBLISHED = {
    **{
        f"internvl2_5_{size}b{suffix}": (
            f"OpenGVLab/InternVL2_5-{size}B{suffix.upper().replace('_', '-')}",
            "main",
            "bfloat16",
            1024,
        )
        for size in (1, 2, 4, 8, 26, 38, 78)
        for suffix in ("", "_mpo")
    },
    "llava_next_vicuna_7b": ("llava-hf/llava-v1.6-vicuna-7b-hf", "main", "float16", 15),
    "llava_next_mistral_7b": ("llava-hf/llava-v1.6-mistral-7b-hf", "main", "float16", 15),
    "llava_next_llama3_8b": ("llava-hf/llama3-llava-next-8b-hf", "main", "float16", 15),
    "llava_onevision_0_5b": ("llava-hf/llava-onevision-qwen2-0.5b-ov-hf", "main", "float16", 15),
    "llava_onevision_7b": ("llava-hf/llava-onevision-qwen2-7b-ov-hf", "main", "float16", 15),
    **{
        f"ovis2_{size}b": (f"AIDC-AI/Ovis2-{size}B", "main", "bfloat16", 1024)
        for size in (1, 2, 4, 8, 16, 34)
    },
    "paligemma_3b": ("google/paligemma-3b-mix-224", "bfloat16", "bfloat16", 15),
    "paligemma2_3b": ("google/paligemma2-3b-mix-448", "main", "bfloat16", 15),
    "paligemma2_10b": ("google/paligemma2-10b-mix-448", "main", "bfloat16", 15),
}
"""Name -> checkpoint, revision, number format, most new tokens."""

INTERNVL_PROMPT = (
    "<|im_start|>system\n"
    "你是书生·万象，英文名是InternVL，是由上海人工智能实验室、清华大学及多家合作单位联合开发的多模态大语言模型。<|im_end|>\n"
    f"<|im_start|>user\n<img><IMG_CONTEXT></img>\n{QUESTION}<|im_end|>\n<|im_start|>assistant\n"
)
OVIS_PROMPT = (
    "<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n"
    f"<|im_start|>user\n<image>\n{QUESTION}<|im_end|>\n<|im_start|>assistant\n"
)
VICUNA_PROMPT = (
    "A chat between a curious human and an artificial intelligence assistant. The assistant gives helpful, "
    f"detailed, and polite answers to the human's questions. USER: <image>\n{QUESTION} ASSISTANT:"
)


def golden_and_prompt(name: str) -> tuple[str, str]:
    """A golden whose files the prompt is made with, and the prompt."""
    for start, golden, prompt in (
        ("internvl2_5", "internvl2_5_qwen2", INTERNVL_PROMPT),
        ("ovis2", "ovis2", OVIS_PROMPT),
        ("llava_next_vicuna", "llava_next_vicuna", VICUNA_PROMPT),
        ("llava_next_mistral", "llava_next_mistral", f"[INST] <image>\n{QUESTION} [/INST]"),
        (
            "llava_next_llama3",
            "llava_next_llama3",
            "<|start_header_id|>user<|end_header_id|>\n\n"
            f"<image>\n{QUESTION}<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n",
        ),
        (
            "llava_onevision",
            "llava_onevision",
            f"<|im_start|>user <image>\n{QUESTION}<|im_end|><|im_start|>assistant\n",
        ),
        ("paligemma_", "paligemma", f"<image><bos>{QUESTION}\n"),
        ("paligemma2_", "paligemma2", f"<image><bos>answer en {QUESTION}\n"),
    ):
        if name.startswith(start):
            return golden, prompt
    raise AssertionError(name)


def test_these_are_all_the_models_there_are() -> None:
    assert set(FAMILY_MODELS) == {*PUBLISHED, "tiny"}


@pytest.mark.parametrize("name", PUBLISHED)
def test_checkpoint_number_format_and_token_limit_are_the_published(name: str) -> None:
    settings = model_settings(name)
    found = (settings.checkpoint, settings.revision, number_format(settings), settings.max_new_tokens)
    assert found == PUBLISHED[name]
    assert settings.gated == name.startswith("paligemma")


@pytest.mark.parametrize("name", PUBLISHED)
def test_the_prompt_is_exactly_this(goldens: Path, name: str) -> None:
    golden, prompt = golden_and_prompt(name)
    checkpoint = find_checkpoint(str(goldens / golden), "main")
    recipe = recipe_of(model_settings(name).family, checkpoint, RecipeOptions())
    assert recipe.prompt(QUESTION) == prompt
