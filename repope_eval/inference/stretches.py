"""Stretches of prompts: the prefix that the prompts about an image share, and what is left of each."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from repope_eval.models.recipe import Recipe


@dataclass(frozen=True, slots=True)
class Stretch:
    """Consecutive tokens of a prompt."""

    tokens: Sequence[int]
    features: torch.Tensor | None = None
    """Image features that replace its feature tokens, in order, [feature tokens, hidden]; None: it has none."""


def split_at_prefix(
    recipe: Recipe, prompts: Sequence[tuple[int, ...]], features: torch.Tensor
) -> tuple[Stretch, list[Stretch]]:
    """The stretch that all prompts about an image share, and what is left of each.

    `features` are the image's, [feature tokens, hidden].
    """
    length = common_prefix_length(prompts)
    prefix = prompts[0][:length]
    shared = sum(token in recipe.feature_token_ids for token in prefix)
    rests = [Stretch(prompt[length:], features[shared:]) for prompt in prompts]
    return Stretch(prefix, features[:shared]), rests


def common_prefix_length(prompts: Sequence[tuple[int, ...]]) -> int:
    """How many first tokens all prompts share, leaving each at least one token of its own."""
    longest = min(map(len, prompts)) - 1
    first, last = min(prompts), max(prompts)  # what these two share, all that sort between them share
    return next((index for index in range(longest) if first[index] != last[index]), longest)
