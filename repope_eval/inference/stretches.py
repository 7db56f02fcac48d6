"""Stretches of prompts: the prefix that the prompts about an image share, and what is left of each."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from repope_eval.models.recipe import Prepared, Recipe


@dataclass(frozen=True, slots=True)
class Stretch:
    """Consecutive tokens of a prompt."""

    tokens: Sequence[int]
    positions: Sequence[Sequence[int]]
    """The position of each token, a sequence for each axis."""
    features: torch.Tensor | None = None
    """Image features that replace its feature tokens, in order, [feature tokens, hidden]; None: it has none."""


def whole_prompts(recipe: Recipe, image: Prepared, features: torch.Tensor) -> list[Stretch]:
    """Each prompt about an image as one stretch; `features` are the image's, [feature tokens, hidden]."""
    return [Stretch(prompt, recipe.positions(prompt, image.inputs), features) for prompt in image.prompts]


def split_at_prefix(recipe: Recipe, image: Prepared, features: torch.Tensor) -> tuple[Stretch, list[Stretch]]:
    """The stretch that all prompts about an image share, and what is left of each.

    `features` are the image's, [feature tokens, hidden].
    """
    length = common_prefix_length(image.prompts)
    wholes = whole_prompts(recipe, image, features)
    shared = sum(token in recipe.feature_token_ids for token in wholes[0].tokens[:length])
    prefix = Stretch(
        wholes[0].tokens[:length], [axis[:length] for axis in wholes[0].positions], features[:shared]
    )
    rests = [
        Stretch(whole.tokens[length:], [axis[length:] for axis in whole.positions], features[shared:])
        for whole in wholes
    ]
    return prefix, rests


def common_prefix_length(prompts: Sequence[tuple[int, ...]]) -> int:
    """How many first tokens all prompts share, leaving each at least one token of its own."""
    longest = min(map(len, prompts)) - 1
    first, last = min(prompts), max(prompts)  # what these two share, all that sort between them share
    return next((index for index in range(longest) if first[index] != last[index]), longest)
