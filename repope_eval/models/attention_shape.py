"""What a language model's configuration says of its attention, and of what it keeps of each token."""

import torch
from transformers import PreTrainedConfig


def attention_shape(text: PreTrainedConfig) -> dict[str, int]:
    """What a language model's configuration says of attention, by the fields of `Shape`; 0 where it does not say.

    Where layers differ (Gemma 4), each is counted as the one that keeps the most.
    """
    if getattr(text, "is_heterogeneous", False):
        text = max(text.per_layer_config, key=lambda layer: layer.num_key_value_heads * layer.head_dim)
    heads = getattr(text, "num_attention_heads", 0)
    return {
        "layers": getattr(text, "num_hidden_layers", 0),
        "heads": heads,
        "key_value_heads": getattr(text, "num_key_value_heads", None) or heads,
        "head_size": getattr(text, "head_dim", None) or getattr(text, "hidden_size", 0) // max(1, heads),
    }


def cached_bytes_a_token(text: PreTrainedConfig, dtype: torch.dtype) -> int:
    """Bytes of the keys and values of one token, in a number format; 0 where the configuration does not say."""
    shape = attention_shape(text)
    return 2 * shape["layers"] * shape["key_value_heads"] * shape["head_size"] * dtype.itemsize
