"""InternVL2.5: prompt, tiles and tokens, and its original checkpoints in transformers' native classes."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from transformers import (
    InternVLConfig,
    InternVLForConditionalGeneration,
    InternVLVisionConfig,
    LlamaConfig,
    PreTrainedConfig,
    PreTrainedModel,
    Qwen2Config,
)
from transformers.conversion_mapping import register_checkpoint_conversion_mapping
from transformers.core_model_loading import Chunk, ConversionOps, WeightConverter, WeightRenaming

from repope_eval.models.recipe import Inputs, Prepared, Recipe, RecipeOptions
from repope_eval.models.tiling import tile_pixels
from repope_eval.models.tokenizers import InternLM2Tokenizer, QwenTokenizer, Tokenizer

SYSTEM_PROMPT = (
    "你是书生·万象，英文名是InternVL，"
    "是由上海人工智能实验室、清华大学及多家合作单位联合开发的多模态大语言模型。"
)
"""The original code's system message; the chat template of the `-hf` conversions leaves it out."""

IMAGE_TOKEN = "<IMG_CONTEXT>"
STOP_TOKEN = "<|im_end|>"


class InternVLRecipe(Recipe):
    """InternVL2.5 with a Qwen2 or an InternLM2 language model."""

    family = "InternVL2.5"
    options = frozenset({"system_prompt", "question_suffix", "max_tiles"})

    def __init__(self, folder: Path, config: dict[str, Any], options: RecipeOptions) -> None:
        self._config = config
        self._system_prompt = SYSTEM_PROMPT if options.system_prompt is None else options.system_prompt
        self._question_suffix = options.question_suffix or ""
        self._tokenizer: Tokenizer = (
            InternLM2Tokenizer(folder) if self._is_internlm2() else QwenTokenizer(folder)
        )
        self._side = int(config["force_image_size"])
        self._max_tiles = options.max_tiles or int(config["max_dynamic_patch"])
        patches = self._side // int(config["vision_config"]["patch_size"])
        self._tokens_per_tile = int((patches * config["downsample_ratio"]) ** 2)
        self._image_token_id = self._tokenizer.token_id(IMAGE_TOKEN)
        self.feature_token_ids = (self._image_token_id,)
        self.stop_token_ids = (self._tokenizer.token_id(STOP_TOKEN),)

    def _is_internlm2(self) -> bool:
        return bool(self._config["llm_config"]["architectures"][0] == "InternLM2ForCausalLM")

    @staticmethod
    def recognises(config: dict[str, Any]) -> bool:
        """The original layout, `model_type` internvl_chat with the 2.5 template."""
        return config.get("model_type") == "internvl_chat" and config.get("template") == "internvl2_5"

    def prompt(self, question: str) -> str:
        """The whole prompt; `<IMG_CONTEXT>` stands once for all of an image's features."""
        return (
            f"<|im_start|>system\n{self._system_prompt}<|im_end|>\n"
            f"<|im_start|>user\n<img>{IMAGE_TOKEN}</img>\n{question}{self._question_suffix}<|im_end|>\n"
            f"<|im_start|>assistant\n"
        )

    def prepare(self, image: Image.Image, questions: Sequence[str]) -> Prepared:
        """Tiles of shape [tiles, 3, side, side], and prompts with a tile's share of image tokens for each."""
        pixels = tile_pixels(image, self._side, self._max_tiles)
        number = len(pixels) * self._tokens_per_tile
        return Prepared(
            {"pixel_values": pixels}, tuple(self._prompt_ids(question, number) for question in questions)
        )

    def _prompt_ids(self, question: str, number: int) -> tuple[int, ...]:
        token_ids = self._tokenizer.encode_prompt(self.prompt(question))
        place = token_ids.index(self._image_token_id)
        return (*token_ids[:place], *[self._image_token_id] * number, *token_ids[place + 1 :])

    def encode(self, text: str) -> list[int]:
        """Token ids of a plain text, nothing added."""
        return self._tokenizer.encode(text)

    def decode(self, token_ids: Sequence[int]) -> str:
        """The answer's text, stripped as the original `chat` does."""
        return self._tokenizer.decode(token_ids).strip()

    def image_features(self, network: PreTrainedModel, images: Sequence[Inputs]) -> list[torch.Tensor]:
        """All images' tiles through the vision tower at once; each image's are [tiles * tokens a tile, hidden]."""
        tiles = [image["pixel_values"] for image in images]
        features = network.get_image_features(pixel_values=torch.cat(tiles)).pooler_output
        return [part.flatten(0, 1) for part in features.split(list(map(len, tiles)))]

    def network_class(self) -> type[PreTrainedModel]:
        """The native class under a name that carries the conversion of this checkpoint's language model."""
        if self._is_internlm2():
            native, language = InternVLWithInternLM2, _INTERNLM2
        else:
            native, language = InternVLWithQwen2, _QWEN2
        register_checkpoint_conversion_mapping(native.__name__, [*_VISION, *language], overwrite=True)
        return native

    def network_config(self) -> PreTrainedConfig:
        """The native configuration of an original one."""
        language = self._config["llm_config"]
        text = _llama_config(language) if self._is_internlm2() else _qwen2_config(language)
        return InternVLConfig(
            vision_config=_vision_config(self._config["vision_config"]),
            text_config=text,
            image_token_id=self._image_token_id,
            image_seq_length=self._tokens_per_tile,
            downsample_ratio=self._config["downsample_ratio"],
            vision_feature_layer=self._config["select_layer"],
            tie_word_embeddings=language["tie_word_embeddings"],
        )


def _vision_config(vision: dict[str, Any]) -> PreTrainedConfig:
    same = ("hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size", "hidden_act")
    return InternVLVisionConfig(
        **{name: vision[name] for name in (*same, "norm_type", "layer_norm_eps", "image_size", "patch_size")},
        attention_bias=vision["qkv_bias"],
        use_qk_norm=vision["qk_normalization"],
    )


_LANGUAGE_FIELDS = (
    "vocab_size",
    "hidden_size",
    "intermediate_size",
    "num_hidden_layers",
    "num_attention_heads",
    "num_key_value_heads",
    "hidden_act",
    "max_position_embeddings",
    "rms_norm_eps",
    "tie_word_embeddings",
)


def _qwen2_config(language: dict[str, Any]) -> PreTrainedConfig:
    rope = {"rope_type": "default", "rope_theta": language["rope_theta"]}
    return Qwen2Config(**{name: language[name] for name in _LANGUAGE_FIELDS}, rope_parameters=rope)


def _llama_config(language: dict[str, Any]) -> PreTrainedConfig:
    """InternLM2 is Llama under other names."""
    scaling = language.get("rope_scaling")
    rope: dict[str, Any] = {"rope_type": "default", "rope_theta": language["rope_theta"]}
    if scaling:
        rope |= {"rope_type": scaling["type"], "factor": scaling["factor"]}
    return LlamaConfig(
        **{name: language[name] for name in _LANGUAGE_FIELDS},
        attention_bias=language["bias"],
        rope_parameters=rope,
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
