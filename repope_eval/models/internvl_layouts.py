"""InternVL2.5's two layouts on disk, original and `-hf`: what each says of a model, and how its weights load."""

from typing import Any, Protocol

import torch
from transformers import (
    InternVLConfig,
    InternVLForConditionalGeneration,
    InternVLVisionConfig,
    PreTrainedConfig,
    PreTrainedModel,
)
from transformers.conversion_mapping import register_checkpoint_conversion_mapping
from transformers.core_model_loading import Chunk, ConversionOps, WeightConverter, WeightRenaming

from repope_eval.models.checkpoints import Checkpoint
from repope_eval.models.fields import Fields, blamed_on
from repope_eval.models.native_configs import internlm2_config, native_config, qwen2_config, read_config
from repope_eval.models.tokenizers import InternLM2Tokenizer, QwenTokenizer, Tokenizer, TokenizerFile

_NOT_2_5 = {(1536, 28), (3584, 28), (5120, 48), (4096, 48)}
"""(hidden size, layers) of language models that InternVL3 has and InternVL2.5 has not: 2B, 8B, 14B and 9B."""


class Layout(Protocol):
    """What a recipe asks of a checkpoint's configuration, however it is laid out."""

    side: int
    """Of a tile, in pixels."""
    max_tiles: int
    tokens_per_tile: int

    def tokenizer(self, checkpoint: Checkpoint) -> Tokenizer:
        """The tokenizer that the layout's files describe."""
        ...

    def network_class(self) -> type[PreTrainedModel]:
        """The native class that loads the weights, its conversion registered."""
        ...

    def network_config(self, image_token_id: int) -> PreTrainedConfig:
        """The native configuration."""
        ...


def layout_of(config: Fields) -> Layout:
    """The layout of a recognised `config.json`."""
    return HfLayout(config) if config.text("model_type", "") == "internvl" else OriginalLayout(config)


def is_internvl2_5(config: Fields) -> bool:
    """Whether a `config.json` is of an InternVL2.5 model, in either layout.

    Both layouts are InternVL3's too, and nothing in them names the generation. What is told apart is the
    language model: InternVL3-2B, -8B, -9B and -14B have ones of sizes that InternVL2.5 has not, and
    InternVL3.5 has Qwen3. InternVL3-1B, -38B and -78B look like InternVL2.5 of those sizes.
    """
    kind = config.text("model_type", "")
    if kind == "internvl_chat" and config.text("template", "") == "internvl2_5":
        language, known = config.part("llm_config"), ("qwen2", "internlm2", "")
    elif kind == "internvl":
        language, known = config.part("text_config"), ("qwen2", "llama", "")
    else:
        return False
    size = (language.integer("hidden_size", 0), language.integer("num_hidden_layers", 0))
    return language.text("model_type", "") in known and size not in _NOT_2_5


class OriginalLayout:
    """`model_type` internvl_chat, with modelling code of its own that is never run."""

    def __init__(self, config: Fields) -> None:
        self._language = config.part("llm_config")
        self._is_internlm2 = _is_internlm2(self._language)
        vision = config.part("vision_config")
        self._vision_config = _vision_config(vision)
        self._downsample_ratio = config.number("downsample_ratio", 0.5)
        self._select_layer = config.integer("select_layer", -1)
        self.side = config.count("force_image_size", vision.count("image_size", 224))
        self.max_tiles = config.count("max_dynamic_patch", 6)
        self.tokens_per_tile = _tokens_per_tile(
            self.side, vision.count("patch_size", 14), self._downsample_ratio
        )

    def tokenizer(self, checkpoint: Checkpoint) -> Tokenizer:
        """Qwen2's or InternLM2's own files."""
        return InternLM2Tokenizer(checkpoint) if self._is_internlm2 else QwenTokenizer(checkpoint)

    def network_class(self) -> type[PreTrainedModel]:
        """The native class under a name that carries the conversion of this checkpoint's language model."""
        if self._is_internlm2:
            native, language = InternVLWithInternLM2, _INTERNLM2
        else:
            native, language = InternVLWithQwen2, _QWEN2
        register_checkpoint_conversion_mapping(native.__name__, [*_VISION, *language], overwrite=True)
        return native

    def network_config(self, image_token_id: int) -> PreTrainedConfig:
        """The native configuration of an original one."""
        language = (internlm2_config if self._is_internlm2 else qwen2_config)(self._language)
        return InternVLConfig(
            vision_config=self._vision_config,
            text_config=language,
            image_token_id=image_token_id,
            image_seq_length=self.tokens_per_tile,
            downsample_ratio=self._downsample_ratio,
            vision_feature_layer=self._select_layer,
            tie_word_embeddings=language.tie_word_embeddings,
        )


