"""Tiny checkpoints of random weights, each with the real processor class, a small tokenizer and a chat template."""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from conftest import GOLDENS
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import (
    CLIPImageProcessorPil,
    CLIPVisionConfig,
    Gemma3Config,
    Gemma3ForConditionalGeneration,
    Gemma3ImageProcessorPil,
    Gemma3Processor,
    Gemma3TextConfig,
    Idefics3Config,
    Idefics3ForConditionalGeneration,
    Idefics3ImageProcessorPil,
    Idefics3Processor,
    LlamaConfig,
    LlavaConfig,
    LlavaForConditionalGeneration,
    LlavaProcessor,
    MllamaConfig,
    MllamaForConditionalGeneration,
    MllamaImageProcessorPil,
    MllamaProcessor,
    PaliGemmaConfig,
    PaliGemmaForConditionalGeneration,
    PaliGemmaProcessor,
    PreTrainedTokenizerFast,
    Qwen2_5_VLConfig,
    Qwen2_5_VLForConditionalGeneration,
    Qwen2_5_VLProcessor,
    Qwen2VLImageProcessorPil,
    Qwen2VLVideoProcessor,
    Qwen3VLMoeConfig,
    Qwen3VLMoeForConditionalGeneration,
    Qwen3VLProcessor,
    Qwen3VLVideoProcessor,
    SiglipImageProcessorPil,
    SiglipVisionConfig,
)

from repope_eval.settings.config import ModelSettings

MOST_TOKENS = 6
"""The longest answers that tests ask for."""

LANGUAGE = {
    "hidden_size": 64,
    "intermediate_size": 96,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
}
VISION = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2}


def chat_settings(folder: Path, **more: Any) -> ModelSettings:
    """Settings of a checkpoint in a folder."""
    settings = ModelSettings(
        name="chat", family="chat", checkpoint=str(folder), dtype="float32", max_new_tokens=MOST_TOKENS
    )
    return replace(settings, **more)


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


CHATML = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n"
    "{% for part in message['content'] %}{% if part['type'] == 'image' %}"
    "<|vision_start|><|image_pad|><|vision_end|>{% else %}{{ part['text'] }}{% endif %}{% endfor %}<|im_end|>\n"
    "{% endfor %}<|im_start|>assistant\n"
    "{% if enable_thinking is defined and not enable_thinking %}<think>\n\n</think>\n\n{% endif %}"
)
GEMMA = (
    "{{ bos_token }}{% for message in messages %}<start_of_turn>{{ message['role'] }}\n"
    "{% for part in message['content'] %}{% if part['type'] == 'image' %}<start_of_image>"
    "{% else %}{{ part['text'] | trim }}{% endif %}{% endfor %}<end_of_turn>\n{% endfor %}"
    "<start_of_turn>model\n"
)
QWEN_TOKENS = [
    "<|im_start|>",
    "<|vision_start|>",
    "<|vision_end|>",
    "<|image_pad|>",
    "<|video_pad|>",
    "<think>",
    "</think>",
]
QWEN_MARKS = {
    "image_token_id": "<|image_pad|>",
    "video_token_id": "<|video_pad|>",
    "vision_start_token_id": "<|vision_start|>",
    "vision_end_token_id": "<|vision_end|>",
}


def qwen2_5_vl(folder: Path) -> None:
    """Qwen2.5-VL: positions of three axes, and windows in the vision tower."""
    words = tokenizer(QWEN_TOKENS, eos_token="<|im_end|>", pad_token="<|endoftext|>")
    images = Qwen2VLImageProcessorPil(min_pixels=28 * 28 * 4, max_pixels=28 * 28 * 16)
    Qwen2_5_VLProcessor(images, words, Qwen2VLVideoProcessor(), chat_template=CHATML).save_pretrained(folder)
    config = Qwen2_5_VLConfig(
        text_config={
            **LANGUAGE,
            "vocab_size": len(words),
            "rope_parameters": {"rope_type": "default", "rope_theta": 10000.0, "mrope_section": [2, 3, 3]},
            **_ends(words),
        },
        vision_config={
            "depth": 2,
            "hidden_size": 32,
            "intermediate_size": 64,
            "num_heads": 2,
            "out_hidden_size": LANGUAGE["hidden_size"],
            "window_size": 56,
            "fullatt_block_indexes": [1],
        },
        **{name: words.convert_tokens_to_ids(mark) for name, mark in QWEN_MARKS.items()},
    )
    _save(Qwen2_5_VLForConditionalGeneration, config, folder)


