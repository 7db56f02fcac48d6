"""The shipped models at their published sizes, made from the goldens' small files: nothing is downloaded.

A golden has the layout of a published checkpoint at a small size. Its `config.json` is given the published sizes:
those of the language model stand in `repope_eval/machine/published_shapes.csv`, those of vision towers here.
"""

import copy
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from repope_eval.machine.memory_need import Shape, published_shape
from repope_eval.models.checkpoints import Checkpoint
from repope_eval.models.families import recipe_of
from repope_eval.models.recipe import Recipe, RecipeOptions
from repope_eval.settings.composition import model_settings

GOLDENS = Path(__file__).parent.parent / "tests" / "goldens"


def _tower(layers: int, hidden: int, intermediate: int, heads: int, **more: Any) -> dict[str, Any]:
    """A vision tower's sizes under the names that configurations give them."""
    sizes = {"num_hidden_layers": layers, "hidden_size": hidden, "intermediate_size": intermediate}
    return {**sizes, "num_attention_heads": heads, **more}


INTERN_VIT_300M = _tower(24, 1024, 4096, 16, norm_type="layer_norm", qkv_bias=True, qk_normalization=False)
INTERN_VIT_6B = _tower(45, 3200, 12800, 25, norm_type="rms_norm", qkv_bias=False, qk_normalization=True)
AIMV2_LARGE = _tower(24, 1024, 2816, 8)
AIMV2_HUGE = _tower(24, 1536, 4096, 12)
AIMV2_1B = _tower(24, 2048, 5632, 16)
CLIP = _tower(24, 1024, 4096, 16)
SIGLIP = _tower(27, 1152, 4304, 16)
SIGLIP_26 = SIGLIP | {"num_hidden_layers": 26}

TIED = {"tie_word_embeddings": True}
CAPPED = {"attn_logit_softcapping": 50.0, "final_logit_softcapping": 30.0}
OVIS2_WORDS = 65536
"""The size of Ovis2's visual vocabulary."""


@dataclass(frozen=True, slots=True)
class Published:
    """What a published configuration says beside the language model's sizes."""

    golden: str
    """The golden of its layout."""
    vision: Mapping[str, Any]
    language: Mapping[str, Any] = field(default_factory=dict)


PUBLISHED = {
    "internvl2_5_1b": Published("internvl2_5_qwen2", INTERN_VIT_300M),
    "internvl2_5_2b": Published("internvl2_5_internlm2", INTERN_VIT_300M),
    "internvl2_5_4b": Published("internvl2_5_qwen2", INTERN_VIT_300M),
    "internvl2_5_8b": Published("internvl2_5_internlm2", INTERN_VIT_300M),
    "internvl2_5_26b": Published("internvl2_5_internlm2", INTERN_VIT_6B),
    "internvl2_5_38b": Published("internvl2_5_qwen2", INTERN_VIT_6B),
    "internvl2_5_78b": Published("internvl2_5_qwen2", INTERN_VIT_6B),
    "ovis2_1b": Published("ovis2", AIMV2_LARGE, TIED),
    "ovis2_2b": Published("ovis2", AIMV2_LARGE, TIED),
    "ovis2_4b": Published("ovis2", AIMV2_HUGE, TIED),
    "ovis2_8b": Published("ovis2", AIMV2_HUGE),
    "ovis2_16b": Published("ovis2", AIMV2_HUGE),
    "ovis2_34b": Published("ovis2", AIMV2_1B),
    "llava_next_vicuna_7b": Published("llava_next_vicuna", CLIP),
    "llava_next_mistral_7b": Published("llava_next_mistral", CLIP),
    "llava_next_llama3_8b": Published("llava_next_llama3", CLIP),
    "llava_onevision_0_5b": Published("llava_onevision", SIGLIP_26, TIED),
    "llava_onevision_7b": Published("llava_onevision", SIGLIP_26),
    "paligemma_3b": Published("paligemma", SIGLIP),
    "paligemma2_3b": Published("paligemma2", SIGLIP, CAPPED),
    "paligemma2_10b": Published("paligemma2", SIGLIP, CAPPED),
}
"""Shipped model -> what is published of it. The names that end in `_mpo` are other weights of the same sizes."""


def published_checkpoint(name: str, layers: int | None = None) -> Checkpoint:
    """A checkpoint without weights that describes a shipped model at its published size.

    Args:
        name: of the model.
        layers: of the language model and of the vision tower each; None: as many as are published.
    """
    published = PUBLISHED[name.removesuffix("_mpo")]
    folder = GOLDENS / published.golden
    golden = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    config = _config(golden, published, shipped_shape(name))
    if layers is not None:
        for part in _parts(config):
            part["num_hidden_layers"] = layers
    return Checkpoint(name, folder, None, config)


@cache
def published_recipe(name: str, layers: int | None = None) -> Recipe:
    """The recipe of that checkpoint."""
    return recipe_of(model_settings(name).family, published_checkpoint(name, layers), RecipeOptions())


def shipped_shape(name: str) -> Shape:
    """The shape that `published_shapes.csv` gives a shipped model."""
    shape = published_shape(model_settings(name).checkpoint)
    assert shape is not None, f"{name} is not in published_shapes.csv"
    return shape


def _parts(config: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Where a configuration describes its language model and its vision tower."""
    language = config.get("llm_config") or config["text_config"]
    vision = config.get("vision_config") or config["visual_tokenizer_config"]["backbone_config"]
    return language, vision


def _config(golden: dict[str, Any], published: Published, shape: Shape) -> dict[str, Any]:
    """A golden's configuration with the published sizes."""
    config = copy.deepcopy(golden)
    language, vision = _parts(config)
    language |= {
        "num_hidden_layers": shape.layers,
        "hidden_size": shape.hidden,
        "intermediate_size": shape.intermediate,
        "num_attention_heads": shape.heads,
        "num_key_value_heads": shape.key_value_heads,
        "head_dim": shape.head_size,
        "vocab_size": shape.vocabulary,
        **published.language,
    }
    vision |= {**published.vision, "projection_dim": shape.hidden}
    if "query_pre_attn_scalar" in language:
        language["query_pre_attn_scalar"] = shape.head_size
    if "visual_tokenizer_config" in config:
        config["visual_tokenizer_config"]["vocab_size"] = OVIS2_WORDS
    tied = {name: language[name] for name in TIED if name in config and name in language}
    return config | tied | dict.fromkeys({"hidden_size", "projection_dim"} & set(config), shape.hidden)
