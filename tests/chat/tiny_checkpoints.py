"""Tiny checkpoints of random weights, each with the real processor class, a small tokenizer and a chat template."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from conftest import GOLDENS
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import (
    CLIPImageProcessorPil,
    CLIPVisionConfig,
    LlamaConfig,
    LlavaConfig,
    LlavaForConditionalGeneration,
    LlavaProcessor,
    PreTrainedTokenizerFast,
)

LANGUAGE = {
    "hidden_size": 64,
    "intermediate_size": 96,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
}
VISION = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2}


def tokenizer(special: list[str], **named: Any) -> PreTrainedTokenizerFast:
    """Bytes, a few words, and the special tokens, the first of which begins a text of the class's own accord."""
    golden = GOLDENS / "internvl2_5_qwen2"
    vocabulary = json.loads((golden / "vocab.json").read_text())
    merges = [tuple(line.split()) for line in (golden / "merges.txt").read_text().splitlines()[1:] if line]
    backend = Tokenizer(models.BPE(vocab=vocabulary, merges=merges))
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    made = PreTrainedTokenizerFast(tokenizer_object=backend, **named)
    made.add_special_tokens({"additional_special_tokens": special})
    return made


def llava(folder: Path) -> None:
    """LLaVA-1.5: an image is one square of 16 tokens; the template writes no begin token."""
    words = tokenizer(["<image>"], bos_token="<s>", eos_token="</s>", pad_token="<pad>")
    images = CLIPImageProcessorPil(size={"shortest_edge": 56}, crop_size={"height": 56, "width": 56})
    LlavaProcessor(
        images,
        words,
        patch_size=14,
        vision_feature_select_strategy="default",
        num_additional_image_tokens=1,
        chat_template=(
            "{% for message in messages %}{{ message['role'].upper() + ': ' }}"
            "{% for part in message['content'] %}{% if part['type'] == 'image' %}{{ '<image>\n' }}"
            "{% else %}{{ part['text'] + ' ' }}{% endif %}{% endfor %}{% endfor %}ASSISTANT:"
        ),
    ).save_pretrained(folder)
    config = LlavaConfig(
        vision_config=CLIPVisionConfig(**VISION, image_size=56, patch_size=14),
        text_config=LlamaConfig(**LANGUAGE, vocab_size=len(words), **_ends(words)),
        image_token_index=words.convert_tokens_to_ids("<image>"),
        image_seq_length=16,
    )
    _save(LlavaForConditionalGeneration, config, folder)


def _ends(words: PreTrainedTokenizerFast) -> dict[str, int]:
    return {
        "bos_token_id": words.bos_token_id,
        "eos_token_id": words.eos_token_id,
        "pad_token_id": words.pad_token_id,
    }


def _save(network_class: Any, config: Any, folder: Path) -> None:
    """Random weights, spread so that answers depend on the image and the question."""
    torch.manual_seed(0)
    network = network_class(config).eval()
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            if parameter.dim() > 1:
                parameter.mul_(3.0 if "lm_head" not in name else 10.0)
    network.save_pretrained(folder)


CHECKPOINTS: Mapping[str, Callable[[Path], None]] = {"llava": llava}
"""Name of a kind -> what makes such a checkpoint in a folder."""
