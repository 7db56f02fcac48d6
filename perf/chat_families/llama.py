"""Tiny checkpoints of Llama's chat families."""

from pathlib import Path

import transformers

from .parts import LANGUAGE, ends, plain_turns, save, tokenizer


def mllama(folder: Path) -> None:
    """Llama 3.2 Vision: features are not in the prompt, and the processor says which tiles each token sees."""
    words = tokenizer(["<|image|>"], bos_token="<|begin_of_text|>", eos_token="<|eot_id|>", pad_token="<pad>")
    transformers.MllamaProcessor(
        transformers.MllamaImageProcessorPil(size={"height": 56, "width": 56}, max_image_tiles=4),
        words,
        chat_template=(
            "{{ bos_token }}{% for part in messages[-1]['content'] %}{% if part['type'] == 'image' %}<|image|>"
            "{% else %}{{ part['text'] }}{% endif %}{% endfor %}\n"
        ),
    ).save_pretrained(folder)
    save(
        folder,
        words,
        "mllama",
        text_config={
            **LANGUAGE,
            "num_hidden_layers": 4,
            "cross_attention_layers": [1, 3],
            "vocab_size": len(words) - 1,  # nothing says the image's token
            **ends(words),
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


def llama4(folder: Path) -> None:
    """Llama 4: layers that see a chunk of the tokens, a mixture of experts, tiles with marks between them."""
    marks = ["<|image|>", "<|image_start|>", "<|image_end|>", "<|patch|>", "<|tile_x_separator|>"]
    words = tokenizer(
        ["<|header_start|>", "<|header_end|>", *marks, "<|tile_y_separator|>"],
        bos_token="<|begin_of_text|>",
        eos_token="<|eot|>",
        pad_token="<|finetune_right_pad|>",
    )
    head = "<|header_start|>{}<|header_end|>\n\n"
    transformers.Llama4Processor(
        transformers.Llama4ImageProcessor(size={"height": 56, "width": 56}, max_patches=4),
        words,
        chat_template=plain_turns(
            "<|image|>", head.format("{{ message['role'] }}"), "<|eot|>", "{{ bos_token }}"
        )
        + head.format("assistant"),
    ).save_pretrained(folder)
    save(
        folder,
        words,
        "llama4",
        text_config={
            **LANGUAGE,
            "num_hidden_layers": 4,
            "intermediate_size_mlp": 96,
            "head_dim": 16,
            "num_local_experts": 2,
            "vocab_size": len(words),
            "attention_chunk_size": 64,
            **ends(words),
        },
        vision_config={
            "hidden_size": 32,
            "intermediate_size": 128,
            "num_hidden_layers": 2,
            "num_attention_heads": 2,
            "vision_output_dim": 64,
            "image_size": 56,
            "patch_size": 14,
            "projector_input_dim": 64,
            "projector_output_dim": 64,
        },
        boi_token_index=words.convert_tokens_to_ids("<|image_start|>"),
        eoi_token_index=words.convert_tokens_to_ids("<|image_end|>"),
        image_token_index=words.convert_tokens_to_ids("<|patch|>"),
    )
