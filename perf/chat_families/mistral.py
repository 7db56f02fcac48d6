"""Tiny checkpoints of Mistral's chat families."""

from pathlib import Path
from typing import Any

import transformers

from .parts import LANGUAGE, VISION, ends, plain_turns, save, tokenizer

MARKS = ["[IMG]", "[IMG_BREAK]", "[IMG_END]", "[INST]", "[/INST]"]
TEMPLATE = plain_turns("[IMG]", "[INST]", "[/INST]", "{{ bos_token }}")


def _words_and_processor(folder: Path, merge: int) -> Any:
    """The tokenizer, after the processor is saved: rows of image tokens, each with a mark at its end."""
    words = tokenizer(MARKS, bos_token="<s>", eos_token="</s>", pad_token="<pad>")
    images = transformers.PixtralImageProcessorPil(
        patch_size={"height": 14, "width": 14}, size={"longest_edge": 112}
    )
    transformers.PixtralProcessor(
        images, words, patch_size=14, spatial_merge_size=merge, chat_template=TEMPLATE
    ).save_pretrained(folder)
    return words


TOWER = {"model_type": "pixtral", **VISION, "image_size": 112, "patch_size": 14}


def _parts(words: Any) -> dict[str, Any]:
    """The fields of a configuration that both have alike."""
    text = {"model_type": "mistral", **LANGUAGE, "head_dim": 16, "vocab_size": len(words), **ends(words)}
    return {
        "vision_config": TOWER,
        "text_config": text,
        "image_token_index": words.convert_tokens_to_ids("[IMG]"),
    }


def pixtral(folder: Path) -> None:
    """Pixtral, which has LLaVA's class: an image of any shape."""
    words = _words_and_processor(folder, 1)
    save(
        folder,
        words,
        "llava",
        **_parts(words),
        vision_feature_layer=-1,
        vision_feature_select_strategy="full",
    )


def mistral3(folder: Path) -> None:
    """Mistral Small 3.1 and later: Pixtral's tower, of whose patches each two by two are one token."""
    words = _words_and_processor(folder, 2)
    save(
        folder,
        words,
        "mistral3",
        **_parts(words),
    )
