"""What a checkpoint's own configuration says of its size and shape, where it is on this machine."""

import torch
from torch import nn
from transformers import PreTrainedConfig

from repope_eval.capacity.shapes import (
    PHOTOGRAPH,
    LanguageKind,
    LanguageShape,
    Shape,
    VisionKind,
    VisionShape,
)
from repope_eval.capacity.sizes import Size
from repope_eval.models.recipe import Recipe


def count_parameters(recipe: Recipe) -> Size:
    """The size of a recipe's network, counted in the native class; tied weights count once."""
    with torch.device("meta"):
        network = recipe.network_class()(recipe.network_config())
    linear = {
        parameter
        for module in network.model.language_model.modules()
        if isinstance(module, nn.Linear)
        for parameter in module.parameters()
    }
    everything = set(network.parameters())
    return Size(_number(everything), _number(linear & everything))


def _number(parameters: set[nn.Parameter]) -> int:
    return sum(parameter.numel() for parameter in parameters)


def shape_of(family: str, recipe: Recipe) -> Shape:
    """The shape that a recipe's network has.

    Args:
        family: a key of FAMILIES.
        recipe: of the checkpoint.
    """
    config = recipe.network_config()
    vision = _vision_shape(config.vision_config)
    image_tokens = recipe.count_features(*PHOTOGRAPH)
    return Shape(
        family=family,
        language=_language_shape(config),
        vision=vision,
        visual_vocabulary=config.vision_config.vocab_size if family == "ovis2" else 0,
        tiles=_TILES.get(family, 0) or image_tokens // _tokens_per_tile(vision),
        image_tokens=image_tokens,
    )


_TILES = {"ovis2": 5, "llava_next": 5, "llava_onevision": 5, "paligemma": 1}
"""Of a photograph: a grid of 2x2 and the whole, or the whole alone; other families' follow from their tokens."""


def _tokens_per_tile(vision: VisionShape) -> int:
    return vision.patches // 4


def _language_shape(config: PreTrainedConfig) -> LanguageShape:
    text = config.get_text_config()
    kinds: dict[str, LanguageKind] = {
        "qwen2": "qwen2",
        "llama": "llama",
        "mistral": "mistral",
        "gemma": "gemma",
        "gemma2": "gemma2",
    }
    return LanguageShape(
        kind=kinds[text.model_type],
        layers=text.num_hidden_layers,
        hidden=text.hidden_size,
        intermediate=text.intermediate_size,
        heads=text.num_attention_heads,
        key_value_heads=text.num_key_value_heads,
        head_size=getattr(text, "head_dim", None) or text.hidden_size // text.num_attention_heads,
        vocabulary=text.vocab_size,
        tied=config.tie_word_embeddings,
    )


def _vision_shape(vision: PreTrainedConfig) -> VisionShape:
    kinds: dict[str, VisionKind] = {
        "internvl_vision": "intern_vit_6b" if getattr(vision, "use_qk_norm", False) else "intern_vit_300m",
        "ovis2_vision": "aimv2",
        "clip_vision_model": "clip",
        "siglip_vision_model": "siglip",
    }
    return VisionShape(
        kind=kinds[vision.model_type],
        layers=vision.num_hidden_layers,
        hidden=vision.hidden_size,
        intermediate=vision.intermediate_size,
        side=_side(vision.image_size),
        patch=_side(vision.patch_size),
    )


def _side(size: int | tuple[int, int]) -> int:
    return size if isinstance(size, int) else int(size[0])
