"""Tiny checkpoints of families that cut an image into tiles: InternVL, Ovis2, Aya, Command A, LFM2, MiniCPM, Molmo."""

from pathlib import Path
from typing import Any

import transformers

from .parts import LANGUAGE, VISION, chatml, ends, ids, plain_turns, save, tokenizer

SIGLIP = {"model_type": "siglip_vision_model", **VISION, "vision_use_head": False}


def _save_internvl(folder: Path, text: dict[str, Any]) -> None:
    marks = {
        "start_image_token": "<img>",
        "end_image_token": "</img>",
        "context_image_token": "<IMG_CONTEXT>",
        "video_token": "<video>",
    }
    words = tokenizer(
        ["<|im_start|>"], eos_token="<|im_end|>", pad_token="<|endoftext|>", extra_special_tokens=marks
    )
    transformers.InternVLProcessor(
        transformers.GotOcr2ImageProcessorPil(size={"height": 56, "width": 56}, max_patches=4),
        words,
        transformers.InternVLVideoProcessor(size={"height": 56, "width": 56}),
        image_seq_length=4,
        chat_template=chatml("<IMG_CONTEXT>\n"),
    ).save_pretrained(folder)
    save(
        folder,
        words,
        "internvl",
        text_config={**LANGUAGE, "vocab_size": len(words), **ends(words), **text},
        vision_config={**VISION, "image_size": [56, 56], "patch_size": [14, 14]},
        image_token_id=words.convert_tokens_to_ids("<IMG_CONTEXT>"),
        image_seq_length=4,
        tie_word_embeddings=False,
    )


def internvl3(folder: Path) -> None:
    """InternVL3's conversion: Qwen2.5 as the language model."""
    _save_internvl(folder, {"model_type": "qwen2"})


def internvl3_5(folder: Path) -> None:
    """InternVL3.5's conversion: Qwen3 as the language model."""
    _save_internvl(folder, {"model_type": "qwen3", "head_dim": 16})


def ovis2(folder: Path) -> None:
    """Ovis2's conversion: an image is words of a vocabulary of its own."""
    marks = ["<IMG_ATOM>", "<IMG_START>", "<IMG_GRID>", "<IMG_COL>", "<IMG_ROW>", "<IMG_END>"]
    words = tokenizer(["<|im_start|>", "<image>", *marks], eos_token="<|im_end|>", pad_token="<|endoftext|>")
    images = transformers.Ovis2ImageProcessorPil(
        size={"height": 56, "width": 56}, crop_to_patches=True, max_patches=4
    )
    transformers.Ovis2Processor(
        images, words, image_seq_length=4, chat_template=chatml("<image>\n")
    ).save_pretrained(folder)
    numbers = words.convert_tokens_to_ids(marks)
    save(
        folder,
        words,
        "ovis2",
        text_config={"model_type": "qwen2", **LANGUAGE, "vocab_size": len(words), **ends(words)},
        vision_config={**VISION, "image_size": 56, "patch_size": 14, "hidden_stride": 2, "vocab_size": 64},
        image_token_id=numbers[0],
        visual_indicator_token_ids=numbers[1:],
        hidden_size=LANGUAGE["hidden_size"],
        vocab_size=len(words),
        tie_word_embeddings=False,
    )


COHERE = {
    "model_type": "cohere2",
    "sliding_window": 128,
    "layer_types": ["sliding_attention", "full_attention"],
}


def _cohere_words(more: list[str], **named: Any) -> Any:
    turns = ["<|START_OF_TURN_TOKEN|>", "<|USER_TOKEN|>", "<|CHATBOT_TOKEN|>"]
    return tokenizer(
        [*turns, *more],
        bos_token="<BOS_TOKEN>",
        eos_token="<|END_OF_TURN_TOKEN|>",
        pad_token="<PAD>",
        **named,
    )


COHERE_TURN = "<|START_OF_TURN_TOKEN|><|{}_TOKEN|>"


def _cohere_template(image: str) -> str:
    user = COHERE_TURN.format("USER")
    end = "<|END_OF_TURN_TOKEN|>"
    return plain_turns(image, user, end, "{{ bos_token }}") + COHERE_TURN.format("CHATBOT")


def aya_vision(folder: Path) -> None:
    """Aya Vision: tiles with names in the prompt, and layers that see a sliding window."""
    marks = [
        "<image>",
        "<|START_OF_IMG|>",
        "<|END_OF_IMG|>",
        "<|IMG_PATCH|>",
        "<|IMG_LINE_BREAK|>",
        "TILE_GLOBAL",
    ]
    words = _cohere_words([*marks, "TILE"])
    transformers.AyaVisionProcessor(
        transformers.GotOcr2ImageProcessorPil(size={"height": 56, "width": 56}, max_patches=4),
        words,
        patch_size=14,
        img_size=56,
        downsample_factor=2,
        chat_template=_cohere_template("<image>"),
    ).save_pretrained(folder)
    save(
        folder,
        words,
        "aya_vision",
        text_config={**COHERE, **LANGUAGE, "vocab_size": len(words), **ends(words)},
        vision_config={**SIGLIP, "image_size": 56, "patch_size": 14},
        image_token_index=words.convert_tokens_to_ids("<|IMG_PATCH|>"),
        tie_word_embeddings=False,
    )