class HfLayout:
    """`model_type` internvl, as transformers' conversion of the 2.5-MPO models writes it.

    Its chat template and image processor are not used: they leave out the system message and, by default,
    the tiles, and so are not what the original code does.
    """

    max_tiles = 12
    """Of every InternVL2.5 model; the layout does not state it."""

    def __init__(self, config: Fields) -> None:
        self._config = config
        native = read_config(InternVLConfig, config)  # what the file leaves out is the class's default
        self._is_llama = native.text_config.model_type == "llama"
        with blamed_on(config.path):  # the class takes sizes that are empty lists
            self.side = int(native.vision_config.image_size[0])
            self.tokens_per_tile = _tokens_per_tile(
                self.side, native.vision_config.patch_size[0], native.downsample_ratio
            )

    def tokenizer(self, checkpoint: Checkpoint) -> Tokenizer:
        """The conversion's tokenizer.json; prompts for InternLM2, which is Llama here, begin with `<s>`."""
        return TokenizerFile(checkpoint, "<s>" if self._is_llama else None)

    def network_class(self) -> type[PreTrainedModel]:
        """The native class, which knows the names in the published conversions."""
        native: type[PreTrainedModel] = InternVLForConditionalGeneration
        return native

    def network_config(self, image_token_id: int) -> PreTrainedConfig:
        """The file's own; whether embeddings are tied stands in its language model's part, if anywhere."""
        native = read_config(InternVLConfig, self._config)
        native.image_token_id = image_token_id
        native.tie_word_embeddings = native.text_config.tie_word_embeddings
        return native


def _is_internlm2(language: Fields) -> bool:
    """Whether a language model is InternLM2, else Qwen2: by its architecture, or by its `model_type` without one."""
    named = next(iter(language.texts("architectures")), language.text("model_type", ""))
    kinds = {"InternLM2ForCausalLM": True, "internlm2": True, "Qwen2ForCausalLM": False, "qwen2": False}
    if named not in kinds:
        raise language.error("architectures", "InternLM2ForCausalLM or Qwen2ForCausalLM is expected")
    return kinds[named]


