"""Shapes of the shipped models are those that their native classes have, counted without weights."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from golden import GOLDENS

from repope_eval.capacity.counting import shape_of
from repope_eval.capacity.shapes import Shape, published_shape
from repope_eval.models.checkpoints import Checkpoint, find_checkpoint
from repope_eval.models.families import recipe_of
from repope_eval.models.recipe import Recipe, RecipeOptions
from repope_eval.settings.composition import model_settings
from repope_eval.settings.shipped_files import choices

INTERN_VIT_300M = {"num_hidden_layers": 24, "hidden_size": 1024, "intermediate_size": 4096}
INTERN_VIT_300M |= {"norm_type": "layer_norm", "qkv_bias": True, "qk_normalization": False}
INTERN_VIT_6B = {"num_hidden_layers": 45, "hidden_size": 3200, "intermediate_size": 12800}
INTERN_VIT_6B |= {"norm_type": "rms_norm", "qkv_bias": False, "qk_normalization": True}
AIMV2_LARGE = {"num_hidden_layers": 24, "hidden_size": 1024, "intermediate_size": 2816}
AIMV2_1B = {"num_hidden_layers": 24, "hidden_size": 2048, "intermediate_size": 5632}
CLIP = {"num_hidden_layers": 24, "hidden_size": 1024, "intermediate_size": 4096}
SIGLIP = {"num_hidden_layers": 27, "hidden_size": 1152, "intermediate_size": 4304}

PUBLISHED = {
    "internvl2_5_1b": ("internvl2_5_qwen2", INTERN_VIT_300M, {}),
    "internvl2_5_8b": ("internvl2_5_internlm2", INTERN_VIT_300M, {}),
    "internvl2_5_26b": ("internvl2_5_internlm2", INTERN_VIT_6B, {}),
    "internvl2_5_38b": ("internvl2_5_qwen2", INTERN_VIT_6B, {}),
    "ovis2_1b": ("ovis2", AIMV2_LARGE, {"tie_word_embeddings": True}),
    "ovis2_34b": ("ovis2", AIMV2_1B, {}),
    "llava_next_llama3_8b": ("llava_next_llama3", CLIP, {}),
    "llava_onevision_0_5b": (
        "llava_onevision",
        SIGLIP | {"num_hidden_layers": 26},
        {"tie_word_embeddings": True},
    ),
    "paligemma_3b": ("paligemma", SIGLIP, {}),
    "paligemma2_10b": ("paligemma2", SIGLIP, {"attn_logit_softcapping": 50.0}),
}
"""Shipped model -> the golden of its layout, and fields that its published vision tower and language model have."""


def shipped(name: str) -> Shape:
    checkpoint = model_settings(name).checkpoint
    shape = published_shape(checkpoint)
    assert shape is not None, f"{checkpoint} is not in published_shapes.csv"
    return shape


def golden_recipe(folder: Path, family: str, config: dict[str, Any] | None = None) -> Recipe:
    checkpoint = find_checkpoint(str(folder), "main")
    if config is not None:
        checkpoint = Checkpoint("scaled", folder, None, config)
    return recipe_of(family, checkpoint, RecipeOptions())


@pytest.mark.parametrize(
    ("name", "millions"),
    [
        ("internvl2_5_1b", 938.2),
        ("internvl2_5_2b", 2205.8),
        ("internvl2_5_4b", 3712.6),
        ("internvl2_5_8b", 8075.4),
        ("internvl2_5_26b", 25514.2),
        ("internvl2_5_38b", 38388.2),
        ("internvl2_5_78b", 78408.3),
        ("llava_next_mistral_7b", 7566.7),
        ("llava_onevision_0_5b", 893.7),
        ("paligemma_3b", 2923.5),
        ("paligemma2_3b", 3033.1),
        # 4616.1 in its files, which have the tied head's 151,936 x 2048 weights a second time.
        ("ovis2_4b", 4616.106 - 151936 * 2048 / 1e6),
    ],
)
def test_parameters_are_as_many_as_published(name: str, millions: float) -> None:
    assert shipped(name).parameters / 1e6 == pytest.approx(millions, abs=0.051)


@pytest.mark.parametrize("name", choices("model"))
def test_every_shipped_model_has_a_shape_that_fits_together(name: str) -> None:
    shape = shipped(name)
    assert shape.heads % shape.key_value_heads == 0
    assert 0 < shape.quantizable < shape.parameters
    assert shape.attends_both_ways == name.startswith("paligemma")
    assert shape.keeps_scores == name.startswith("paligemma2")
    if name.endswith("_mpo"):
        assert shape == shipped(name.removesuffix("_mpo"))


def test_the_trained_model_in_the_package_has_the_shape_in_the_table() -> None:
    assert shape_of(golden_recipe(Path("demo"), "internvl2_5")) == shipped("tiny")


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_configuration_of_published_dimensions_has_the_shape_in_the_table(goldens: Path, name: str) -> None:
    """It is a golden's `config.json` with the dimensions of the published one."""
    golden = PUBLISHED[name][0]
    config = published_config(json.loads((goldens / golden / "config.json").read_text()), name)
    assert shape_of(golden_recipe(goldens / golden, GOLDENS[golden].family, config)) == shipped(name)


def published_config(golden: dict[str, Any], name: str) -> dict[str, Any]:
    _, vision_fields, language_fields = PUBLISHED[name]
    config, shape = copy.deepcopy(golden), shipped(name)
    language = config.get("llm_config") or config["text_config"]
    vision = config.get("vision_config") or config["visual_tokenizer_config"]["backbone_config"]
    language |= {
        "num_hidden_layers": shape.layers,
        "hidden_size": shape.hidden,
        "intermediate_size": shape.intermediate,
        "num_attention_heads": shape.heads,
        "num_key_value_heads": shape.key_value_heads,
        "head_dim": shape.head_size,
        "vocab_size": shape.vocabulary,
        **language_fields,
    }
    vision |= {**vision_fields, "num_attention_heads": 8, "projection_dim": shape.hidden}
    if "visual_tokenizer_config" in config:
        config["visual_tokenizer_config"]["vocab_size"] = 65536
    for field in {"hidden_size", "projection_dim"} & set(config):
        config[field] = shape.hidden
    return config


def test_a_checkpoint_that_is_not_shipped_has_no_published_shape() -> None:
    assert published_shape("somebody/else") is None
