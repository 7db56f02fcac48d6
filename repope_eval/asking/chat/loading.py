"""Loads any checkpoint that transformers has an image-text-to-text class for, without the checkpoint's code."""

import copy
import logging
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from transformers import (
    AutoConfig,
    AutoModelForImageTextToText,
    AutoModelForMultimodalLM,
    PreTrainedConfig,
)
from transformers.models.auto.configuration_auto import CONFIG_MAPPING_NAMES
from transformers.models.auto.modeling_auto import (
    MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING_NAMES,
    MODEL_FOR_MULTIMODAL_LM_MAPPING_NAMES,
)

from repope_eval.asking.chat.processor import ChatProcessor, missing_package
from repope_eval.errors import RepopeError
from repope_eval.models.checkpoints import Checkpoint
from repope_eval.models.fields import blamed_on
from repope_eval.models.loading import read_description, small_files
from repope_eval.models.networks import (
    DescribedNetwork,
    LoadedNetwork,
    load_network,
    possible_device_map,
)
from repope_eval.settings.askers import CHAT
from repope_eval.settings.config import ModelSettings
from repope_eval.wording import counted

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class DescribedChat(DescribedNetwork):
    """A checkpoint and its processor, as its small files describe them."""

    processor: ChatProcessor

    def prompt(self, question: str) -> str:
        """The whole prompt of a question as text, with the processor's mark where the image goes."""
        return self.processor.prompt(question)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatModel(LoadedNetwork):
    """A model ready to be asked, with its own processor."""

    processor: ChatProcessor


def load_chat_model(
    settings: ModelSettings, device: torch.device, checkpoint: Checkpoint | None = None
) -> ChatModel:
    """Loads a checkpoint's processor and weights.

    Args:
        device: where inputs go, and the weights if the settings do not spread them.
        checkpoint: what `checkpoint_of` found; None if it is still to be found.

    Raises:
        RepopeError: there is no such checkpoint, it cannot be asked about images without code of its own, or weights
            are missing or of another shape.
    """
    placed = possible_device_map(settings, device)
    described = read_chat_description(settings, checkpoint)
    make = partial(ChatModel, processor=described.processor)
    model, unexpected = load_network(settings, device, placed, described, make)
    if unexpected:
        # transformers leaves them out as well: heads for training, for example.
        log.warning(
            "%s: %s of the checkpoint %s no place in %s, first %s",
            described.checkpoint.folder,
            counted(len(unexpected), "tensor"),
            "has" if len(unexpected) == 1 else "have",
            type(model.network).__name__,
            unexpected[0],
        )
    return model


def read_chat_description(settings: ModelSettings, checkpoint: Checkpoint | None = None) -> DescribedChat:
    """Reads a checkpoint's small files; finds whatever is wrong without reading weights."""
    if settings.max_tiles is not None:
        raise RepopeError(
            f"model.max_tiles={settings.max_tiles}: family chat has no such thing; leave it out (model.max_pixels, "
            "where the checkpoint's processor has it)"
        )
    if settings.prompt != "paper":
        raise RepopeError(
            f"model.prompt={settings.prompt}: family chat goes by the checkpoint's own template; leave it out "
            "(model.system_prompt and model.question_suffix say what another harness adds)"
        )
    with small_files(settings, checkpoint) as checkpoint:
        _require_native_class(checkpoint)
        with blamed_on(checkpoint.path("config.json")):
            config = AutoConfig.from_pretrained(checkpoint.folder, trust_remote_code=False)
            config = getattr(config, "thinker_config", config)  # the part of a talking model that answers
        processor = ChatProcessor(checkpoint, config, settings)
        network = _weightless_network(checkpoint, config)
    return DescribedChat(checkpoint=checkpoint, network=network, processor=processor)


def describe_network(settings: ModelSettings, checkpoint: Checkpoint) -> DescribedNetwork:
    """The checkpoint of a model of any family, as its small files describe it.

    Raises:
        RepopeError: it is another family's, cannot be asked about images, or a file of it is missing or broken.
    """
    read = read_chat_description if settings.family == CHAT else read_description
    return read(settings, checkpoint)


_ADAPTED = {"phi4_multimodal": "vision-lora"}
"""Kind of a model that sees images by an adapter -> the folder in the checkpoint that holds it."""


def _require_native_class(checkpoint: Checkpoint) -> None:
    """Refuses a checkpoint that transformers has no class for, which takes images and texts."""
    kind = checkpoint.fields.text("model_type", "")
    if kind in _ADAPTED:
        raise RepopeError(
            f"{checkpoint.folder}: model_type {kind!r} sees images by the adapter in its folder {_ADAPTED[kind]}, "
            "which is not applied here; serve the model with its adapter, and ask the server (model=endpoint)"
        )
    if kind in MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING_NAMES or kind in MODEL_FOR_MULTIMODAL_LM_MAPPING_NAMES:
        return
    if kind not in CONFIG_MAPPING_NAMES:
        raise _without_class_error(checkpoint, kind)
    raise RepopeError(
        f"{checkpoint.folder}: model_type {kind!r} is of a model that answers no questions about images (of text "
        "alone?); take an image-text-to-text checkpoint"
    )


def _without_class_error(checkpoint: Checkpoint, kind: str) -> RepopeError:
    """What can be done about a checkpoint that no class of this transformers loads."""
    name = shlex.quote(checkpoint.name)
    served = (
        f"serve it (vllm serve {name} --trust-remote-code) and ask the server (python -m repope_eval model=endpoint "
        f"model.url=http://localhost:8000/v1 model.checkpoint={name})"
    )
    if not isinstance(checkpoint.config.get("auto_map"), Mapping):
        return RepopeError(
            f"{checkpoint.folder}: this transformers has no class for model_type {kind!r}; a newer one may "
            f"(pip install -U transformers), or {served}"
        )
    converted = "take its conversion, whose name ends in -hf, or " if kind == "internvl_chat" else ""
    return RepopeError(
        f"{checkpoint.folder}: its model_type {kind!r} needs code of the checkpoint's own, which is not run here; "
        f"{converted}{served}"
    )


def _weightless_network(checkpoint: Checkpoint, config: PreTrainedConfig) -> Any:
    takes_images = config.model_type in MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING_NAMES
    auto = AutoModelForImageTextToText if takes_images else AutoModelForMultimodalLM
    try:
        with torch.device("meta"):
            return auto.from_config(copy.deepcopy(config), trust_remote_code=False)
    except ImportError as error:
        raise missing_package(checkpoint, error) from error
    except Exception as error:  # configurations raise whatever they do
        with blamed_on(checkpoint.path("config.json")):
            raise error
