"""Loads the weights of a checkpoint into transformers' own class for it, and says what was loaded.

What the model is shown does not matter here: the families have recipes, others their own processors.
"""

import atexit
import copy
import shutil
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import torch
from transformers import LlamaConfig, PreTrainedConfig, PreTrainedModel, Qwen2Config
from transformers.utils import logging as transformers_logging

from repope_eval.errors import RepopeError
from repope_eval.models.checkpoints import Checkpoint, fetch_weights
from repope_eval.models.fields import Fields, blamed_on, first_line
from repope_eval.models.merging import merged_adapter, require_merged
from repope_eval.models.placement import (
    choose_attention,
    device_map,
    embed_where_inputs_are,
    quantization,
    require_attention,
    require_modules,
    require_number_format,
    require_quantization,
)
from repope_eval.models.recipe import Inputs
from repope_eval.models.weight_files import WeightFiles, fingerprint, verify_weight_files
from repope_eval.runs.manifest_form import CHECKPOINT_FILES
from repope_eval.settings.config import Attention, ModelSettings, number_format
from repope_eval.system.secrets import as_written

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
    """The configuration that a `config.json` of a native layout describes, its class's defaults filled in."""
    with blamed_on(config.path):
        return native.from_dict(config.values)


def native_config(native: type[PreTrainedConfig], config: Fields, **fields: Any) -> PreTrainedConfig:
    """Makes a native configuration out of the fields of an original one.

    Args:
        native: class of the configuration.
        config: the original fields.
        fields: the same under the native class's names; the class checks their types and has defaults for the rest.
    """
    with blamed_on(config.path):
        return native(**fields)


def qwen2_config(language: Fields) -> PreTrainedConfig:
    """The configuration of a Qwen2 or Qwen2.5 language model; the native class has the original's defaults."""
    return native_config(
        Qwen2Config, language, **language.stated(_FIELDS), rope_parameters=_rope_parameters(language)
    )


def internlm2_config(language: Fields) -> PreTrainedConfig:
    """The configuration of an InternLM2 language model, which is Llama under other names.

    InternLM2's class has other defaults than Llama's for the vocabulary and the bias, which a file may leave out.
    Source: `InternLM2Config` in the checkpoints' configuration_internlm2.py.
    """
    stated = {"vocab_size": 103168, **language.stated(_FIELDS)}
    bias = language.flag("bias", True)
    return native_config(
        LlamaConfig, language, **stated, attention_bias=bias, rope_parameters=_rope_parameters(language)
    )


def _rope_parameters(language: Fields) -> dict[str, Any]:
    """The rotary embedding's parameters; older files call its `rope_type` `type`."""
    scaling = language.part("rope_scaling")
    kind = scaling.text("rope_type", scaling.text("type", "default"))
    others = {name: value for name, value in scaling.values.items() if name != "type"}
    return {**others, "rope_type": kind, "rope_theta": language.number("rope_theta", 10000.0)}


_MOST_TIMES = 2
"""A network may have so many times the weights in the files: tied embeddings may be counted twice."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DescribedNetwork(ABC):
    """A checkpoint as its small files describe it."""

    checkpoint: Checkpoint
    network: PreTrainedModel
    """The native class's network on the meta device: it has shapes, and no weights."""

    @property
    def n_weights(self) -> int:
        """How many numbers all tensors of the network have."""
        return sum(parameter.numel() for parameter in self.network.parameters())

    @abstractmethod
    def prompt(self, question: str) -> str:
        """The whole prompt of a question as text, with a mark where the image goes."""

    def attention(self, settings: ModelSettings) -> Attention:
        """The attention that the settings ask for; `auto` is eager where the native class has no sdpa.

        Raises:
            RepopeError: as `choose_attention`.
        """
        chosen = choose_attention(settings, self.network.config)
        has_sdpa = getattr(type(self.network), "_supports_sdpa", True)
        return "eager" if settings.attn_implementation == "auto" and not has_sdpa else chosen


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedNetwork:
    """A network with its weights, where it is and how it computes."""

    network: PreTrainedModel
    checkpoint: Checkpoint
    dtype: torch.dtype
    device: torch.device
    """The device that inputs go to."""
    attention: Attention = "sdpa"
    """How the network computes attention."""

    @property
    def devices(self) -> tuple[torch.device, ...]:
        """The devices that it is on: several if a device map spreads it; weights on disk are on none."""
        placed = {parameter.device for parameter in self.network.parameters()}
        return tuple(sorted((device for device in placed if device.type != "meta"), key=str))

    def placed(self, inputs: Inputs) -> Inputs:
        """An image's inputs on the device, pixels in the model's number format.

        A GPU copies them from pinned memory by itself, while the program goes on.
        """
        return {
            name: tensor.to(
                self.device, self.dtype if tensor.is_floating_point() else tensor.dtype, non_blocking=True
            )
            for name, tensor in inputs.items()
        }


Loaded = TypeVar("Loaded", bound=LoadedNetwork)


def network_dtype(settings: ModelSettings) -> torch.dtype:
    """The number format that a model is loaded in, as torch has it."""
    dtype: torch.dtype = getattr(torch, number_format(settings))
    return dtype


def possible_device_map(settings: ModelSettings, device: torch.device) -> str | dict[str, Any]:
    """Where a model's weights go, before any file of a checkpoint is read.

    Returns:
        What `device_map` makes of the settings.

    Raises:
        RepopeError: the number format, the attention, the device map or the quantization cannot be had here.
    """
    require_number_format(network_dtype(settings), device)
    require_attention(settings, device)
    placed = device_map(settings, device)
    require_quantization(settings, device)
    return placed


