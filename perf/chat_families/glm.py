"""Tiny checkpoints of Z.ai's chat families."""

from pathlib import Path
from typing import Any

import transformers

from .parts import LANGUAGE, ends, ids, plain_turns, save, tokenizer

MARKS = {
    "image_token_id": "<|image|>",
    "video_token_id": "<|video|>",
    "image_start_token_id": "<|begin_of_image|>",
    "image_end_token_id": "<|end_of_image|>",
    "video_start_token_id": "<|begin_of_video|>",
    "video_end_token_id": "<|end_of_video|>",
}
TEMPLATE = plain_turns(
    "<|begin_of_image|><|image|><|end_of_image|>", "<|{{ message['role'] }}|>\n", "", "[gMASK]<sop>\n"
) + ("<|assistant|>\n")
TEXT = {
    "head_dim": 16,
    "rope_parameters": {
        "rope_type": "default",
        "rope_theta": 10000.0,
        "mrope_section": [2, 1, 1],
        "partial_rotary_factor": 0.5,
    },
}
TOWER = {
    "depth": 2,
    "hidden_size": 32,
    "num_heads": 2,
    "image_size": 112,
    "patch_size": 14,
    "intermediate_size": 64,
    "out_hidden_size": LANGUAGE["hidden_size"],
}
SIZE = {"shortest_edge": 28 * 28 * 4, "longest_edge": 28 * 28 * 16}


def _save(
    folder: Path, processor: Any, images: Any, videos: Any, model_type: str, text: dict[str, Any]
) -> None:
    words = tokenizer(
        ["<|user|>", "<|assistant|>", "[gMASK]", "<sop>", *MARKS.values()],
        eos_token="<|endoftext|>",
        pad_token="<|endoftext|>",
    )
    processor(images, words, videos, chat_template=TEMPLATE).save_pretrained(folder)
    save(
        folder,
        words,
        model_type,
        text_config={**LANGUAGE, **TEXT, "vocab_size": len(words), **ends(words), **text},
        vision_config=TOWER,
        **ids(words, MARKS),
    )


def glm4v(folder: Path) -> None:
    """GLM-4.1V: positions of three axes for a part of each head."""
    images = transformers.Glm4vImageProcessorPil(size=SIZE)
    videos = transformers.Glm4vVideoProcessor()
    _save(folder, transformers.Glm4vProcessor, images, videos, "glm4v", {})


def glm4v_moe(folder: Path) -> None:
    """GLM-4.5V: GLM-4.1V with a mixture of experts."""
    images = transformers.Glm4vImageProcessorPil(size=SIZE)
    videos = transformers.Glm4vVideoProcessor()
    text = {"n_routed_experts": 4, "num_experts_per_tok": 2, "moe_intermediate_size": 32}
    _save(folder, transformers.Glm4vProcessor, images, videos, "glm4v_moe", text)


def glm46v(folder: Path) -> None:
    """GLM-4.6V-Flash: GLM-4.1V's network with a processor of its own."""
    images = transformers.Glm46VImageProcessorPil(size=SIZE)
    videos = transformers.Glm46VVideoProcessor()
    _save(folder, transformers.Glm46VProcessor, images, videos, "glm46v", {"model_type": "glm4v_text"})
