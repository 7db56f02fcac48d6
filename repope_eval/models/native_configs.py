"""Native configurations: of checkpoints in a native layout, and of the language models inside original ones."""

from typing import Any

from transformers import LlamaConfig, PreTrainedConfig, Qwen2Config

from repope_eval.models.fields import Fields, blamed_on

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
"""What is passed on under its own name."""


def read_config(native: type[PreTrainedConfig], config: Fields) -> PreTrainedConfig:
    """The configuration that a `config.json` of a native layout describes, its class's defaults filled in.

    Raises:
        RepopeError: the class takes it for none.
    """
    with blamed_on(config.path):
        return native.from_dict(config.values)


def native_config(native: type[PreTrainedConfig], config: Fields, **fields: Any) -> PreTrainedConfig:
    """The native configuration of what an original one says.

    Args:
        native: its class.
        config: the original fields.
        fields: the same under the native class's names; it checks their types, and has its defaults for the rest.

    Raises:
        RepopeError: a field is not of the type that the class wants, or does not fit the others.
    """
    with blamed_on(config.path):
        return native(**fields)


def qwen2_config(language: Fields) -> PreTrainedConfig:
    """Of a Qwen2 or Qwen2.5 language model, whose class is native: its defaults are the original's."""
    return native_config(Qwen2Config, language, **language.stated(_FIELDS), rope_parameters=_rope(language))


def internlm2_config(language: Fields) -> PreTrainedConfig:
    """Of an InternLM2 language model, which is Llama under other names.

    Of what a file may leave out, InternLM2's class has other defaults than Llama's for the vocabulary and the
    bias. Source: `InternLM2Config` in the checkpoints' configuration_internlm2.py.
    """
    stated = {"vocab_size": 103168, **language.stated(_FIELDS)}
    bias = language.flag("bias", True)
    return native_config(
        LlamaConfig, language, **stated, attention_bias=bias, rope_parameters=_rope(language)
    )


def _rope(language: Fields) -> dict[str, Any]:
    """The rotary embedding's parameters; older files call its `rope_type` `type`."""
    scaling = language.part("rope_scaling")
    kind = scaling.text("rope_type", scaling.text("type", "default"))
    others = {name: value for name, value in scaling.values.items() if name != "type"}
    return {**others, "rope_type": kind, "rope_theta": language.number("rope_theta", 10000.0)}
