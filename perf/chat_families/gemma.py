"""Tiny checkpoints of Gemma's chat families, and PaliGemma's."""

from pathlib import Path
from typing import Any

import transformers

from .parts import LANGUAGE, VISION, ends, ids, save, tokenizer

TEMPLATE = (
    "{{ bos_token }}{% for message in messages %}<start_of_turn>{{ message['role'] }}\n"
    "{% for part in message['content'] %}{% if part['type'] == 'image' %}<start_of_image>"
    "{% else %}{{ part['text'] | trim }}{% endif %}{% endfor %}<end_of_turn>\n{% endfor %}"
    "<start_of_turn>model\n"
)
MARKS = {"image_token": "<image_soft_token>", "boi_token": "<start_of_image>", "eoi_token": "<end_of_image>"}
SOUNDS = {"audio_token": "<audio_soft_token>", "boa_token": "<start_of_audio>", "eoa_token": "<end_of_audio>"}


def _words(marks: dict[str, str]) -> Any:
    return tokenizer(
        ["<start_of_turn>"],
        bos_token="<bos>",
        eos_token="<end_of_turn>",
        pad_token="<pad>",
        extra_special_tokens=marks,
    )


def gemma3(folder: Path) -> None:
    """Gemma 3: image tokens attend both ways, one layer sees a sliding window alone; the template begins the text."""
    words = _words(MARKS)
    images = transformers.Gemma3ImageProcessorPil(size={"height": 56, "width": 56})
    transformers.Gemma3Processor(images, words, image_seq_length=4, chat_template=TEMPLATE).save_pretrained(
        folder
    )
    save(
        folder,
        words,
        "gemma3",
        text_config={
            **LANGUAGE,
            "head_dim": 16,
            "vocab_size": len(words),
            "sliding_window": 8,
            "layer_types": ["sliding_attention", "full_attention"],
            **ends(words),
        },
        vision_config={**VISION, "image_size": 56, "patch_size": 14},
        mm_tokens_per_image=4,
        eos_token_id=words.eos_token_id,
        **{f"{name}_index": number for name, number in ids(words, MARKS).items()},
    )


def _save_gemma4(folder: Path, kind: str, text: dict[str, Any], vision: dict[str, Any]) -> None:
    words = _words({**MARKS, **SOUNDS})
    name = "Gemma4Unified" if kind == "gemma4_unified" else "Gemma4"
    images = getattr(transformers, f"{name}ImageProcessor")(
        patch_size=16, pooling_kernel_size=2, max_soft_tokens=70
    )
    getattr(transformers, f"{name}Processor")(
        getattr(transformers, f"{name}AudioFeatureExtractor")(),
        images,
        words,
        getattr(transformers, f"{name}VideoProcessor")(),
        image_seq_length=70,
        chat_template=TEMPLATE.replace("<start_of_image>", "<image_soft_token>"),
    ).save_pretrained(folder)
    save(
        folder,
        words,
        kind,
        text_config={
            **LANGUAGE,
            "num_hidden_layers": 4,
            "head_dim": 16,
            "global_head_dim": 32,
            "vocab_size": len(words),
            "vocab_size_per_layer_input": len(words),
            "sliding_window": 128,
            "layer_types": ["sliding_attention", "full_attention"] * 2,
            "final_logit_softcapping": 30.0,
            **ends(words),
            **text,
        },
        vision_config={"pooling_kernel_size": 2, **vision},
        audio_config=None,
        eos_token_id=words.eos_token_id,
        video_token_id=words.convert_tokens_to_ids("<|video|>"),
        **{f"{name}_id": number for name, number in ids(words, {**MARKS, **SOUNDS}).items()},
    )


TOWER = {**VISION, "num_key_value_heads": 2, "head_dim": 16, "position_embedding_size": 64}
VALUES = {"attention_k_eq_v": True, "num_global_key_value_heads": 1, "use_bidirectional_attention": "vision"}
"""Keys that are the values in some layers, and image tokens that attend both ways."""


