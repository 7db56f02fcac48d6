"""Tiny checkpoints of families that see one square, or codes: DeepSeek-VL, Janus, FastVLM, Emu3 and others."""

from pathlib import Path

import transformers

from .parts import LANGUAGE, VISION, chatml, ends, ids, plain_turns, save, tokenizer


def deepseek_vl(folder: Path) -> None:
    """DeepSeek-VL 1.3B: one square, padded."""
    words = tokenizer(
        [],
        bos_token="<|begin_of_sentence|>",
        eos_token="<|end_of_sentence|>",
        pad_token="<pad>",
        extra_special_tokens={"image_token": "<image_placeholder>"},
    )
    images = transformers.DeepseekVLImageProcessorPil(size={"height": 56, "width": 56}, min_size=14)
    template = plain_turns("<image_placeholder>", "User: ", "\n\n", "{{ bos_token }}") + "Assistant:"
    transformers.DeepseekVLProcessor(
        images, words, chat_template=template, num_image_tokens=16
    ).save_pretrained(folder)
    save(
        folder,
        words,
        "deepseek_vl",
        text_config={"model_type": "llama", **LANGUAGE, "vocab_size": len(words), **ends(words)},
        vision_config={"model_type": "siglip_vision_model", **VISION, "image_size": 56, "patch_size": 14},
        image_token_id=words.convert_tokens_to_ids("<image_placeholder>"),
        tie_word_embeddings=False,
    )


def janus(folder: Path) -> None:
    """Janus and Janus-Pro: one square, seen by one of the two towers."""
    marks = {
        "image_token": "<image_placeholder>",
        "boi_token": "<begin_of_image>",
        "eoi_token": "<end_of_image>",
    }
    words = tokenizer(
        [],
        bos_token="<|begin_of_sentence|>",
        eos_token="<|end_of_sentence|>",
        pad_token="<pad>",
        extra_special_tokens=marks,
    )
    images = transformers.JanusImageProcessorPil(size={"height": 56, "width": 56}, min_size=14)
    template = (
        plain_turns("<image_placeholder>\n", "<|User|>: ", "\n\n", "{{ bos_token }}") + "<|Assistant|>:"
    )
    transformers.JanusProcessor(images, words, chat_template=template, num_image_tokens=16).save_pretrained(
        folder
    )
    save(
        folder,
        words,
        "janus",
        text_config={"model_type": "llama", **LANGUAGE, "vocab_size": len(words), **ends(words)},
        vision_config={
            **VISION,
            "image_size": 56,
            "patch_size": 14,
            "num_image_tokens": 16,
            "projection_dim": LANGUAGE["hidden_size"],
        },
        vq_config={
            "base_channels": 32,
            "channel_multiplier": [1, 1],
            "num_res_blocks": 1,
            "num_embeddings": 16,
            "latent_channels": 32,
            "projection_dim": LANGUAGE["hidden_size"],
            "image_token_embed_dim": LANGUAGE["hidden_size"],
        },
        image_token_id=words.convert_tokens_to_ids("<image_placeholder>"),
        tie_word_embeddings=False,
    )


def fast_vlm(folder: Path) -> None:
    """FastVLM: a tower of timm's, with convolutions."""
    words = tokenizer(["<|im_start|>", "<image>"], eos_token="<|im_end|>", pad_token="<|endoftext|>")
    images = transformers.CLIPImageProcessorPil(
        size={"shortest_edge": 128}, crop_size={"height": 128, "width": 128}
    )
    transformers.LlavaProcessor(
        images, words, patch_size=32, vision_feature_select_strategy="full", chat_template=chatml("<image>\n")
    ).save_pretrained(folder)
    save(
        folder,
        words,
        "fast_vlm",
        text_config={"model_type": "qwen2", **LANGUAGE, "vocab_size": len(words), **ends(words)},
        vision_config={
            "model_type": "timm_wrapper",
            "architecture": "fastvit_mci0",
            "do_pooling": True,
            "global_pool": "avg",
            "hidden_size": 128,
            "model_args": {
                "inference_mode": True,
                "layers": [1, 1, 1, 1],
                "embed_dims": [8, 16, 32, 64],
                "mlp_ratios": [1, 1, 1, 1],
            },
        },
        image_token_index=words.convert_tokens_to_ids("<image>"),
        image_seq_length=16,
    )