def _tokens_per_tile(side: int, patch_size: int, downsample_ratio: float) -> int:
    return int((side // patch_size * downsample_ratio) ** 2)


_INTERN_VIT: dict[str, Any] = {
    "num_channels": 3,
    "patch_size": 14,
    "image_size": 224,
    "hidden_size": 3200,
    "num_attention_heads": 25,
    "intermediate_size": 12800,
    "num_hidden_layers": 48,
    "hidden_act": "gelu",
    "norm_type": "rms_norm",
    "layer_norm_eps": 1e-6,
}
"""What a vision configuration means where it leaves a field out.

Source: `InternVisionConfig` in the checkpoints' configuration_intern_vit.py.
"""


def _vision_config(vision: Fields) -> PreTrainedConfig:
    return native_config(
        InternVLVisionConfig,
        vision,
        **(_INTERN_VIT | vision.stated(_INTERN_VIT)),
        attention_bias=vision.flag("qkv_bias", False),
        use_qk_norm=vision.flag("qk_normalization", True),
    )


class InternVLWithQwen2(InternVLForConditionalGeneration):  # type: ignore[misc]
    """The native class, loading original checkpoints with a Qwen2 language model."""


class InternVLWithInternLM2(InternVLForConditionalGeneration):  # type: ignore[misc]
    """The native class, loading original checkpoints with an InternLM2 language model."""


class SplitGroupedAttention(ConversionOps):  # type: ignore[misc]
    """InternLM2's `wqkv` into q, k and v.

    Its rows are grouped by key-value head: viewed as [kv heads, q heads a kv head + 2, head dim, ...], the
    last two of axis 1 are k and v.
    """

    def convert(
        self,
        input_dict: dict[str, Any],
        source_patterns: list[str],
        target_patterns: list[str],
        *,
        config: Any,
        **_: Any,
    ) -> dict[str, torch.Tensor]:
        """The three tensors under the targets' names."""
        (tensors,) = input_dict.values()
        weight = tensors[0] if isinstance(tensors, list) else tensors
        text = config.get_text_config()
        groups, queries = text.num_key_value_heads, text.num_attention_heads // text.num_key_value_heads
        rows = weight.view(groups, queries + 2, -1, *weight.shape[1:])
        parts = rows[:, :queries], rows[:, queries], rows[:, queries + 1]
        split = [part.reshape(-1, *weight.shape[1:]).contiguous() for part in parts]
        return dict(zip(target_patterns, split, strict=True))


_VISION: tuple[Any, ...] = (
    WeightRenaming(r"^vision_model\.embeddings\.class_embedding", "model.vision_tower.embeddings.cls_token"),
    WeightRenaming(
        r"^vision_model\.embeddings\.position_embedding", "model.vision_tower.embeddings.position_embeddings"
    ),
    WeightRenaming(
        r"^vision_model\.embeddings\.patch_embedding",
        "model.vision_tower.embeddings.patch_embeddings.projection",
    ),
    WeightRenaming(r"^vision_model\.encoder\.layers", "model.vision_tower.encoder.layer"),
    WeightRenaming(r"\.norm1", ".layernorm_before"),
    WeightRenaming(r"\.norm2", ".layernorm_after"),
    WeightRenaming(r"\.ls1", ".lambda_1"),
    WeightRenaming(r"\.ls2", ".lambda_2"),
    WeightRenaming(r"\.attn\.proj", ".attention.projection_layer"),
    WeightRenaming(r"\.attn\.([qk])_norm", r".attention.\1_norm"),
    WeightConverter(
        r"\.attn\.qkv",
        [".attention.q_proj", ".attention.k_proj", ".attention.v_proj"],
        operations=[Chunk(dim=0)],
    ),
    WeightRenaming(r"^mlp1\.0", "model.multi_modal_projector.layer_norm"),
    WeightRenaming(r"^mlp1\.1", "model.multi_modal_projector.linear_1"),
    WeightRenaming(r"^mlp1\.3", "model.multi_modal_projector.linear_2"),
)

_QWEN2: tuple[Any, ...] = (
    WeightRenaming(r"^language_model\.model", "model.language_model"),
    WeightRenaming(r"^language_model\.lm_head", "lm_head"),
)

_INTERNLM2: tuple[Any, ...] = (
    WeightRenaming(r"^language_model\.model", "model.language_model"),
    WeightRenaming(r"^language_model\.output", "lm_head"),
    WeightRenaming(r"\.tok_embeddings", ".embed_tokens"),
    WeightRenaming(r"\.attention\.wo", ".self_attn.o_proj"),
    WeightRenaming(r"\.feed_forward\.w1", ".mlp.gate_proj"),
    WeightRenaming(r"\.feed_forward\.w2", ".mlp.down_proj"),
    WeightRenaming(r"\.feed_forward\.w3", ".mlp.up_proj"),
    WeightRenaming(r"\.attention_norm", ".input_layernorm"),
    WeightRenaming(r"\.ffn_norm", ".post_attention_layernorm"),
    WeightConverter(
        r"\.attention\.wqkv",
        [".self_attn.q_proj", ".self_attn.k_proj", ".self_attn.v_proj"],
        operations=[SplitGroupedAttention()],
    ),
)
