"""Tries out a checkpoint's files together before its weights are fetched: one image, a network without weights."""

import torch
from PIL import Image
from transformers import PreTrainedModel

from repope_eval.errors import RepopeError
from repope_eval.models.checkpoints import Checkpoint
from repope_eval.models.fields import blamed_on
from repope_eval.models.recipe import Recipe

_SIZE = (64, 32)
"""Width and height of the image: small, and of a shape that some families cut into tiles."""


def rehearse(recipe: Recipe, network: PreTrainedModel, checkpoint: Checkpoint) -> None:
    """Prepares an image and a question, and has the network make the image's features.

    Args:
        recipe: of the checkpoint.
        network: of the recipe's class, on the meta device: shapes are computed, and no numbers.
        checkpoint: its files are blamed.

    Raises:
        RepopeError: they do not fit together.
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
