"""Rows of a key-value cache, and how they are fed.

What follows from token ids is worked out on the host, and copied to the device at once for all questions. The host
does not wait for the device here.
"""

import inspect
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, ClassVar

import torch
from transformers import DynamicCache

from repope_eval.inference.stretches import Stretch
from repope_eval.models.loading import Model

PADDING = -1
"""The owner of slots that hold no token."""


@dataclass(slots=True)
class Prompt:
    """A prompt that is being fed: a question's, or the prefix that all questions about an image share."""

    row: int
    owner: int = 0
    """The number that marks its slots."""
    next_position: int = 0
    """The position of the token that follows those that have been fed."""


class CachedRows(ABC):
    """Extends rows of tokens by more tokens; earlier ones are not computed again."""

    padded_on_the_left: ClassVar[bool]

    def __init__(self, model: Model) -> None:
        native = model.network.model
        # The mask of a prompt that attends both ways is made around the language model, not in it.
        self._network = native if model.recipe.attends_both_ways else native.language_model
        self._model = model
        self._cache = DynamicCache(config=model.network.config.get_text_config())
        # transformers 5.24 renamed the argument, and warns of the old name.
        named = inspect.signature(self._network.forward).parameters
        self._cache_argument = "cache" if "cache" in named else "past_key_values"
        self._owners = torch.empty(0)
        """The owner of each slot, [rows, slots]."""
        self._prompts: list[Prompt] = []
        self._axes = 1
        """How many numbers a position has, as the prompts say."""

    def extend(self, tokens: Sequence[int]) -> torch.Tensor:
        """Feeds each question one more token; its hidden state, [questions, hidden]."""
        return self._feed(
            [
                Stretch((token,), ((prompt.next_position,),) * self._axes)
                for prompt, token in zip(self._prompts, tokens, strict=True)
            ]
        )

    def keep(self, going: Sequence[int]) -> None:
        """Drops all questions but those of these indexes, and the rows that have none left."""
        self._prompts = [self._prompts[index] for index in going]
        used = sorted({prompt.row for prompt in self._prompts})
        if len(used) < len(self._owners):
            self._select(used)
            for prompt in self._prompts:
                prompt.row = used.index(prompt.row)

    def _select(self, rows: Sequence[int]) -> None:
        """Keeps, repeats or drops rows: row i becomes what row `rows[i]` was."""
        (indexes,) = _to_device(self._model.device, rows)
        self._owners = self._owners[indexes]
        for layer in self._cache.layers:  # of several devices, each has some of the layers
            layer.batch_select_indices(indexes.to(layer.keys.device))

    def _feed(self, stretches: Sequence[Stretch], **more: Any) -> torch.Tensor:
        """Feeds each prompt some tokens, and returns the last one's hidden state, [prompts, hidden].

        Stretches of the same row lie behind one another in it. `more` are further arguments of the network.
        """
        widths: Counter[int] = Counter()
        for prompt, stretch in zip(self._prompts, stretches, strict=True):
            widths[prompt.row] += len(stretch.tokens)
        shape = len(widths), max(widths.values())
        self._axes = len(stretches[0].positions)
        numbers = _to_device(self._model.device, *self._lay_out(stretches, widths, *shape))
        tokens, owners, feature_slots, ends, *axes = numbers
        embeddings = self._embed(stretches, tokens, owners, feature_slots)
        positions = torch.stack(axes).view(-1, *shape) if len(axes) > 1 else axes[0].view(shape)
        hidden = self._append(embeddings.view(*shape, -1), positions, owners.view(shape), **more)
        return hidden.flatten(0, 1)[ends]

    def _lay_out(
        self, stretches: Sequence[Stretch], widths: Counter[int], rows: int, columns: int
    ) -> tuple[list[int], ...]:
        """The token and the owner of each new slot, row after row; the indexes of slots that hold features, and of
        those where stretches end; then the position of each slot, a list for each axis.
        """
        size = rows * columns
        tokens, owners = [0] * size, [PADDING] * size
        positions = [[0] * size for _ in range(self._axes)]
        feature_slots: list[int] = []
        ends = []
        free = [
            row * columns + (columns - widths[row] if self.padded_on_the_left else 0) for row in range(rows)
        ]
        for prompt, stretch in zip(self._prompts, stretches, strict=True):
            length = len(stretch.tokens)
            start, end = free[prompt.row], free[prompt.row] + length
            tokens[start:end] = stretch.tokens
            owners[start:end] = [prompt.owner] * length
            for axis, theirs in zip(positions, stretch.positions, strict=True):
                axis[start:end] = theirs
            if stretch.features is not None:
                slots = enumerate(stretch.tokens, start)
                feature_slots += [
                    slot for slot, token in slots if token in self._model.recipe.feature_token_ids
                ]
            ends.append(end - 1)
            free[prompt.row] = end
            prompt.next_position = 1 + max(max(theirs) for theirs in stretch.positions)
        return tokens, owners, feature_slots, ends, *positions

    def _embed(
        self,
        stretches: Sequence[Stretch],
        tokens: torch.Tensor,
        owners: torch.Tensor,
        feature_slots: torch.Tensor,
    ) -> torch.Tensor:
        """Embeddings of slots, [slots, hidden]: of tokens, or image features, or zero in padding."""
        embeddings: torch.Tensor = self._model.network.get_input_embeddings()(tokens)
        embeddings.masked_fill_((owners == PADDING)[:, None], 0)
        if len(feature_slots):
            features = [stretch.features for stretch in stretches if stretch.features is not None]
            embeddings[feature_slots] = torch.cat(features).to(embeddings)
        return embeddings

    def _append(
        self, embeddings: torch.Tensor, positions: torch.Tensor, owners: torch.Tensor, **more: Any
    ) -> torch.Tensor:
        """Feeds the next slots of all rows, [rows, columns, hidden]; their last hidden states, of the same shape.

        Each slot has an owner, [rows, columns], and a position, [rows, columns] or [axes, rows, columns].
        """
        self._owners = torch.cat([self._owners, owners], dim=1) if len(self._owners) else owners
        output = self._network(
            inputs_embeds=embeddings,
            attention_mask=self._mask(owners, embeddings.dtype),
            position_ids=positions,
            use_cache=True,
            **{self._cache_argument: self._cache},
            **more,
        )
        hidden: torch.Tensor = output.last_hidden_state
        return hidden.to(self._model.device)  # of several devices, the last layer's may be another

    @abstractmethod
    def _mask(self, owners: torch.Tensor, dtype: torch.dtype) -> torch.Tensor | None:
        """What hides slots from the newest tokens, whose owners are [rows, columns]; None: the causal order alone.

        Either 1 where a row has a token and 0 in padding, [rows, slots]; or what is added to the attention's
        scores, [rows, 1, columns, slots].
        """


def _to_device(device: torch.device, *lists: Sequence[int]) -> tuple[torch.Tensor, ...]:
    """Lists of whole numbers as tensors on the device, by a single copy that the host does not wait for."""
    together = torch.tensor(list(chain.from_iterable(lists)), dtype=torch.long)
    return tuple(together.to(device, non_blocking=True).split(list(map(len, lists))))
