"""A network and the key-value cache of what it was fed."""

import inspect
from typing import Any

import torch
from transformers import DynamicCache

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
        """Appends tokens [rows, tokens, hidden]; their last hidden states, of the same shape.

        Args:
            embeddings: the tokens.
            positions: of each token in its row, [rows, tokens].
            mask: what is no padding, [rows, tokens so far]; or what each token sees, as an addition to the
                attention's scores, [rows, 1, tokens, tokens so far]; None: all that came before.
            more: what the network takes besides.
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

    def select(self, rows: torch.Tensor) -> None:
        """Keeps, repeats or drops rows: row i becomes what row `rows[i]` was."""
        self._cache.batch_select_indices(rows)
