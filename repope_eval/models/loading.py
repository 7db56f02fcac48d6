"""Loads a model's weights into the native class, in the number format and on the devices that were asked for."""

import atexit
import shutil
import tempfile
from dataclasses import dataclass
from typing import Any

import torch
from transformers import PreTrainedModel
from transformers.utils import logging as transformers_logging

from repope_eval.errors import RepopeError
from repope_eval.models.attention import choose_attention
from repope_eval.models.checkpoints import Checkpoint, fetch_weights
from repope_eval.models.description import require_generation_config
from repope_eval.models.families import checkpoint_of, recipe_of
from repope_eval.models.fields import blamed_on, first_line
from repope_eval.models.fingerprint import fingerprint
from repope_eval.models.limits import require_bounded
from repope_eval.models.placement import (
    device_map,
    embed_where_inputs_are,
    quantization,
    require_attention,
    require_modules,
    require_number_format,
    require_quantization,
)
from repope_eval.models.recipe import Inputs, Recipe, RecipeOptions
from repope_eval.models.rehearsal import rehearse
from repope_eval.models.weight_files import WeightFiles, verify_weight_files
from repope_eval.runs.manifest_form import CHECKPOINT_FILES
from repope_eval.settings.config import Attention, ModelSettings, number_format
from repope_eval.settings.written import as_written

_MOST_TIMES = 2
"""A network may have so many times the weights in the files: tied embeddings may be counted twice."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Described:
    """A checkpoint as its small files describe it."""

    checkpoint: Checkpoint
    recipe: Recipe
    network: PreTrainedModel
    """The native class's network on the meta device: it has shapes, and no weights."""

    @property
    def n_weights(self) -> int:
        """How many numbers all tensors of the network have."""
        return sum(parameter.numel() for parameter in self.network.parameters())


@dataclass(frozen=True, slots=True)
class Model:
    """A model ready to be asked."""

    recipe: Recipe
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


def load_model(settings: ModelSettings, device: torch.device, checkpoint: Checkpoint | None = None) -> Model:
    """Recognises a checkpoint's layout and loads its weights.

    Args:
        settings: of the model.
        device: where inputs go, and the weights if the settings do not spread them.
        checkpoint: what `checkpoint_of` found; None if it is still to be found.

    Raises:
        RepopeError: no such checkpoint, another family's, weights missing, unexpected or of another shape.
    """
    dtype: torch.dtype = getattr(torch, number_format(settings))
    require_number_format(dtype, device)
    _keep_all_bits(dtype)
    require_attention(settings, device)
    placed = device_map(settings, device)
    require_quantization(settings, device)
    described = read_description(settings, checkpoint)
    attention = choose_attention(settings, described.network.config)
    require_modules(settings, placed, described.network)
    fetch_whole(described)
    network = _load_network(
        described.checkpoint,
        described.recipe,
        device_map=placed,
        offload_folder=_offload_folder() if settings.device_map else None,
        quantization_config=quantization(settings, dtype, described.network),
        dtype=dtype,
        attn_implementation=attention.removesuffix("_cudnn"),  # `attention_kernels` sees to the rest
    )
    if settings.device_map:
        embed_where_inputs_are(network)
    return Model(described.recipe, network, described.checkpoint, dtype, device, attention)


def _keep_all_bits(dtype: torch.dtype) -> None:
    """Has a GPU's convolutions compute float32 in float32.

    Unless told otherwise, torch lets cuDNN round their terms to the 11 significant bits of TensorFloat-32, though not
    the terms of matrix products. A vision tower begins with a convolution, which is a small part of its time.
    """
    if dtype == torch.float32:
        torch.backends.cudnn.allow_tf32 = False


def fetch_whole(described: Described) -> WeightFiles:
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


def read_description(settings: ModelSettings, checkpoint: Checkpoint | None = None) -> Described:
    """Reads a checkpoint's small files and makes its recipe; finds whatever is wrong without reading weights.

    Args:
        settings: of the model.
        checkpoint: what `checkpoint_of` found; None if it is still to be found.

    Raises:
        RepopeError: no such checkpoint, another family's, or a file of it is missing or broken.
    """
    transformers_logging.set_verbosity_error()  # what it warns of is refused here, or where weights are loaded
    checkpoint = checkpoint or checkpoint_of(settings)
    require_bounded(checkpoint.fields)
    require_generation_config(checkpoint)
    options = RecipeOptions(
        system_prompt=settings.system_prompt,
        question_suffix=settings.question_suffix,
        max_tiles=settings.max_tiles,
    )
    recipe = recipe_of(settings.family, checkpoint, options, settings.prompt)
    network_class, config = recipe.network_class(), recipe.network_config()
    with blamed_on(checkpoint.path("config.json")), torch.device("meta"):
        network = network_class(config)
    rehearse(recipe, network, checkpoint)
    return Described(checkpoint=checkpoint, recipe=recipe, network=network)


def describe_model(model: Model) -> dict[str, Any]:
    """What a manifest says of a loaded model, as far as its answers depend on it."""
    checkpoint = model.checkpoint
    processor = checkpoint.processor_folder
    return {
        "checkpoint": {
            "name": as_written(checkpoint.name),
            "commit": checkpoint.commit,
            **({"processor_commit": processor.name} if processor else {}),
        },
        CHECKPOINT_FILES: fingerprint(checkpoint.folder, processor),
        "prompt": model.recipe.prompt("QUESTION"),
    }


def describe_device(device: torch.device) -> dict[str, Any]:
    """What a manifest says of the device."""
    gpu = torch.cuda.get_device_name(device) if device.type == "cuda" else None
    return {"name": str(device), "gpu": gpu, "threads": torch.get_num_threads()}


def _load_network(checkpoint: Checkpoint, recipe: Recipe, **how: Any) -> PreTrainedModel:
    transformers_logging.disable_progress_bar()
    try:
        network, report = recipe.network_class().from_pretrained(
            checkpoint.folder,
            config=recipe.network_config(),
            **how,
            use_safetensors=True,
            ignore_mismatched_sizes=True,  # they are refused below, by name
            output_loading_info=True,
        )
    except (
        Exception
    ) as error:  # damaged weights, no memory, settings that do not fit: the library's many kinds
        raise RepopeError(f"{checkpoint.folder}: cannot be loaded ({first_line(error)})") from error
    _refuse_gaps(checkpoint, report)
    network.eval()
    return network


def _offload_folder() -> str:
    """A folder for weights that a device map puts on disk; it is removed when the program ends."""
    folder = tempfile.mkdtemp(prefix="repope_offload_")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def _refuse_gaps(checkpoint: Checkpoint, report: dict[str, Any]) -> None:
    """Refuses weights that do not fit: transformers would go on with random ones."""
    for what, key in (
        ("missing", "missing_keys"),
        ("unexpected", "unexpected_keys"),
        ("of another shape", "mismatched_keys"),
    ):
        names = sorted(str(name[0] if isinstance(name, tuple) else name) for name in report[key])
        if names:
            raise RepopeError(
                f"{checkpoint.folder}: {len(names)} weights are {what}, first {', '.join(names[:3])}; "
                "the checkpoint is damaged or of another model"
            )
