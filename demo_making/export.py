"""Writes the tiny model as an original InternVL2.5 checkpoint, as OpenGVLab lays them out."""

import json
import re
from pathlib import Path

import torch
from safetensors.torch import save
from torch import Tensor, nn

from demo_making.model import (
    HEADS,
    KEY_HEADS,
    MAX_TILES,
    PATCH_SIDE,
    TEXT_INNER,
    TEXT_LAYERS,
    TILE_SIDE,
    VISION_INNER,
    VISION_LAYERS,
    VOCABULARY,
    WIDTH,
)
from demo_making.tokenizer import END, PAD

# Native names to original ones, in this order; the vision tower's q, k and v are merged afterwards.
_RENAMINGS = (
    (r"^model\.vision_tower\.embeddings\.cls_token$", "vision_model.embeddings.class_embedding"),
    (r"^model\.vision_tower\.embeddings\.position_embeddings$", "vision_model.embeddings.position_embedding"),
    (
        r"^model\.vision_tower\.embeddings\.patch_embeddings\.projection\.",
        "vision_model.embeddings.patch_embedding.",
    ),
    (r"^model\.vision_tower\.encoder\.layer\.", "vision_model.encoder.layers."),
    (r"\.layernorm_before\.", ".norm1."),
    (r"\.layernorm_after\.", ".norm2."),
    (r"\.lambda_([12])$", r".ls\1"),
    (r"\.attention\.projection_layer\.", ".attn.proj."),
    (r"\.attention\.([qkv])_proj\.", r".attn.\1."),
    (r"^model\.multi_modal_projector\.layer_norm\.", "mlp1.0."),
    (r"^model\.multi_modal_projector\.linear_1\.", "mlp1.1."),
    (r"^model\.multi_modal_projector\.linear_2\.", "mlp1.3."),
    (r"^model\.language_model\.", "language_model.model."),
    (r"^lm_head\.", "language_model.lm_head."),
)


def original_tensors(native: dict[str, Tensor]) -> dict[str, Tensor]:
    """The native model's tensors under the original names, rows of q, k and v one below the other."""
    renamed: dict[str, Tensor] = {}
    for name, tensor in native.items():
        for pattern, replacement in _RENAMINGS:
            name = re.sub(pattern, replacement, name)
        renamed[name] = tensor.detach().to(torch.float32).contiguous()
    for name in [name for name in renamed if ".attn.q." in name]:
        parts = [renamed.pop(name.replace(".attn.q.", f".attn.{part}.")) for part in "qkv"]
        renamed[name.replace(".attn.q.", ".attn.qkv.")] = torch.cat(parts)
    return renamed


def write_checkpoint(model: nn.Module, folder: Path) -> None:
    """Write weights and configuration beside the tokenizer's files, which must be there already."""
    ids = json.loads((folder / "added_tokens.json").read_text(encoding="utf-8"))
    # Not save_file: that leaves a file which only its owner can read.
    weights = save(original_tensors(model.state_dict()), {"format": "pt"})
    (folder / "model.safetensors").write_bytes(weights)
    _write_json(folder / "config.json", _config(ids))
    _write_json(folder / "generation_config.json", {"eos_token_id": [ids[END]], "pad_token_id": ids[PAD]})


def _config(ids: dict[str, int]) -> dict[str, object]:
    return {
        "architectures": ["InternVLChatModel"],
        "downsample_ratio": 0.5,
        "dynamic_image_size": True,
        "force_image_size": TILE_SIDE,
        "hidden_size": WIDTH,
        "llm_config": _text_config(ids),
        "max_dynamic_patch": MAX_TILES,
        "min_dynamic_patch": 1,
        "model_type": "internvl_chat",
        "pad2square": False,
        "ps_version": "v2",
        "select_layer": -1,
        "template": "internvl2_5",
        "tie_word_embeddings": False,
        "torch_dtype": "float32",
        "use_backbone_lora": 0,
        "use_llm_lora": 0,
        "use_thumbnail": True,
        "vision_config": _vision_config(),
    }


def _text_config(ids: dict[str, int]) -> dict[str, object]:
    return {
        "architectures": ["Qwen2ForCausalLM"],
        "attention_dropout": 0.0,
        "bos_token_id": ids[PAD],
        "eos_token_id": ids[END],
        "hidden_act": "silu",
        "hidden_size": WIDTH,
        "initializer_range": 0.02,
        "intermediate_size": TEXT_INNER,
        "max_position_embeddings": 8192,
        "max_window_layers": TEXT_LAYERS,
        "model_type": "qwen2",
        "num_attention_heads": HEADS,
        "num_hidden_layers": TEXT_LAYERS,
        "num_key_value_heads": KEY_HEADS,
        "rms_norm_eps": 1e-6,
        "rope_scaling": None,
        "rope_theta": 1000000.0,
        "sliding_window": None,
        "tie_word_embeddings": False,
        "torch_dtype": "float32",
        "use_cache": True,
        "use_sliding_window": False,
        "vocab_size": VOCABULARY,
    }


def _vision_config() -> dict[str, object]:
    return {
        "architectures": ["InternVisionModel"],
        "attention_dropout": 0.0,
        "drop_path_rate": 0.0,
        "dropout": 0.0,
        "hidden_act": "gelu",
        "hidden_size": WIDTH,
        "image_size": TILE_SIDE,
        "initializer_factor": 1.0,
        "initializer_range": 0.02,
        "intermediate_size": VISION_INNER,
        "layer_norm_eps": 1e-6,
        "model_type": "intern_vit_6b",
        "norm_type": "layer_norm",
        "num_attention_heads": HEADS,
        "num_channels": 3,
        "num_hidden_layers": VISION_LAYERS,
        "patch_size": PATCH_SIDE,
        "qk_normalization": False,
        "qkv_bias": True,
        "torch_dtype": "float32",
        "use_flash_attn": False,
    }


def _write_json(path: Path, content: object) -> None:
    path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
