"""Tiny checkpoints of Hugging Face's chat families: Idefics2, Idefics3 and SmolVLM."""

from pathlib import Path
from typing import Any

import transformers

from .parts import LANGUAGE, VISION, ends, plain_turns, save, tokenizer

TEMPLATE = plain_turns(
    "<image>", "{{ message['role'] | capitalize }}:", "<end_of_utterance>\n", "<|begin_of_text|>"
) + ("Assistant:")


def _words(more: list[str]) -> Any:
    return tokenizer(
        ["<image>", "<fake_token_around_image>", "<end_of_utterance>", *more],
        bos_token="<|begin_of_text|>",
        eos_token="<|end_of_text|>",
        pad_token="<|pad|>",
    )


def idefics2(folder: Path) -> None:
    """Idefics2: an image of any shape, of which a resampler makes a few tokens."""
    words = _words([])
    images = transformers.Idefics2ImageProcessorPil(
        size={"shortest_edge": 32, "longest_edge": 64}, do_image_splitting=False
    )
    transformers.Idefics2Processor(images, words, image_seq_len=4, chat_template=TEMPLATE).save_pretrained(
        folder
    )
    save(
        folder,
        words,
        "idefics2",
        text_config={"model_type": "mistral", **LANGUAGE, "vocab_size": len(words), **ends(words)},
        vision_config={**VISION, "image_size": 64, "patch_size": 8},
        perceiver_config={
            "hidden_size": LANGUAGE["hidden_size"],
            "resampler_n_latents": 4,
            "resampler_depth": 1,
            "resampler_n_heads": 2,
            "resampler_head_dim": 16,
            "num_key_value_heads": 1,
        },
        image_token_id=words.convert_tokens_to_ids("<image>"),
    )


ROWS = [f"<row_{row}_col_{column}>" for row in range(1, 7) for column in range(1, 7)]


def _save_split(folder: Path, words: Any, model_type: str) -> None:
    save(
        folder,
        words,
        model_type,
        text_config={"model_type": "llama", **LANGUAGE, "vocab_size": len(words), **ends(words)},
        vision_config={**VISION, "image_size": 32, "patch_size": 8},
        scale_factor=2,
        image_token_id=words.convert_tokens_to_ids("<image>"),
        pad_token_id=words.pad_token_id,
    )


def idefics3(folder: Path) -> None:
    """Idefics3: an image is split into rows and columns of squares."""
    words = _words(["<global-img>", *ROWS])
    images = transformers.Idefics3ImageProcessorPil(
        size={"longest_edge": 64}, max_image_size={"longest_edge": 32}
    )
    transformers.Idefics3Processor(images, words, image_seq_len=4, chat_template=TEMPLATE).save_pretrained(
        folder
    )
    _save_split(folder, words, "idefics3")


def smolvlm(folder: Path) -> None:
    """SmolVLM: Idefics3's squares, and videos."""
    words = _words(["<global-img>", "<video>", *ROWS])
    images = transformers.SmolVLMImageProcessorPil(
        size={"longest_edge": 64}, max_image_size={"longest_edge": 32}
    )
    videos = transformers.SmolVLMVideoProcessor(size={"longest_edge": 64})
    transformers.SmolVLMProcessor(
        images, words, videos, image_seq_len=4, chat_template=TEMPLATE
    ).save_pretrained(folder)
    _save_split(folder, words, "smolvlm")