def qwen3_vl_moe(folder: Path) -> None:
    """Qwen3-VL with a mixture of experts, whose vision features go into several layers."""
    words = tokenizer(QWEN_TOKENS, eos_token="<|im_end|>", pad_token="<|endoftext|>")
    images = Qwen2VLImageProcessorPil(patch_size=16, min_pixels=32 * 32 * 4, max_pixels=32 * 32 * 16)
    Qwen3VLProcessor(images, words, Qwen3VLVideoProcessor(), chat_template=CHATML).save_pretrained(folder)
    config = Qwen3VLMoeConfig(
        text_config={
            **LANGUAGE,
            "num_hidden_layers": 3,
            "head_dim": 16,
            "num_experts": 4,
            "num_experts_per_tok": 2,
            "moe_intermediate_size": 32,
            "decoder_sparse_step": 1,
            "vocab_size": len(words),
            "rope_parameters": {
                "rope_type": "default",
                "rope_theta": 10000.0,
                "mrope_section": [2, 3, 3],
                "mrope_interleaved": True,
            },
            **_ends(words),
        },
        vision_config={
            "depth": 2,
            "hidden_size": 32,
            "intermediate_size": 64,
            "num_heads": 2,
            "out_hidden_size": LANGUAGE["hidden_size"],
            "num_position_embeddings": 64,
            "deepstack_visual_indexes": [0, 1],
        },
        **{name: words.convert_tokens_to_ids(mark) for name, mark in QWEN_MARKS.items()},
    )
    _save(Qwen3VLMoeForConditionalGeneration, config, folder)


def gemma3(folder: Path) -> None:
    """Gemma 3: image tokens attend both ways, one layer sees a sliding window alone; the template begins the text."""
    marks = {
        "image_token": "<image_soft_token>",
        "boi_token": "<start_of_image>",
        "eoi_token": "<end_of_image>",
    }
    words = tokenizer(
        ["<start_of_turn>"],
        bos_token="<bos>",
        eos_token="<end_of_turn>",
        pad_token="<pad>",
        extra_special_tokens=marks,
    )
    images = Gemma3ImageProcessorPil(size={"height": 56, "width": 56})
    Gemma3Processor(
        images,
        words,
        image_seq_length=4,
        chat_template=GEMMA,
    ).save_pretrained(folder)
    config = Gemma3Config(
        text_config=Gemma3TextConfig(
            **LANGUAGE,
            head_dim=16,
            vocab_size=len(words),
            sliding_window=8,
            layer_types=["sliding_attention", "full_attention"],
            **_ends(words),
        ),
        vision_config=SiglipVisionConfig(**VISION, image_size=56, patch_size=14),
        mm_tokens_per_image=4,
        **{f"{name}_index": words.convert_tokens_to_ids(mark) for name, mark in marks.items()},
        eos_token_id=words.eos_token_id,
    )
    _save(Gemma3ForConditionalGeneration, config, folder)


def idefics3(folder: Path) -> None:
    """Idefics3: an image is split into rows and columns of squares."""
    rows = [f"<row_{row}_col_{column}>" for row in range(1, 7) for column in range(1, 7)]
    words = tokenizer(
        ["<image>", "<fake_token_around_image>", "<global-img>", "<end_of_utterance>", *rows],
        bos_token="<|begin_of_text|>",
        eos_token="<|end_of_text|>",
        pad_token="<|pad|>",
    )
    images = Idefics3ImageProcessorPil(size={"longest_edge": 64}, max_image_size={"longest_edge": 32})
    Idefics3Processor(
        images,
        words,
        image_seq_len=4,
        chat_template=(
            "<|begin_of_text|>{% for message in messages %}{{ message['role'] | capitalize }}:"
            "{% for part in message['content'] %}{% if part['type'] == 'image' %}<image>"
            "{% else %}{{ part['text'] }}{% endif %}{% endfor %}<end_of_utterance>\n{% endfor %}Assistant:"
        ),
    ).save_pretrained(folder)
    config = Idefics3Config(
        text_config=LlamaConfig(**LANGUAGE, vocab_size=len(words), **_ends(words)).to_dict(),
        vision_config={**VISION, "image_size": 32, "patch_size": 8},
        scale_factor=2,
        image_token_id=words.convert_tokens_to_ids("<image>"),
        pad_token_id=words.pad_token_id,
    )
    config.eos_token_id = words.eos_token_id
    _save(Idefics3ForConditionalGeneration, config, folder)


