"""Tiny checkpoints of LLaVA's chat families."""

from pathlib import Path
from typing import Any

import transformers
from transformers import PreTrainedTokenizerFast

from .parts import LANGUAGE, VISION, chatml, ends, save, tokenizer

TEMPLATE = (
    "{% for message in messages %}{{ message['role'].upper() + ': ' }}"
    "{% for part in message['content'] %}{% if part['type'] == 'image' %}{{ '<image>\n' }}"
    "{% else %}{{ part['text'] + ' ' }}{% endif %}{% endfor %}{% endfor %}ASSISTANT:"
)
TOWER = {"model_type": "clip_vision_model", **VISION, "image_size": 56, "patch_size": 14}
PROCESSING: dict[str, Any] = {
    "patch_size": 14,
    "vision_feature_select_strategy": "default",
    "num_additional_image_tokens": 1,
    "chat_template": TEMPLATE,
}


def _parts(words: PreTrainedTokenizerFast) -> dict[str, Any]:
    """The fields of a configuration that LLaVA-1.5 and LLaVA-NeXT have alike."""
    return {
        "vision_config": TOWER,
        "text_config": {"model_type": "llama", **LANGUAGE, "vocab_size": len(words), **ends(words)},
        "image_token_index": words.convert_tokens_to_ids("<image>"),
    }


def llava(folder: Path) -> None:
    """LLaVA-1.5: an image is one square of 16 tokens; the template writes no begin token."""
    words = tokenizer(["<image>"], bos_token="<s>", eos_token="</s>", pad_token="<pad>")
    images = transformers.CLIPImageProcessorPil(
        size={"shortest_edge": 56}, crop_size={"height": 56, "width": 56}
    )
    transformers.LlavaProcessor(images, words, **PROCESSING).save_pretrained(folder)
    save(
        folder,
        words,
        "llava",
        **_parts(words),
        image_seq_length=16,
    )


PINPOINTS = [[56, 112], [112, 56], [112, 112]]


def llava_next(folder: Path) -> None:
    """LLaVA-NeXT: an image is squares of a grid that fits it, and the whole."""
    words = tokenizer(["<image>"], bos_token="<s>", eos_token="</s>", pad_token="<pad>")
    images = transformers.LlavaNextImageProcessorPil(
        size={"shortest_edge": 56}, crop_size={"height": 56, "width": 56}, image_grid_pinpoints=PINPOINTS
    )
    transformers.LlavaNextProcessor(images, words, **PROCESSING).save_pretrained(folder)
    save(
        folder,
        words,
        "llava_next",
        **_parts(words),
        image_grid_pinpoints=PINPOINTS,
    )


def llava_onevision(folder: Path) -> None:
    """LLaVA-OneVision: squares of a grid, whose features are shrunk where there are too many."""
    words = tokenizer(["<|im_start|>", "<image>", "<video>"], eos_token="<|im_end|>", pad_token="<pad>")
    images = transformers.LlavaOnevisionImageProcessorPil(
        size={"height": 56, "width": 56}, image_grid_pinpoints=PINPOINTS
    )
    transformers.LlavaOnevisionProcessor(
        images,
        words,
        transformers.LlavaOnevisionVideoProcessor(),
        num_image_tokens=16,
        vision_feature_select_strategy="full",
        chat_template=chatml("<image>"),
    ).save_pretrained(folder)
    save(
        folder,
        words,
        "llava_onevision",
        vision_config={"model_type": "siglip_vision_model", **VISION, "image_size": 56, "patch_size": 14}
        | {"vision_use_head": False},
        text_config={"model_type": "qwen2", **LANGUAGE, "vocab_size": len(words), **ends(words)},
        image_token_index=words.convert_tokens_to_ids("<image>"),
        video_token_index=words.convert_tokens_to_ids("<video>"),
        image_grid_pinpoints=PINPOINTS,
    )
