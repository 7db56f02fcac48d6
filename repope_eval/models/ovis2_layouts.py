"""Ovis2's two layouts on disk, original and `-hf`: what each says of a model, and how its weights load."""

from pathlib import Path
from typing import ClassVar

import torch
from torch import nn
from transformers import Ovis2Config, Ovis2ForConditionalGeneration, PreTrainedConfig

from repope_eval.errors import RepopeError
from repope_eval.models.checkpoints import Checkpoint
from repope_eval.models.fields import Fields, blamed_on
from repope_eval.models.layouts import Layout
from repope_eval.models.native_configs import native_config, qwen2_config, read_config
from repope_eval.models.tokenizers import QwenTokenizer, TokenizerFile
from repope_eval.models.transformers_internals import (
    Ovis2VisionConfig,
    TensorConversion,
    WeightConverter,
    renamings,
    thirds,
)

NUMBER_OF_INDICATORS = 5
"""How many of the visual vocabulary's last rows are embeddings of indicators."""

MAX_PARTS = 9
"""The original code's default; a checkpoint does not state it."""


def is_ovis2(config: Fields) -> bool:
    """Whether a `config.json` is of an Ovis2 model, in either layout.

    The original layout's `model_type` is that of Ovis 1.5 and 1.6 too, which have other vision towers and
    language models. Ovis2.5 has a `model_type` of its own.
    """
    if config.text("model_type", "") != "ovis":
        return config.text("model_type", "") == "ovis2"
    parts = [config.part(name) for name in ("visual_tokenizer_config", "llm_config")]
    return [part.text("model_type", "") for part in parts] == ["aimv2_visual_tokenizer", "qwen2"]


def _original_layout(checkpoint: Checkpoint) -> Layout:
    """Reads the layout of `model_type` ovis, whose own modelling code is never run.

    In the configuration of either layout, `image_token_id` stands in a prompt for one feature of a part, and
    `visual_indicator_token_ids` for the last rows of the visual vocabulary, in their order.
    """
    config = checkpoint.fields
    vision_config = _vision_config(config.part("visual_tokenizer_config"))
    text_config = qwen2_config(config.part("llm_config"))
    tokenizer = QwenTokenizer(checkpoint)
    atom_id, *indicator_ids = _free_ids(len(tokenizer.vocabulary()), text_config.vocab_size, config.path)
    return Layout(
        tokenizer=tokenizer,
        side=vision_config.image_size,
        max_tiles=MAX_PARTS,
        tokens_per_tile=_tokens_per_part(vision_config),
        config=Ovis2Config(
            vision_config=vision_config,
            text_config=text_config,
            image_token_id=atom_id,
            visual_indicator_token_ids=indicator_ids,
            vocab_size=text_config.vocab_size,
            hidden_size=text_config.hidden_size,
            tie_word_embeddings=text_config.tie_word_embeddings
            and not config.flag("disable_tie_weight", False),
        ),
        native_class=Ovis2FromOriginal,
        weight_rules=_WEIGHTS,
    )


def _hf_layout(checkpoint: Checkpoint) -> Layout:
    """Reads the layout of `model_type` ovis2, which transformers' conversion writes.

    Its image processor is not used: it stretches images to the grid, which the original code does not.
    Whether embeddings are tied stands in the language model's part, if anywhere.
    """
    native = read_config(Ovis2Config, checkpoint.fields)  # what the file leaves out is the class's default
    native.tie_word_embeddings = native.text_config.tie_word_embeddings
    with blamed_on(checkpoint.fields.path):  # the class takes sizes that are lists
        side, tokens_per_part = int(native.vision_config.image_size), _tokens_per_part(native.vision_config)
    return Layout(
        tokenizer=TokenizerFile(checkpoint),
        side=side,
        max_tiles=MAX_PARTS,
        tokens_per_tile=tokens_per_part,
        config=native,
        native_class=Ovis2WithoutFinalNorm,
    )


def _free_ids(first: int, vocabulary_size: int, config: Path) -> range:
    """Ids for the atom and the indicators, which the original's tokenizer has no tokens for.

    They are above the tokenizer's and have rows in the embedding table, which is padded: the native class
    looks them up there before it puts features in their place. The `-hf` conversions have them there too.
    """
    ids = range(first, first + 1 + NUMBER_OF_INDICATORS)
    if ids.stop > vocabulary_size:
        raise RepopeError(
            f"{config}: {first} tokens leave no room for an image's in {vocabulary_size} embeddings; "
            "download the tokenizer and it again"
        )
    return ids