def gemma4(folder: Path) -> None:
    """Gemma 4 E2B and E4B: embeddings of each layer, and layers that take others' keys."""
    _save_gemma4(folder, "gemma4", {"hidden_size_per_layer_input": 8, "num_kv_shared_layers": 2}, TOWER)


def gemma4_unified(folder: Path) -> None:
    """Gemma 4 12B: no vision tower, patches go into the language model."""
    patches = {"mm_embed_dim": LANGUAGE["hidden_size"], "output_proj_dims": LANGUAGE["hidden_size"]}
    _save_gemma4(folder, "gemma4_unified", VALUES, {**patches, "mm_posemb_size": 64})


def gemma4_moe(folder: Path) -> None:
    """Gemma 4 26B-A4B: a mixture of experts."""
    experts = {"num_experts": 4, "top_k_experts": 2, "moe_intermediate_size": 32}
    text = {"hidden_size_per_layer_input": 0, "enable_moe_block": True}
    _save_gemma4(folder, "gemma4", {**text, **VALUES, **experts}, TOWER)


def gemma3n(folder: Path) -> None:
    """Gemma 3n: a vision tower of timm's, several streams of embeddings, and layers that take others' keys."""
    words = _words({**MARKS, **SOUNDS})
    images = transformers.SiglipImageProcessorPil(size={"height": 64, "width": 64}, do_normalize=False)
    transformers.Gemma3nProcessor(
        transformers.Gemma3nAudioFeatureExtractor(),
        images,
        words,
        image_seq_length=4,
        chat_template=TEMPLATE.replace("<start_of_image>", "<image_soft_token>"),
    ).save_pretrained(folder)
    save(
        folder,
        words,
        "gemma3n",
        text_config={
            **LANGUAGE,
            "num_hidden_layers": 4,
            "head_dim": 16,
            "vocab_size": len(words),
            "vocab_size_per_layer_input": len(words),
            "hidden_size_per_layer_input": 8,
            "altup_num_inputs": 2,
            "laurel_rank": 8,
            "sliding_window": 128,
            "num_kv_shared_layers": 2,
            "layer_types": ["sliding_attention", "full_attention"] * 2,
            **ends(words),
        },
        vision_config={
            "architecture": "mobilenetv3_small_050",
            "hidden_size": 288,
            "model_args": {},
            "vocab_offset": len(words),
        },
        audio_config={"hidden_size": 32, "conf_num_hidden_layers": 1, "conf_num_attention_heads": 2},
        vision_soft_tokens_per_image=4,
        eos_token_id=words.eos_token_id,
        **{f"{name}_id": number for name, number in ids(words, {**MARKS, **SOUNDS}).items()},
    )


def paligemma(folder: Path) -> None:
    """PaliGemma, whose tokens all see each other until the answer; published ones have no chat template."""
    words = tokenizer(["<image>"], bos_token="<bos>", eos_token="<eos>", pad_token="<pad>")
    images = transformers.SiglipImageProcessorPil(size={"height": 56, "width": 56})
    images.image_seq_length = 16
    template = (
        "{% for part in messages[-1]['content'] %}{% if part['type'] == 'image' %}<image>"
        "{% else %}{{ part['text'] }}{% endif %}{% endfor %}"
    )
    transformers.PaliGemmaProcessor(images, words, chat_template=template).save_pretrained(folder)
    save(
        folder,
        words,
        "paligemma",
        text_config={
            **LANGUAGE,
            "model_type": "gemma",
            "head_dim": 16,
            "vocab_size": len(words),
            **ends(words),
        },
        vision_config={**VISION, "image_size": 56, "patch_size": 14, "vision_use_head": False},
        projection_dim=LANGUAGE["hidden_size"],
        image_token_index=words.convert_tokens_to_ids("<image>"),
        tie_word_embeddings=False,
    )
