"""Models of random weights in the shape of published ones, made on the spot: no weights are read from anywhere.

Tokenizers, chat templates and the layout of tiles are those of the goldens in tests/goldens, where sides,
patches, tokens a tile and grids are the published ones. Only widths and depths are scaled, so a prompt has as
many image tokens as the real model's. The weights mean nothing, but they are spread so that answers depend
on image and question: engines that mixed up rows would answer differently.
"""

import copy
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import nn
from transformers import PreTrainedModel

from repope_eval.models.checkpoints import Checkpoint
from repope_eval.models.families import recipe_of
from repope_eval.models.loading import Model
from repope_eval.models.recipe import RecipeOptions
from repope_eval.settings.config import Attention

GOLDENS = Path(__file__).parent.parent / "tests" / "goldens"

SHARPNESS = 2.0
"""How much larger than others the weights of queries and keys are."""
TIED = 0.05
"""How much smaller embeddings are that are the head's weights, too."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of checkpoint that random weights are made for."""

    family: str
    """A key of FAMILIES."""
    golden: str
    """Folder of the golden whose small files it takes."""
    language: tuple[str, ...]
    """Where its config.json describes the language model."""
    vision: tuple[str, ...]
    """Where it describes the vision tower."""
    key_value_heads: int
    """Of 8 heads, in the proportion of the published model."""
    attention: Attention = "sdpa"
    """How the published model computes attention; the golden's own configuration caps no scores."""


KINDS = {
    "internvl2_5_qwen2": Kind("internvl2_5", "internvl2_5_qwen2", ("llm_config",), ("vision_config",), 2),
    "internvl2_5_internlm2": Kind(
        "internvl2_5", "internvl2_5_internlm2", ("llm_config",), ("vision_config",), 2
    ),
    "ovis2": Kind("ovis2", "ovis2", ("llm_config",), ("visual_tokenizer_config", "backbone_config"), 1),
    "llava_next": Kind("llava_next", "llava_next_vicuna", ("text_config",), ("vision_config",), 8),
    "llava_onevision": Kind("llava_onevision", "llava_onevision", ("text_config",), ("vision_config",), 1),
    "paligemma": Kind("paligemma", "paligemma", ("text_config",), ("vision_config",), 1),
    "paligemma2": Kind("paligemma", "paligemma2", ("text_config",), ("vision_config",), 4, "eager"),
}
"""Name on the command line -> kind."""


@dataclass(frozen=True, slots=True)
class Shape:
    """Widths and depths, under the names that configurations give them."""

    language: Mapping[str, Any] = field(default_factory=dict)
    vision: Mapping[str, Any] = field(default_factory=dict)
    visual_vocabulary: int | None = None
    """The size of Ovis2's visual vocabulary; None: the golden's."""
    only: str | None = None
    """The one kind that has this shape; None: all can."""


_INTERN_VIT_300M = {
    "hidden_size": 1024,
    "intermediate_size": 4096,
    "num_hidden_layers": 24,
    "num_attention_heads": 16,
    "norm_type": "layer_norm",
    "qkv_bias": True,
    "qk_normalization": False,
}

SHAPES = {
    "tiny": Shape(),
    "30m": Shape(
        language={
            "hidden_size": 512,
            "intermediate_size": 2048,
            "num_hidden_layers": 6,
            "num_attention_heads": 8,
        },
        vision={
            "hidden_size": 256,
            "intermediate_size": 1024,
            "num_hidden_layers": 4,
            "num_attention_heads": 4,
        },
        visual_vocabulary=4096,
    ),
    "1b": Shape(
        language={
            "hidden_size": 896,
            "intermediate_size": 4864,
            "num_hidden_layers": 24,
            "num_attention_heads": 14,
            "num_key_value_heads": 2,
            "vocab_size": 151674,
        },
        vision=_INTERN_VIT_300M,
        only="internvl2_5_qwen2",
    ),
    "8b": Shape(
        language={
            "hidden_size": 4096,
            "intermediate_size": 14336,
            "num_hidden_layers": 32,
            "num_attention_heads": 32,
            "num_key_value_heads": 8,
            "vocab_size": 92553,
        },
        vision=_INTERN_VIT_300M,
        only="internvl2_5_internlm2",
    ),
}
"""Name on the command line -> shape. `tiny` is the goldens' own; 1b and 8b are InternVL2.5-1B and -8B."""


def kinds_of(shape: str, kind: str | None) -> list[str]:
    """The kinds that a command line means: the one it names, or all that have the shape."""
    only = SHAPES[shape].only
    if kind is not None and only not in (None, kind):
        raise SystemExit(f"--shape {shape} is that of {only}: leave --family out")
    return [name for name in KINDS if name == (kind or only or name)]