def cohere2_vision(folder: Path) -> None:
    """Command A Vision, a model of Cohere's: an image is cut into squares."""
    marks = {
        "boi_token": "<|START_OF_IMG|>",
        "eoi_token": "<|END_OF_IMG|>",
        "image_token": "<|IMG_PATCH|>",
        "img_line_break_token": "<|IMG_LINE_BREAK|>",
    }
    words = _cohere_words([], extra_special_tokens=marks)
    images = transformers.Cohere2VisionImageProcessor(
        size={"height": 56, "width": 56}, max_patches=4, patch_size=2
    )
    transformers.Cohere2VisionProcessor(
        images, words, chat_template=_cohere_template("<|IMG_PATCH|>")
    ).save_pretrained(folder)
    save(
        folder,
        words,
        "cohere2_vision",
        text_config={**COHERE, **LANGUAGE, "vocab_size": len(words), **ends(words)},
        vision_config={**SIGLIP, "image_size": 56, "patch_size": 14},
        alignment_intermediate_size=64,
        image_token_id=words.convert_tokens_to_ids("<|IMG_PATCH|>"),
        tie_word_embeddings=False,
    )


def lfm2_vl(folder: Path) -> None:
    """LFM2-VL and LFM2.5-VL: layers of short convolutions, and images of any shape."""
    marks = ["<image>", "<|image_start|>", "<|image_end|>", "<|img_thumbnail|>"]
    words = tokenizer(
        ["<|im_start|>", *marks], bos_token="<|startoftext|>", eos_token="<|im_end|>", pad_token="<|pad|>"
    )
    images = transformers.Lfm2VlImageProcessor(
        encoder_patch_size=14, tile_size=56, min_image_tokens=4, max_image_tokens=4, max_tiles=4
    )
    template = chatml("<image>", "{{ bos_token }}")
    transformers.Lfm2VlProcessor(images, words, chat_template=template).save_pretrained(folder)
    save(
        folder,
        words,
        "lfm2_vl",
        text_config={
            "model_type": "lfm2",
            **LANGUAGE,
            "layer_types": ["conv", "full_attention"],
            "vocab_size": len(words),
            **ends(words),
        },
        vision_config={
            "model_type": "siglip2_vision_model",
            **VISION,
            "num_patches": 64,
            "patch_size": 14,
            "vision_use_head": False,
        },
        projector_hidden_size=64,
        tie_word_embeddings=False,
        image_token_id=words.convert_tokens_to_ids("<image>"),
    )


def minicpmv4_6(folder: Path) -> None:
    """MiniCPM-V 4.6: slices of an image, and Qwen3.5 as the language model."""
    from .qwen import LINEAR

    marks = {
        "image_token": "<|image_pad|>",
        "video_token": "<|video_pad|>",
        "image_start_token": "<image>",
        "image_end_token": "</image>",
        "slice_start_token": "<slice>",
        "slice_end_token": "</slice>",
        "image_id_start_token": "<image_id>",
        "image_id_end_token": "</image_id>",
    }
    words = tokenizer(
        ["<|im_start|>"], eos_token="<|im_end|>", pad_token="<|endoftext|>", extra_special_tokens=marks
    )
    images = transformers.MiniCPMV4_6ImageProcessorPil(max_slice_nums=4, scale_resolution=112)
    videos = transformers.MiniCPMV4_6VideoProcessor()
    template = chatml("<|image_pad|>")
    transformers.MiniCPMV4_6Processor(images, videos, words, chat_template=template).save_pretrained(folder)
    names = {"image_token_id": "<|image_pad|>", "video_token_id": "<|video_pad|>"}
    save(
        folder,
        words,
        "minicpmv4_6",
        text_config={
            "model_type": "qwen3_5_text",
            **LANGUAGE,
            "head_dim": 16,
            **LINEAR,
            "vocab_size": len(words),
            **ends(words),
        },
        vision_config={**VISION, "image_size": 112, "patch_size": 14},
        insert_layer_id=0,
        **ids(words, names),
    )


def molmo2(folder: Path) -> None:
    """Molmo2: overlapping crops, and features of several layers that are pooled for each token."""
    marks = ["<im_patch>", "<im_col>", "<im_start>", "<low_res_im_start>", "<frame_start>", "<im_end>"]
    more = ["<frame_end>", "<im_low>", "<|image|>", "<|video|>"]
    words = tokenizer(
        ["<|im_start|>", *marks, *more],
        bos_token="<|endoftext|>",
        eos_token="<|im_end|>",
        pad_token="<|pad|>",
    )
    images = transformers.Molmo2ImageProcessor(
        size={"height": 84, "width": 84}, max_crops=4, overlap_margins=[1, 1]
    )
    videos = transformers.Molmo2VideoProcessor()
    template = chatml("<|image|>")
    transformers.Molmo2Processor(images, videos, words, chat_template=template).save_pretrained(folder)
    heads = {"num_attention_heads": 2, "num_key_value_heads": 2, "head_dim": 16}
    save(
        folder,
        words,
        "molmo2",
        seed=1,
        text_config={**LANGUAGE, "head_dim": 16, "vocab_size": len(words), "additional_vocab_size": 8},
        vision_config={**VISION, **heads, "image_size": [84, 84]},
        adapter_config={
            **heads,
            "vision_feature_layer": [1, 0],
            "hidden_size": 32,
            "intermediate_size": 64,
            "text_hidden_size": LANGUAGE["hidden_size"],
        },
        **ids(
            words,
            {
                "image_start_token_id": "<im_start>",
                "low_res_image_start_token_id": "<low_res_im_start>",
                "image_end_token_id": "<im_end>",
                "image_patch_id": "<im_patch>",
                "frame_start_token_id": "<frame_start>",
                "frame_end_token_id": "<frame_end>",
            },
        ),
    )
