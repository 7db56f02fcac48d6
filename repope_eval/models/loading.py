"""Loads a model's weights into the native class, after a checkpoint's files were tried out together."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

import torch
from PIL import Image
from transformers import PreTrainedModel
from transformers.utils import logging as transformers_logging

from repope_eval.errors import RepopeError
from repope_eval.models.checkpoints import Checkpoint
from repope_eval.models.description import require_generation_config
from repope_eval.models.families import checkpoint_of, recipe_of
from repope_eval.models.fields import blamed_on, bounded_reading, require_bounded
from repope_eval.models.networks import (
    DescribedNetwork,
    LoadedNetwork,
    load_network,
    possible_device_map,
    refuse_gaps,
)
from repope_eval.models.recipe import Recipe, RecipeOptions
from repope_eval.settings.config import ModelSettings

_SIZE = (64, 32)
"""Width and height of the image: small, and of a shape that some families cut into tiles."""


def rehearse(recipe: Recipe, network: PreTrainedModel, checkpoint: Checkpoint) -> None:
    """Prepares an image and a question, and has the network make the image's features.

    Args:
        recipe: of the checkpoint.
        network: of the recipe's class, on the meta device: shapes are computed, and no numbers.
        checkpoint: its files are blamed.
    """
    number = recipe.count_features(*_SIZE)
    prepared = recipe.prepare(Image.new("RGB", _SIZE, "gray"), ["Is there a snowboard in the image?"])
    (prompt,) = prepared.prompts
    if not torch.isfinite(prepared.inputs["pixel_values"]).all():
        raise RepopeError(
            f"{checkpoint.folder}: preprocessor_config.json makes pixels that are NaN or infinite; download it again"
        )
    embeddings = network.get_input_embeddings().num_embeddings
    if not 0 <= min(prompt) <= max(prompt) < embeddings:
        raise RepopeError(
            f"{checkpoint.folder}: its tokenizer has token {max(prompt)}, and config.json {embeddings} embeddings; "
            "download both again"
        )
    # What a family does around the library's call is shape arithmetic of the same files.
    with blamed_on(f"{checkpoint.folder}: what config.json and preprocessor_config.json say of images"):
        features = recipe.features_without_numbers(network, prepared.inputs)
    if len(features) != number:
        raise RepopeError(
            f"{checkpoint.folder}: its network makes {len(features)} features of an image that has {number} tokens in "
            "a prompt: config.json and the image settings are of different models; download both again"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Described(DescribedNetwork):
    """A checkpoint of one of the families, as its small files describe it."""

    recipe: Recipe

    def prompt(self, question: str) -> str:
        """The whole prompt of a question as text, with the family's mark where the image goes."""
        return self.recipe.prompt(question)


@dataclass(frozen=True, slots=True, kw_only=True)
class Model(LoadedNetwork):
    """A model of one of the families, ready to be asked."""

    recipe: Recipe


def load_model(settings: ModelSettings, device: torch.device, checkpoint: Checkpoint | None = None) -> Model:
    """Recognises a checkpoint's layout and loads its weights.

    Args:
        device: where inputs go, and the weights if the settings do not spread them.
        checkpoint: what `checkpoint_of` found; None if it is still to be found.

    Raises:
        RepopeError: no such checkpoint, another family's, weights missing, unexpected or of another shape.
    """
    placed = possible_device_map(settings, device)
    described = read_description(settings, checkpoint)
    make = partial(Model, recipe=described.recipe)
    model, unexpected = load_network(settings, device, placed, described, make)
    refuse_gaps(model.checkpoint, "unexpected", unexpected)
    return model


@contextmanager
def small_files(settings: ModelSettings, checkpoint: Checkpoint | None) -> Iterator[Checkpoint]:
    """Finds the checkpoint whose small files are read in its block, within bounds.

    Args:
        checkpoint: what `checkpoint_of` found; None if it is still to be found.

    Raises:
        RepopeError: there is no such checkpoint, or a file of it is broken.
    """
    transformers_logging.set_verbosity_error()  # what it warns of is refused here, or where weights are loaded
    checkpoint = checkpoint or checkpoint_of(settings)
    with bounded_reading(checkpoint.folder):
        require_bounded(checkpoint.fields)
        require_generation_config(checkpoint)
        yield checkpoint


def read_description(settings: ModelSettings, checkpoint: Checkpoint | None = None) -> Described:
    """Reads a checkpoint's small files and makes its recipe; finds whatever is wrong without reading weights.

    Raises:
        RepopeError: no such checkpoint, another family's, or a file of it is missing or broken.
    """
    with small_files(settings, checkpoint) as checkpoint:
        options = RecipeOptions(
            system_prompt=settings.system_prompt,
            question_suffix=settings.question_suffix,
            max_tiles=settings.max_tiles,
            min_pixels=settings.min_pixels,
            max_pixels=settings.max_pixels,
            chat_template=settings.chat_template,
        )
        recipe = recipe_of(settings.family, checkpoint, options, settings.prompt)
        network_class, config = recipe.network_class(), recipe.network_config()  # ours, and no file's fault
        with blamed_on(checkpoint.path("config.json")), torch.device("meta"):
            network = network_class(config)
        rehearse(recipe, network, checkpoint)
    return Described(checkpoint=checkpoint, recipe=recipe, network=network)