def _tokens_per_part(vision: PreTrainedConfig) -> int:
    """The square of the patches of a side, counted in strides of which the last may be padded."""
    patches = vision.image_size // vision.patch_size
    strides = -(-patches // vision.hidden_stride)
    return int(strides**2)


_BACKBONE = (
    "hidden_size",
    "intermediate_size",
    "num_hidden_layers",
    "num_attention_heads",
    "num_channels",
    "rms_norm_eps",
    "qkv_bias",
)


def _vision_config(visual: Fields) -> PreTrainedConfig:
    """The native configuration, whose defaults are those of `AIMv2Config` and `Aimv2VisualTokenizerConfig`."""
    backbone = visual.part("backbone_config")
    return native_config(
        Ovis2VisionConfig,
        visual,
        **backbone.stated(_BACKBONE),
        image_size=backbone.count("image_size", 224),
        patch_size=backbone.count("patch_size", 14),
        mlp_bias=backbone.flag("use_bias", False),
        **visual.stated(("vocab_size", "tokenize_function")),
        hidden_stride=visual.count("hidden_stride", 1),
        num_visual_indicator_tokens=NUMBER_OF_INDICATORS,
    )


class UnappliedNorm(nn.Module):
    """Holds a norm's weight, so that a checkpoint's tensors are all accounted for, and changes nothing."""

    def __init__(self, hidden_size: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(hidden_size))

    def forward(self, hidden_states: torch.Tensor) -> torch.Tensor:
        """The hidden states as they are."""
        return hidden_states


class Ovis2WithoutFinalNorm(Ovis2ForConditionalGeneration):  # type: ignore[misc]
    """The native class with the vision trunk's final norm left out.

    The original's visual tokenizer takes the hidden state before that norm, though the checkpoint has its
    weight. The native class applies it, and the `-hf` conversions are the original's weights, so it is
    left out for them as well.
    """

    # Over several devices the vision tower stays in one piece: the native class lets its layers be cut
    # inside, and what their residual connections add would then lie on two devices.
    _no_split_modules: ClassVar[list[str]] = ["Ovis2VisionModel"]

    def __init__(self, config: PreTrainedConfig) -> None:
        super().__init__(config)
        self.model.vision_tower.transformer.rms_norm = UnappliedNorm(config.vision_config.hidden_size)


class Ovis2FromOriginal(Ovis2WithoutFinalNorm):
    """The class without the final norm, loading original checkpoints."""


class DropFirstAxis(TensorConversion):
    """Drops the first axis of a tensor of shape [1, ...]."""

    def parts(self, tensor: torch.Tensor, config: PreTrainedConfig) -> list[torch.Tensor]:
        """The tensor without the axis."""
        return [tensor.squeeze(0)]


_PREPROCESSOR = r"^visual_tokenizer\.backbone\.preprocessor"
_TRANSFORMER = "model.vision_tower.transformer"
_WEIGHTS = [
    *renamings(
        {
            r"^llm\.model\.": "model.language_model.",
            r"^llm\.lm_head": "lm_head",
            r"^vte\.": "model.visual_embeddings_table.",
            r"^visual_tokenizer\.head\.0": "model.vision_tower.head_linear",
            r"^visual_tokenizer\.head\.1": "model.vision_tower.head_norm",
            rf"{_PREPROCESSOR}\.patchifier\.proj": f"{_TRANSFORMER}.embeddings.patch_embedding",
            rf"{_PREPROCESSOR}\.patchifier\.norm": f"{_TRANSFORMER}.embeddings.rms_norm",
            r"^visual_tokenizer\.backbone\.trunk\.post_trunk_norm": f"{_TRANSFORMER}.rms_norm",
            r"^visual_tokenizer\.backbone\.trunk\.blocks": f"{_TRANSFORMER}.encoder.layers",
            r"\.norm_([12])": r".rms_norm\1",
            r"\.attn\.proj": ".attention.out_proj",
            r"\.mlp\.fc1": ".ffn.gate_proj",
            r"\.mlp\.fc3": ".ffn.up_proj",
            r"\.mlp\.fc2": ".ffn.down_proj",
        }
    ),
    thirds(r"\.attn\.qkv", [".attention.q_proj", ".attention.k_proj", ".attention.v_proj"]),
    WeightConverter(
        rf"{_PREPROCESSOR}\.pos_embed",
        f"{_TRANSFORMER}.embeddings.position_embedding.weight",
        operations=[DropFirstAxis()],
    ),
]

LAYOUTS = {"ovis": _original_layout, "ovis2": _hf_layout}
"""`model_type` -> what reads that layout. It raises RepopeError where a file is missing, or a field of it is wrong."""
