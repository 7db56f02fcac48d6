"""A row of the cache for each question, where an image's questions cannot lie in one row."""

from collections.abc import Sequence
from typing import Any

import torch

from repope_eval.inference.cached_network import CachedNetwork
from repope_eval.inference.stretches import PADDING, Slots, Stretch, lay_out
from repope_eval.inference.transfer import to_device
from repope_eval.models.loading import Model


class _PaddedRows:
    """Rows that are padded on the left, so that what they are fed at the same time ends together."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self._network = CachedNetwork(model)
        self._mask: torch.Tensor | None = None
        """1 where a row has a token and 0 in padding, [rows, slots]."""
        self._lengths: list[int] = []
        """How many tokens each row has been fed."""

    def extend(self, tokens: Sequence[int]) -> torch.Tensor:
        """Feeds each row one more token; its hidden state, [rows, hidden]."""
        return self._feed([Stretch((token,)) for token in tokens])

    def keep(self, rows: Sequence[int]) -> None:
        """Drops or repeats rows: row i becomes what row `rows[i]` was."""
        assert self._mask is not None
        self._network.select(rows)
        (indexes,) = to_device(self._mask.device, rows)
        self._mask = self._mask[indexes]
        self._lengths = [self._lengths[row] for row in rows]

    def _feed(self, stretches: Sequence[Stretch], **more: Any) -> torch.Tensor:
        """Feeds each row some tokens, and returns the last one's hidden state, [rows, hidden]."""
        lengths = [len(stretch.tokens) for stretch in stretches]
        before = self._lengths or [0] * len(lengths)
        slots = [
            Slots(row, column=max(lengths) - lengths[row], position=before[row])
            for row in range(len(lengths))
        ]
        self._lengths = [old + new for old, new in zip(before, lengths, strict=True)]
        block = lay_out(self._model, stretches, slots)
        mask = (block.owners != PADDING).long()
        self._mask = mask if self._mask is None else torch.cat([self._mask, mask], dim=1)
        return block.last(self._network.feed(block.embeddings, block.positions, self._mask, **more))


class WholePrompts(_PaddedRows):
    """Rows for prompts whose image tokens attend to the question, so that no two questions have a prefix in common.

    Each row is fed its whole prompt. Only the image's features are shared.
    """

    def prefill(self, prompts: Sequence[Stretch]) -> torch.Tensor:
        """Feeds all prompts, whose tokens attend both ways; the hidden state of each one's last, [prompts, hidden]."""
        columns = max(len(prompt.tokens) for prompt in prompts)
        types = torch.zeros(len(prompts), columns, dtype=torch.long, device=self._model.device)
        return self._feed(prompts, token_type_ids=types)


class CopiedPrefixes(_PaddedRows):
    """Rows for attention kernels that take no mask but one of padding.

    An image's prefix is fed once, and its cache is copied for each of the image's questions.
    """

    def prefill_prefixes(self, prefixes: Sequence[Stretch]) -> None:
        """Feeds what an image's prompts share, a row for each image."""
        self._feed(prefixes)

    def prefill_questions(self, questions: Sequence[Sequence[Stretch]]) -> torch.Tensor:
        """Feeds what is left of the prompts; the hidden state of each one's last token, [questions, hidden].

        Args:
            questions: the rest of each prompt, an item for each image.
        """
        self.keep([row for row, rests in enumerate(questions) for _ in rests])
        return self._feed([rest for rests in questions for rest in rests])