def random_model(
    name: str, shape: str, device: torch.device, dtype: torch.dtype, quantization: str = "none"
) -> Model:
    """A model of that kind and shape with random weights, always the same on one device.

    Args:
        name: a key of KINDS.
        shape: a key of SHAPES.
        device: weights are made there: none pass through this machine's memory.
        dtype: number format in which they are made.
        quantization: none, or int8 or nf4 for the language model's linear layers. They are quantized one by one
            from weights that are on the device already, which has to hold them in `dtype` first.
    """
    folder = GOLDENS / KINDS[name].golden
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    checkpoint = Checkpoint(
        f"random {name} {shape}", folder, None, _scaled(config, KINDS[name], SHAPES[shape])
    )
    recipe = recipe_of(KINDS[name].family, checkpoint, RecipeOptions())
    tokens = _section(config, KINDS[name].language)["vocab_size"]
    torch.manual_seed(0)  # some weights stay as they are made
    with torch.device(device):
        network = recipe.network_class()._from_config(
            recipe.network_config(), dtype=dtype, attn_implementation=KINDS[name].attention
        )
    _randomize(network, tokens)
    if quantization != "none":
        _quantize(network.model.language_model, quantization, device, dtype)
    return Model(
        recipe=recipe,
        network=network,
        checkpoint=checkpoint,
        dtype=dtype,
        device=device,
        attention=KINDS[name].attention,
    )


def _section(config: dict[str, Any], path: tuple[str, ...]) -> dict[str, Any]:
    for name in path:
        config = config[name]
    return config


def _scaled(golden: dict[str, Any], kind: Kind, shape: Shape) -> dict[str, Any]:
    """The golden's configuration with a shape's widths and depths, and what follows from them."""
    config = copy.deepcopy(golden)
    if not shape.language:
        return config
    language, vision = _section(config, kind.language), _section(config, kind.vision)
    language.update({"num_key_value_heads": kind.key_value_heads, **shape.language})
    vision.update(shape.vision)
    head = language["hidden_size"] // language["num_attention_heads"]
    _replace_where_named(language, ("head_dim", "query_pre_attn_scalar"), head)
    for section in (config, vision):
        _replace_where_named(section, ("projection_dim",), language["hidden_size"])
    _replace_where_named(config, ("hidden_size",), language["hidden_size"])
    if shape.visual_vocabulary and "visual_tokenizer_config" in config:
        config["visual_tokenizer_config"]["vocab_size"] = shape.visual_vocabulary
    return config


def _replace_where_named(config: dict[str, Any], names: tuple[str, ...], value: int) -> None:
    config.update({name: value for name in names if name in config})


def _randomize(network: PreTrainedModel, tokens: int) -> None:
    """Gives a network its random weights; its head can only answer with the first `tokens` tokens."""
    torch.manual_seed(0)
    head = network.get_output_embeddings().weight
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            if parameter.dim() > 1:  # biases and norms stay as they are made
                parameter.normal_(std=_spread(name, parameter))
        if head is network.get_input_embeddings().weight:
            head *= TIED  # or each token would be followed by itself
        head[tokens:] = 0  # the others are no token of the golden's small tokenizer, and could not be decoded
    network.eval()


def _spread(name: str, parameter: torch.Tensor) -> float:
    """The standard deviation of a matrix's weights, [outputs, inputs], or of a convolution's.

    Outputs are then about as large as inputs.

    Queries and keys are larger: otherwise a token would look at thousands of others alike, see their mean,
    and every question would be answered the same.
    """
    inputs = parameter.shape[1] if parameter.dim() == 2 else math.prod(parameter.shape[1:])
    gain = SHARPNESS if name.endswith(("q_proj.weight", "k_proj.weight")) else 1.0
    return gain / math.sqrt(inputs)


def _quantize(language_model: nn.Module, quantization: str, device: torch.device, dtype: torch.dtype) -> None:
    """Puts bitsandbytes' layers in place of linear ones, as loading with `int8` or `nf4` does."""
    quantized = {"int8": _int8_layer, "nf4": _nf4_layer}[quantization]
    linear = {
        name: module for name, module in language_model.named_modules() if isinstance(module, nn.Linear)
    }
    for name, module in linear.items():
        small = quantized(module, device, dtype)
        small.bias = module.bias
        language_model.set_submodule(name, small)


def _int8_layer(linear: nn.Linear, device: torch.device, _: torch.dtype) -> nn.Module:
    from bitsandbytes.nn import Int8Params, Linear8bitLt

    small: nn.Module = Linear8bitLt(
        linear.in_features,
        linear.out_features,
        bias=linear.bias is not None,
        has_fp16_weights=False,
        device="meta",
    )
    # The library quantizes a weight on its way from the host.
    weight = Int8Params(linear.weight.data.cpu(), requires_grad=False, has_fp16_weights=False)
    small.weight = weight.to(device)
    return small


def _nf4_layer(linear: nn.Linear, device: torch.device, dtype: torch.dtype) -> nn.Module:
    from bitsandbytes.nn import Linear4bit, Params4bit

    small: nn.Module = Linear4bit(
        linear.in_features,
        linear.out_features,
        bias=linear.bias is not None,
        compute_dtype=dtype,
        compress_statistics=False,
        quant_type="nf4",
        device="meta",
    )
    weight = Params4bit(linear.weight.data, requires_grad=False, compress_statistics=False, quant_type="nf4")
    small.weight = weight.to(device)
    return small
