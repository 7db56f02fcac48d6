"""A network and the key-value cache of what it was fed."""

import inspect
from collections.abc import Sequence
from typing import Any

import torch
from transformers import DynamicCache

from repope_eval.inference.transfer import to_device
from repope_eval.models.loading import Model


class CachedNetwork:
    """Extends rows of tokens by more tokens; earlier ones are not computed again."""

    def __init__(self, model: Model) -> None:
        native = model.network.model
        # The mask of a prompt that attends both ways is made around the language model, not in it.
        self._network = native if model.recipe.attends_both_ways else native.language_model
        self._device = model.device
        self._cache = DynamicCache(config=model.network.config.get_text_config())
        # transformers 5.24 renamed the argument, and warns of the old name.
        named = inspect.signature(self._network.forward).parameters
        self._cache_argument = "cache" if "cache" in named else "past_key_values"

    def feed(
        self, embeddings: torch.Tensor, positions: torch.Tensor, mask: torch.Tensor | None, **more: Any
    ) -> torch.Tensor:
        """Appends tokens [rows, tokens, hidden] to the rows, and returns their last hidden states, of the same shape.

        Args:
            embeddings: the tokens.
            positions: the position of each token in its row, [rows, tokens].
            mask: 1 where a row has a token and 0 in padding, [rows, tokens so far]; or what is added to the
                attention's scores, [rows, 1, tokens, tokens so far]; None: each token sees all that came before.
            more: further arguments of the network.
        """
        output = self._network(
            inputs_embeds=embeddings,
            attention_mask=mask,
            position_ids=positions,
            use_cache=True,
            **{self._cache_argument: self._cache},
            **more,
        )
        hidden: torch.Tensor = output.last_hidden_state
        return hidden.to(self._device)  # of several devices, the last layer's may be another

    def select(self, rows: Sequence[int]) -> None:
        """Keeps, repeats or drops rows: row i becomes what row `rows[i]` was."""
        (indexes,) = to_device(self._device, rows)
        for layer in self._cache.layers:  # of several devices, each has some of the layers
            layer.batch_select_indices(indexes.to(layer.keys.device))
