"""The native configurations of the language models inside original multimodal checkpoints."""

from typing import Any

from transformers import LlamaConfig, PreTrainedConfig, Qwen2Config

_FIELDS = (
    "vocab_size",
    "hidden_size",
    "intermediate_size",
    "num_hidden_layers",
    "num_attention_heads",
    "num_key_value_heads",
    "hidden_act",
    "max_position_embeddings",
    "rms_norm_eps",
    "tie_word_embeddings",
)


def qwen2_config(language: dict[str, Any]) -> PreTrainedConfig:
    """Of a Qwen2 or Qwen2.5 language model."""
    rope = {"rope_type": "default", "rope_theta": language["rope_theta"]}
    return Qwen2Config(**{name: language[name] for name in _FIELDS}, rope_parameters=rope)


def internlm2_config(language: dict[str, Any]) -> PreTrainedConfig:
    """Of an InternLM2 language model, which is Llama under other names."""
    scaling = language.get("rope_scaling")
    rope: dict[str, Any] = {"rope_type": "default", "rope_theta": language["rope_theta"]}
    if scaling:
        rope |= {"rope_type": scaling["type"], "factor": scaling["factor"]}
    return LlamaConfig(
        **{name: language[name] for name in _FIELDS},
        attention_bias=language["bias"],
        rope_parameters=rope,
    )
