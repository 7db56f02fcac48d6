"""The checkpoints that have names here."""

import re

import pytest
from conftest import PROJECT

from perf.chat_families.families import FAMILIES
from repope_eval.asking.chat.tried import ALONE
from repope_eval.cluster.sweep_plan import read_resources, row_of
from repope_eval.settings.askers import CHAT
from repope_eval.settings.composition import listed_models
from repope_eval.settings.config import ModelSettings, number_format

MODELS = [model for model in listed_models() if model.family == CHAT]

PUBLISHED = {
    "aya_vision_": "CohereLabs/aya-vision-{}",
    "gemma3_": "google/gemma-3-{}-it",
    "gemma3n_": "google/gemma-3n-{}-it",
    "gemma4_": "google/gemma-4-{}-it",
    "glm4_1v_9b": "zai-org/GLM-4.1V-9B-Thinking",
    "glm4_5v_106b": "zai-org/GLM-4.5V",
    "glm4_6v_106b": "zai-org/GLM-4.6V",
    "glm4_6v_flash_9b": "zai-org/GLM-4.6V-Flash",
    "idefics3_": "HuggingFaceM4/Idefics3-{}-Llama3",
    "internvl3_": "OpenGVLab/InternVL3-{}-hf",
    "internvl3_5_": "OpenGVLab/InternVL3_5-{}-HF",
    "lfm2_vl_": "LiquidAI/LFM2-VL-{}",
    "lfm2_5_vl_": "LiquidAI/LFM2.5-VL-{}",
    "llama3_2_vision_": "meta-llama/Llama-3.2-{}-Vision-Instruct",
    "llava_1_5_": "llava-hf/llava-1.5-{}-hf",
    "minicpm_v4_6": "openbmb/MiniCPM-V-4.6",
    "mistral_small3_1_24b": "mistralai/Mistral-Small-3.1-24B-Instruct-2503",
    "molmo2_": "allenai/Molmo2-{}",
    "pixtral_": "mistral-community/pixtral-{}",
    "qwen2_5_vl_": "Qwen/Qwen2.5-VL-{}-Instruct",
    "qwen3_5_": "Qwen/Qwen3.5-{}",
    "qwen3_vl_": "Qwen/Qwen3-VL-{}-Instruct",
    "smolvlm2_": "HuggingFaceTB/SmolVLM2-{}-Instruct",
}
"""How a name begins -> the checkpoint, with the place of its size."""

TRIED = {
    "aya_vision_": "aya_vision",
    "gemma3_": "gemma3",
    "gemma3n_": "gemma3n",
    "gemma4_": "gemma4",
    "gemma4_12b": "gemma4_unified",
    "gemma4_26b_a4b": "gemma4_moe",
    "glm4_1v_9b": "glm4v",
    "glm4_5v_106b": "glm4v_moe",
    "glm4_6v_106b": "glm4v_moe",
    "glm4_6v_flash_9b": "glm46v",
    "idefics3_": "idefics3",
    "internvl3_": "internvl3",
    "internvl3_5_": "internvl3_5",
    "lfm2_vl_": "lfm2_vl",
    "lfm2_5_vl_": "lfm2_vl",
    "llama3_2_vision_": "mllama",
    "llava_1_5_": "llava",
    "minicpm_v4_6": "minicpmv4_6",
    "mistral_small3_1_24b": "mistral3",
    "molmo2_": "molmo2",
    "pixtral_": "pixtral",
    "qwen2_5_vl_": "qwen2_5_vl",
    "qwen3_5_": "qwen3_5",
    "qwen3_vl_": "qwen3_vl",
    "smolvlm2_": "smolvlm",
}
"""How a name begins -> the tiny checkpoint of its class that tests ask."""

GATED = ("aya_vision_", "gemma3_", "gemma3n_", "llama3_2_vision_")
"""How the names begin of those whose licence has to be accepted on the Hub."""