def _keep_all_bits(dtype: torch.dtype) -> None:
    """Has a GPU's convolutions compute float32 in float32.

    Unless told otherwise, torch lets cuDNN round their terms to the 11 significant bits of TensorFloat-32, though not
    the terms of matrix products. A vision tower begins with a convolution, which is a small part of its time.
    """
    if dtype == torch.float32:
        torch.backends.cudnn.allow_tf32 = False


def load_network(
    settings: ModelSettings,
    device: torch.device,
    placed: str | dict[str, Any],
    described: DescribedNetwork,
    make: Callable[..., Loaded],
) -> tuple[Loaded, list[str]]:
    """Fetches a checkpoint's weights where they are not here yet, and loads them.

    Args:
        device: where inputs go.
        placed: where the weights go, as `possible_device_map` found.
        described: the checkpoint; its network's class is the one that is loaded.
        make: makes the model, given the fields of a `LoadedNetwork`.

    Returns:
        The model, and the weights that its class has no place for.

    Raises:
        RepopeError: the attention cannot be had, the weights cannot be had or loaded, or some are missing or of
            another shape.
    """
    attention = described.attention(settings)
    require_modules(settings, placed, described.network)
    fetch_whole(described)
    dtype = network_dtype(settings)
    _keep_all_bits(dtype)
    with merged_adapter(described.checkpoint, described.network):
        network, report = _from_pretrained(
            described.checkpoint,
            type(described.network),
            config=copy.deepcopy(described.network.config),  # which transformers changes
            device_map=placed,
            offload_folder=_offload_folder() if settings.device_map else None,
            quantization_config=quantization(settings, dtype, described.network),
            dtype=dtype,
            attn_implementation=attention.removesuffix("_cudnn"),  # `attention_kernels` sees to the rest
        )
    require_merged(described.checkpoint, network)
    if settings.device_map:
        embed_where_inputs_are(network)
    refuse_gaps(described.checkpoint, "missing", report["missing_keys"])
    refuse_gaps(described.checkpoint, "of another shape", (name for name, *_ in report["mismatched_keys"]))
    model = make(
        network=network, checkpoint=described.checkpoint, dtype=dtype, device=device, attention=attention
    )
    return model, sorted(report["unexpected_keys"])


def fetch_whole(described: DescribedNetwork) -> WeightFiles:
    """Downloads a checkpoint's weights where they are not there yet, and checks that their files are whole.

    Raises:
        RepopeError: they cannot be had, a file is missing or damaged, or they are too few for the configuration:
            transformers would fill the memory with random ones before it said so.
    """
    checkpoint = described.checkpoint
    fetch_weights(checkpoint)
    files = verify_weight_files(checkpoint.folder)
    if described.n_weights > _MOST_TIMES * files.n_weights:
        raise RepopeError(
            f"{checkpoint.path('config.json')}: describes a network of {described.n_weights:,} weights, and the files "
            f"hold {files.n_weights:,}; the checkpoint is damaged or of another model"
        )
    return files


def describe_checkpoint(checkpoint: Checkpoint) -> dict[str, Any]:
    """What a manifest says of a checkpoint and its adapter: their names, their commits, and what their files hold."""
    processor, adapter = checkpoint.processor_folder, checkpoint.adapter
    return {
        "checkpoint": {
            "name": as_written(checkpoint.name),
            "commit": checkpoint.commit,
            **({"processor_commit": processor.name} if processor else {}),
            **({"adapter": as_written(adapter.name), "adapter_commit": adapter.commit} if adapter else {}),
        },
        CHECKPOINT_FILES: fingerprint(checkpoint.folder, processor, checkpoint.adapter_folder),
    }


def describe_device(device: torch.device) -> dict[str, Any]:
    """What a manifest says of the device."""
    gpu = torch.cuda.get_device_name(device) if device.type == "cuda" else None
    return {"name": str(device), "gpu": gpu, "threads": torch.get_num_threads()}


def _from_pretrained(
    checkpoint: Checkpoint, network_class: type[PreTrainedModel], **how: Any
) -> tuple[PreTrainedModel, Mapping[str, Any]]:
    transformers_logging.disable_progress_bar()
    try:
        network, report = network_class.from_pretrained(
            checkpoint.folder,
            **how,
            use_safetensors=True,
            ignore_mismatched_sizes=True,  # they are refused below, by name
            output_loading_info=True,
        )
    except (
        Exception
    ) as error:  # damaged weights, no memory, settings that do not fit: the library's many kinds
        raise RepopeError(f"{checkpoint.folder}: cannot be loaded ({first_line(error)})") from error
    network.eval()
    return network, report


def _offload_folder() -> str:
    """A folder for weights that a device map puts on disk; it is removed when the program ends."""
    folder = tempfile.mkdtemp(prefix="repope_offload_")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def refuse_gaps(checkpoint: Checkpoint, what: str, weights: Iterable[str]) -> None:
    """Refuses weights that do not fit: transformers would go on with random ones.

    Args:
        checkpoint: whose weights were loaded.
        what: is wrong with them.
        weights: names of such weights.
    """
    if names := sorted(weights):
        raise RepopeError(
            f"{checkpoint.folder}: {len(names)} weights are {what}, first {', '.join(names[:3])}; "
            "the checkpoint is damaged or of another model"
        )
