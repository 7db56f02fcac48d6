"""Tiny checkpoints of Qwen's chat families."""

from pathlib import Path
from typing import Any

import transformers

from .parts import LANGUAGE, chatml, ends, ids, save, tokenizer

TOKENS = [
    "<|im_start|>",
    "<|vision_start|>",
    "<|vision_end|>",
    "<|image_pad|>",
    "<|video_pad|>",
    "<think>",
    "</think>",
]
MARKS = {
    "image_token_id": "<|image_pad|>",
    "video_token_id": "<|video_pad|>",
    "vision_start_token_id": "<|vision_start|>",
    "vision_end_token_id": "<|vision_end|>",
}
TEMPLATE = chatml("<|vision_start|><|image_pad|><|vision_end|>") + (
    "{% if enable_thinking is defined and not enable_thinking %}<think>\n\n</think>\n\n{% endif %}"
)
TOWER = {
    "depth": 2,
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_heads": 2,
    "out_hidden_size": LANGUAGE["hidden_size"],
}
AXES = {"rope_type": "default", "rope_theta": 10000.0, "mrope_section": [2, 3, 3]}
"""Positions of three axes, as of a head of 16 values."""


def _words() -> Any:
    return tokenizer(TOKENS, eos_token="<|im_end|>", pad_token="<|endoftext|>")


def _images(patch_size: int) -> Any:
    """Four to sixteen image tokens, each of two by two patches."""
    area = (2 * patch_size) ** 2
    return transformers.Qwen2VLImageProcessorPil(
        patch_size=patch_size, min_pixels=4 * area, max_pixels=16 * area
    )


def qwen2_vl(folder: Path) -> None:
    """Qwen2-VL: positions of three axes."""
    words = _words()
    videos = transformers.Qwen2VLVideoProcessor()
    transformers.Qwen2VLProcessor(_images(14), words, videos, chat_template=TEMPLATE).save_pretrained(folder)
    save(
        folder,
        words,
        "qwen2_vl",
        text_config={**LANGUAGE, "vocab_size": len(words), "rope_parameters": AXES, **ends(words)},
        vision_config={"depth": 2, "embed_dim": 32, "num_heads": 2, "hidden_size": LANGUAGE["hidden_size"]},
        **ids(words, MARKS),
    )


def qwen2_5_vl(folder: Path) -> None:
    """Qwen2.5-VL: positions of three axes, and windows in the vision tower."""
    words = _words()
    videos = transformers.Qwen2VLVideoProcessor()
    transformers.Qwen2_5_VLProcessor(_images(14), words, videos, chat_template=TEMPLATE).save_pretrained(
        folder
    )
    save(
        folder,
        words,
        "qwen2_5_vl",
        text_config={**LANGUAGE, "vocab_size": len(words), "rope_parameters": AXES, **ends(words)},
        vision_config={**TOWER, "window_size": 56, "fullatt_block_indexes": [1]},
        **ids(words, MARKS),
    )


def _save_qwen3(folder: Path, model_type: str, text: dict[str, Any], vision: dict[str, Any]) -> None:
    """A checkpoint that has Qwen3-VL's processor."""
    words = _words()
    videos = transformers.Qwen3VLVideoProcessor()
    processor = transformers.Qwen3VLProcessor(_images(16), words, videos, chat_template=TEMPLATE)
    processor.save_pretrained(folder)
    save(
        folder,
        words,
        model_type,
        text_config={
            **LANGUAGE,
            "head_dim": 16,
            "vocab_size": len(words),
            "rope_parameters": {**AXES, "mrope_interleaved": True},
            **ends(words),
            **text,
        },
        vision_config={**TOWER, "num_position_embeddings": 64, **vision},
        **ids(words, MARKS),
    )


def qwen3_vl(folder: Path) -> None:
    """Qwen3-VL, whose vision features go into several layers."""
    deep = {"deepstack_visual_indexes": [0, 1]}
    _save_qwen3(folder, "qwen3_vl", {"num_hidden_layers": 3}, deep)


EXPERTS = {"num_experts": 4, "num_experts_per_tok": 2, "moe_intermediate_size": 32}