def perception_lm(folder: Path) -> None:
    """PerceptionLM: a tower of timm's, tiles and a thumbnail."""
    words = tokenizer(
        ["<|start_header_id|>", "<|end_header_id|>"],
        bos_token="<|begin_of_text|>",
        eos_token="<|eot_id|>",
        pad_token="<pad>",
        extra_special_tokens={"image_token": "<|image|>", "video_token": "<|video|>"},
    )
    images = transformers.PerceptionLMImageProcessor(
        tile_size=56, max_num_tiles=4, size={"height": 56, "width": 56}
    )
    videos = transformers.PerceptionLMVideoProcessor()
    template = plain_turns(
        "<|image|>", "<|start_header_id|>user<|end_header_id|>\n\n", "<|eot_id|>", "{{ bos_token }}"
    )
    transformers.PerceptionLMProcessor(
        videos,
        images,
        words,
        patch_size=14,
        pooling_ratio=2,
        chat_template=template + "<|start_header_id|>assistant<|end_header_id|>\n\n",
    ).save_pretrained(folder)
    save(
        folder,
        words,
        "perception_lm",
        text_config={"model_type": "llama", **LANGUAGE, "vocab_size": len(words), **ends(words)},
        vision_config={
            "model_type": "timm_wrapper",
            "architecture": "vit_pe_core_large_patch14_336",
            "do_pooling": True,
            "global_pool": "map",
            "num_classes": 0,
            "hidden_size": 32,
            "model_args": {
                "embed_dim": 32,
                "depth": 2,
                "num_heads": 2,
                "img_size": [56, 56],
                "global_pool": "",
                "use_post_transformer_norm": False,
                "init_values": 0.1,
                "ref_feat_shape": [4, 4],
            },
        },
        projector_pooling_ratio=2,
        vision_use_cls_token=True,
        **ids(words, {"image_token_id": "<|image|>", "video_token_id": "<|video|>"}),
    )


CODES = 16
"""How many codes a picture's parts have."""


def emu3(folder: Path) -> None:
    """Emu3: an image is codes of a network that could paint it, each a token of the vocabulary."""
    codes = [f"<|visual token {number:06d}|>" for number in range(CODES)]
    marks = {
        "image_token": "<image>",
        "boi_token": "<|image start|>",
        "eoi_token": "<|image end|>",
        "image_wrapper_token": "<|image token|>",
        "eof_token": "<|extra_201|>",
    }
    words = tokenizer(
        ["<|extra_200|>", *codes],
        bos_token="<|extra_203|>",
        eos_token="<|extra_204|>",
        pad_token="<|endoftext|>",
        extra_special_tokens=marks,
    )
    images = transformers.Emu3ImageProcessor(min_pixels=32 * 32, max_pixels=48 * 48)
    template = plain_turns("<image>", "USER: ", " ") + "ASSISTANT:"
    transformers.Emu3Processor(images, words, chat_template=template).save_pretrained(folder)
    save(
        folder,
        words,
        "emu3",
        vq_config={
            "codebook_size": CODES,
            "base_channels": 32,
            "channel_multiplier": [1, 1, 1, 1],
            "num_res_blocks": 1,
            "hidden_size": 32,
        },
        text_config={**LANGUAGE, "vocab_size": len(words), "attention_dropout": 0.0, **ends(words)},
        vocabulary_map=words.get_vocab(),
    )


def kimi_k25(folder: Path) -> None:
    """Kimi K2.5: DeepSeek-V3's latent attention and mixture of experts, and images of any shape."""
    marks = [
        "<|media_pad|>",
        "<|media_begin|>",
        "<|media_content|>",
        "<|media_end|>",
        "<|kimi_k25_video_placeholder|>",
    ]
    words = tokenizer(
        ["<|im_user|>", "<|im_assistant|>", "<|im_middle|>", *marks],
        bos_token="[BOS]",
        eos_token="<|im_end|>",
        pad_token="[PAD]",
    )
    images = transformers.Kimi_K25ImageProcessor(max_patches=64)
    image = "<|media_begin|>image<|media_content|><|media_pad|><|media_end|>"
    template = plain_turns(image, "<|im_user|>user<|im_middle|>", "<|im_end|>")
    transformers.Kimi_K25Processor(
        images,
        words,
        transformers.Kimi_K25VideoProcessor(),
        chat_template=template + "<|im_assistant|>assistant<|im_middle|>",
    ).save_pretrained(folder)
    save(
        folder,
        words,
        "kimi_k25",
        text_config={
            "model_type": "deepseek_v3",
            **LANGUAGE,
            "num_key_value_heads": 4,
            "vocab_size": len(words),
            "moe_intermediate_size": 32,
            "n_routed_experts": 4,
            "n_group": 1,
            "topk_group": 1,
            "num_experts_per_tok": 2,
            "first_k_dense_replace": 1,
            "kv_lora_rank": 16,
            "q_lora_rank": 16,
            "qk_rope_head_dim": 8,
            "qk_nope_head_dim": 8,
            "v_head_dim": 16,
            **ends(words),
        },
        vision_config={**VISION, "pos_emb_height": 8, "pos_emb_width": 8},
        projection_hidden_size=32,
        tie_word_embeddings=False,
        **ids(
            words,
            {
                "image_token_id": "<|media_pad|>",
                "video_token_id": "<|kimi_k25_video_placeholder|>",
                "vision_start_token_id": "<|media_begin|>",
                "vision_end_token_id": "<|media_end|>",
            },
        ),
    )
