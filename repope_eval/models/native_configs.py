"""Native configurations of checkpoints in a native layout, and of the language models in original layouts."""

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
"""Fields that have the same name in original and native configurations."""


def read_config(native: type[PreTrainedConfig], config: Fields) -> PreTrainedConfig:
    """The configuration that a `config.json` of a native layout describes, its class's defaults filled in.

    Raises:
        RepopeError: the class refuses it.
    """
    with blamed_on(config.path):
        return native.from_dict(config.values)


def native_config(native: type[PreTrainedConfig], config: Fields, **fields: Any) -> PreTrainedConfig:
    """Makes a native configuration out of the fields of an original one.

    Args:
        native: class of the configuration.
        config: the original fields.
        fields: the same under the native class's names; the class checks their types and has defaults for the rest.

    Raises:
        RepopeError: a field is not of the type that the class expects, or does not fit the others.
    """
    with blamed_on(config.path):
        return native(**fields)


def qwen2_config(language: Fields) -> PreTrainedConfig:
    """The configuration of a Qwen2 or Qwen2.5 language model; the native class has the original's defaults."""
    return native_config(Qwen2Config, language, **language.stated(_FIELDS), rope_parameters=_rope(language))


def internlm2_config(language: Fields) -> PreTrainedConfig:
    """The configuration of an InternLM2 language model, which is Llama under other names.

    InternLM2's class has other defaults than Llama's for the vocabulary and the bias, which a file may leave out.
    Source: `InternLM2Config` in the checkpoints' configuration_internlm2.py.
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