def mllama(folder: Path) -> None:
    """Llama 3.2 Vision: features are not in the prompt, and the processor says which tiles each token sees."""
    words = tokenizer(["<|image|>"], bos_token="<|begin_of_text|>", eos_token="<|eot_id|>", pad_token="<pad>")
    MllamaProcessor(
        MllamaImageProcessorPil(size={"height": 56, "width": 56}, max_image_tiles=4),
        words,
        chat_template=(
            "{{ bos_token }}{% for part in messages[-1]['content'] %}{% if part['type'] == 'image' %}<|image|>"
            "{% else %}{{ part['text'] }}{% endif %}{% endfor %}\n"
        ),
    ).save_pretrained(folder)
    config = MllamaConfig(
        text_config={
            **LANGUAGE,
            "num_hidden_layers": 4,
            "cross_attention_layers": [1, 3],
            "vocab_size": len(words) - 1,  # nothing says the image's token
            **_ends(words),
        },
        vision_config={
            "hidden_size": 32,
            "intermediate_size": 64,
            "num_hidden_layers": 2,
            "num_global_layers": 1,
            "attention_heads": 2,
            "image_size": 56,
            "max_num_tiles": 4,
            "intermediate_layers_indices": [0, 1],
            "vision_output_dim": 3 * 32,
            "supported_aspect_ratios": [[1, 1], [1, 2], [1, 3], [1, 4], [2, 1], [2, 2], [3, 1], [4, 1]],
        },
        image_token_index=words.convert_tokens_to_ids("<|image|>"),
    )
    _save(MllamaForConditionalGeneration, config, folder)


def paligemma(folder: Path) -> None:
    """PaliGemma: image tokens attend to the question, so nothing of a prompt can be fed without it."""
    words = tokenizer(["<image>"], bos_token="<bos>", eos_token="<eos>", pad_token="<pad>")
    images = SiglipImageProcessorPil(size={"height": 56, "width": 56})
    images.image_seq_length = 16
    PaliGemmaProcessor(
        images,
        words,
        chat_template=(
            "{% for part in messages[-1]['content'] %}{% if part['type'] == 'image' %}<image>"
            "{% else %}{{ part['text'] }}{% endif %}{% endfor %}"
        ),
    ).save_pretrained(folder)
    config = PaliGemmaConfig(
        text_config={
            "model_type": "gemma",
            **LANGUAGE,
            "head_dim": 16,
            "vocab_size": len(words) + 8,
            **_ends(words),
        },
        vision_config={"model_type": "siglip_vision_model", **VISION, "image_size": 56, "patch_size": 14},
        image_token_index=words.convert_tokens_to_ids("<image>"),
        projection_dim=LANGUAGE["hidden_size"],
        **_ends(words),
    )
    _save(PaliGemmaForConditionalGeneration, config, folder)


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
            if parameter.dim() > 1 and not parameter.any():  # Gemma 3's projector of image features
                parameter.normal_(std=0.1)
            elif parameter.dim() > 1:
                parameter.mul_(3.0 if "lm_head" not in name else 10.0)
    network.save_pretrained(folder)


CHECKPOINTS: Mapping[str, Callable[[Path], None]] = {
    "llava": llava,
    "qwen2_5_vl": qwen2_5_vl,
    "qwen3_vl_moe": qwen3_vl_moe,
    "gemma3": gemma3,
    "idefics3": idefics3,
    "mllama": mllama,
}
"""Name of a kind -> what makes such a checkpoint in a folder."""