THINKING = (
    *("glm4_1v_9b", "glm4_5v_106b", "glm4_6v_106b", "glm4_6v_flash_9b"),
    *(f"qwen3_5_{size}b" for size in (4, 9, 27)),
)
"""Those that think before they answer, unless told otherwise."""


def start_of(model: ModelSettings) -> str:
    """The longest beginning of a model's name among those that are published."""
    return max((start for start in PUBLISHED if model.name.startswith(start)), key=len)


def test_these_sizes_have_names() -> None:
    assert [model.name for model in MODELS] == [
        *(f"aya_vision_{size}b" for size in (8, 32)),
        *(f"gemma3_{size}b" for size in (4, 12, 27)),
        *(f"gemma3n_{size}" for size in ("e2b", "e4b")),
        *(f"gemma4_{size}" for size in ("12b", "26b_a4b", "31b", "e2b", "e4b")),
        "glm4_1v_9b",
        "glm4_5v_106b",
        "glm4_6v_106b",
        "glm4_6v_flash_9b",
        "idefics3_8b",
        *(f"internvl3_{size}b" for size in (1, 2)),
        *(f"internvl3_5_{size}b" for size in (1, 2, 4, 8, 14, 38)),
        *(f"internvl3_{size}b" for size in (8, 14, 38, 78)),
        *(f"lfm2_5_vl_{size}" for size in ("1_6b", "450m")),
        *(f"lfm2_vl_{size}" for size in ("1_6b", "3b", "450m")),
        *(f"llama3_2_vision_{size}b" for size in (11, 90)),
        *(f"llava_1_5_{size}b" for size in (7, 13)),
        "minicpm_v4_6",
        "mistral_small3_1_24b",
        *(f"molmo2_{size}" for size in ("4b", "8b", "o_7b")),
        "pixtral_12b",
        *(f"qwen2_5_vl_{size}b" for size in (3, 7, 32, 72)),
        *(f"qwen3_5_{size}b" for size in ("0_8", 2, 4, 9, 27)),
        *(f"qwen3_vl_{size}b" for size in (2, 4, 8, 32)),
        *(f"smolvlm2_{size}" for size in ("2_2b", "256m", "500m")),
    ]


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
def test_the_checkpoint_is_the_one_of_that_size(model: ModelSettings) -> None:
    start = start_of(model)
    size = re.sub(r"(?<=\d)_(?=\d)", ".", model.name.removeprefix(start)).replace("_", "-")
    checkpoint = model.checkpoint.lower().replace("-video", "")
    assert checkpoint == PUBLISHED[start].format(size).lower()
    assert model.gated == (start in GATED)
    assert model.max_new_tokens == (4096 if model.name in THINKING else 1024)
    assert number_format(model) == ("float16" if start == "llava_1_5_" else "bfloat16")


def test_a_tiny_checkpoint_of_each_class_is_asked() -> None:
    families = {
        model.name: TRIED[max((start for start in TRIED if model.name.startswith(start)), key=len)]
        for model in MODELS
    }
    assert set(families.values()) <= set(FAMILIES)
    alone = [name for name, family in families.items() if family in ALONE]
    assert alone == ["llama3_2_vision_11b", "llama3_2_vision_90b"]
    page = (PROJECT / "docs" / "how-to" / "chat-models.md").read_text(encoding="utf-8")
    text = " ".join(page.split())
    assert f"tiny checkpoints of {len(FAMILIES) - 1} families" in text, "all but Llama 4"
    assert "Of those with names, Llama 3.2 Vision alone is asked each question with its image." in text


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
def test_a_cluster_gives_it_the_gpus_that_hold_its_weights(model: ModelSettings) -> None:
    row = row_of(model.name, read_resources(PROJECT / "slurm" / "resources.csv"))
    assert row is not None
    (billions,) = re.findall(r"_(\d+)b(?:_a\d+b)?$", model.name) or ["8"]
    assert 2 * int(billions) < 0.8 * 80 * row.needs.gpus
    assert ("model.device_map=auto" in row.overrides) == (row.needs.gpus > 1)