def qwen3_vl_moe(folder: Path) -> None:
    """Qwen3-VL with a mixture of experts."""
    deep = {"deepstack_visual_indexes": [0, 1]}
    text = {"num_hidden_layers": 3, "decoder_sparse_step": 1, **EXPERTS}
    _save_qwen3(folder, "qwen3_vl_moe", text, deep)


LINEAR = {
    "layer_types": ["linear_attention", "full_attention"],
    "linear_key_head_dim": 16,
    "linear_value_head_dim": 16,
    "linear_num_key_heads": 2,
    "linear_num_value_heads": 4,
    "rope_parameters": {
        **AXES,
        "mrope_section": [1, 1, 0],
        "mrope_interleaved": True,
        "partial_rotary_factor": 0.25,
    },
}


def qwen3_5(folder: Path) -> None:
    """Qwen3.5: layers of linear attention, which keep a state and no keys."""
    _save_qwen3(folder, "qwen3_5", LINEAR, {})


def qwen3_5_moe(folder: Path) -> None:
    """Qwen3.5 with a mixture of experts."""
    _save_qwen3(folder, "qwen3_5_moe", {**LINEAR, **EXPERTS, "shared_expert_intermediate_size": 32}, {})


def _save_omni(folder: Path, model_type: str, processor: Any, patch_size: int, **thinker: Any) -> None:
    """A model of whose parts one answers, the thinker; what speaks is left out of the files."""
    marks = {
        "image_token": "<|image_pad|>",
        "video_token": "<|video_pad|>",
        "audio_token": "<|audio_pad|>",
        "vision_bos_token": "<|vision_start|>",
        "vision_eos_token": "<|vision_end|>",
        "audio_bos_token": "<|audio_start|>",
        "audio_eos_token": "<|audio_end|>",
    }
    words = tokenizer(TOKENS, eos_token="<|im_end|>", pad_token="<|endoftext|>", extra_special_tokens=marks)
    videos, sounds = transformers.Qwen2VLVideoProcessor(), transformers.WhisperFeatureExtractor()
    processor(_images(patch_size), videos, sounds, words, chat_template=TEMPLATE).save_pretrained(folder)
    numbers = {
        **MARKS,
        "audio_token_id": "<|audio_pad|>",
        "audio_start_token_id": "<|audio_start|>",
        "audio_end_token_id": "<|audio_end|>",
    }
    thinker["text_config"] = {**LANGUAGE, "vocab_size": len(words), **ends(words), **thinker["text_config"]}
    config = {**thinker, **ids(words, numbers)}
    save(folder, words, model_type, thinker_config=config, enable_audio_output=False)


SOUND = {"encoder_layers": 1, "encoder_attention_heads": 2, "encoder_ffn_dim": 32, "d_model": 32}


def qwen2_5_omni(folder: Path) -> None:
    """Qwen2.5-Omni: the thinker is Qwen2.5-VL with ears."""
    _save_omni(
        folder,
        "qwen2_5_omni",
        transformers.Qwen2_5OmniProcessor,
        14,
        text_config={"rope_parameters": AXES},
        vision_config={**TOWER, "window_size": 56, "fullatt_block_indexes": [1]},
        audio_config={**SOUND, "output_dim": LANGUAGE["hidden_size"]},
    )


def qwen3_omni_moe(folder: Path) -> None:
    """Qwen3-Omni: the thinker is Qwen3-VL with a mixture of experts, and with ears."""
    _save_omni(
        folder,
        "qwen3_omni_moe",
        transformers.Qwen3OmniMoeProcessor,
        16,
        text_config={
            **EXPERTS,
            "num_hidden_layers": 3,
            "head_dim": 16,
            "decoder_sparse_step": 1,
            "rope_parameters": {**AXES, "mrope_interleaved": True},
        },
        vision_config={**TOWER, "num_position_embeddings": 64, "deepstack_visual_indexes": [0, 1]},
        audio_config={**SOUND, "output_dim": LANGUAGE["hidden_size"], "downsample_hidden_size": 16},
    )
