"""Stretches of prompts, and how they become the embeddings that a network is fed.

Everything that is known of token ids is worked out on the host and copied to the device at once, so that the host
never waits for the device here, however many questions there are.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from repope_eval.inference.transfer import to_device
from repope_eval.models.loading import Model
from repope_eval.models.recipe import Recipe

PADDING = -1
"""The owner of slots that hold no token."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """Consecutive tokens of a prompt."""

    tokens: Sequence[int]
    features: torch.Tensor | None = None
    """Image features that replace its feature tokens, in order, [feature tokens, hidden]; None: it has none."""


@dataclass(frozen=True, slots=True)
class Slots:
    """The slots of a row that a stretch fills, one for each token."""

    row: int
    column: int
    """Index of the first slot among those that are fed at the same time."""
    position: int
    """Index of the first token in its prompt."""
    owner: int = 0
    """Who may see these slots. The rows that use it say what the number means."""


@dataclass(frozen=True, slots=True)
class Block:
    """The slots that are fed at the same time, [rows, columns]. Those that no stretch fills are padding."""

    embeddings: torch.Tensor
    """[rows, columns, hidden], zero in padding."""
    positions: torch.Tensor
    """[rows, columns], counted as the native class counts them."""
    owners: torch.Tensor
    """[rows, columns]"""
    ends: torch.Tensor
    """[stretches]: index of each stretch's last token among all slots, row after row."""

    def last(self, hidden: torch.Tensor) -> torch.Tensor:
        """Of hidden states [rows, columns, hidden] those of each stretch's last token, [stretches, hidden]."""
        return hidden.flatten(0, 1)[self.ends]


def split_at_prefix(
    recipe: Recipe, prompts: Sequence[tuple[int, ...]], features: torch.Tensor
) -> tuple[Stretch, list[Stretch]]:
    """The stretch that all prompts about an image share, and what is left of each.

    Args:
        recipe: says which tokens stand for features.
        prompts: of the image's questions.
        features: of the image, [feature tokens, hidden].
    """
    length = common_prefix_length(prompts)
    prefix = prompts[0][:length]
    shared = sum(token in recipe.feature_token_ids for token in prefix)
    return Stretch(prefix, features[:shared]), [
        Stretch(prompt[length:], features[shared:]) for prompt in prompts
    ]


def common_prefix_length(prompts: Sequence[tuple[int, ...]]) -> int:
    """How many first tokens all prompts share, leaving each at least one token of its own."""
    longest = min(map(len, prompts)) - 1
    first, last = min(prompts), max(prompts)  # what these two share, all that sort between them share
    return next((index for index in range(longest) if first[index] != last[index]), longest)


def lay_out(model: Model, stretches: Sequence[Stretch], slots: Sequence[Slots]) -> Block:
    """Stretches in their slots, as many rows and columns as that takes.

    Args:
        model: embeds the tokens.
        stretches: what is fed.
        slots: where each stretch goes.
    """
    rows = 1 + max(at.row for at in slots)
    columns = max(at.column + len(stretch.tokens) for stretch, at in zip(stretches, slots, strict=True))
    numbers = _numbers(model.recipe, stretches, slots, rows * columns, columns)
    tokens, positions, owners, ends, feature_slots = to_device(model.device, *numbers)
    features = [stretch.features for stretch in stretches if stretch.features is not None]
    embeddings = _embed(model, tokens, owners, feature_slots, features)
    return Block(
        embeddings.view(rows, columns, -1), positions.view(rows, columns), owners.view(rows, columns), ends
    )


def _numbers(
    recipe: Recipe, stretches: Sequence[Stretch], slots: Sequence[Slots], size: int, columns: int
) -> tuple[list[int], ...]:
    """What is copied to the device.

    Returns:
        the token, the position and the owner of each of `size` slots; the index of the slot where each stretch ends;
        the indexes of the slots that hold features.
    """
    tokens, positions, owners = [0] * size, [recipe.first_position] * size, [PADDING] * size
    ends, feature_slots = [], []
    for stretch, at in zip(stretches, slots, strict=True):
        start, length = at.row * columns + at.column, len(stretch.tokens)
        here = slice(start, start + length)
        first = at.position + recipe.first_position
        tokens[here] = stretch.tokens
        positions[here] = range(first, first + length)
        owners[here] = [at.owner] * length
        ends.append(start + length - 1)
        if stretch.features is not None:
            feature_slots += [
                slot for slot, token in enumerate(stretch.tokens, start) if token in recipe.feature_token_ids
            ]
    return tokens, positions, owners, ends, feature_slots


def _embed(
    model: Model,
    tokens: torch.Tensor,
    owners: torch.Tensor,
    feature_slots: torch.Tensor,
    features: Sequence[torch.Tensor],
) -> torch.Tensor:
    """Embeddings [slots, hidden] on the model's device: of tokens, image features in their slots, zero in padding."""
    embedded: torch.Tensor = model.network.get_input_embeddings()(tokens)
    embeddings = embedded.to(model.device)  # of several devices, the embeddings' may be another
    embeddings.masked_fill_((owners == PADDING)[:, None], 0)
    if len(feature_slots):
        embeddings[feature_slots] = torch.cat(list(features)).to(embeddings)
    return embeddings
