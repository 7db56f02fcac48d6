"""A row of the cache for each image: its prefix once, and behind it the tokens of all its questions.

Nothing is copied for a question. Each slot of a row has an owner, which is one question or all of them together, and
a token sees the slots before it that its own question or everybody owns: it computes what it would compute alone.
Otherwise the cache of each question would repeat its image's, which takes about 0.4 GB in an 8B model.
"""

from collections.abc import Sequence
from typing import Any

import torch

from repope_eval.inference.cached_rows import CachedRows, Prompt
from repope_eval.inference.stretches import Stretch

COLUMNS_AT_ONCE = 1024
"""The most columns of the questions' tokens that are fed at once. The mask grows with the tokens fed times the tokens
in the cache, so with the square of a very long question; questions of usual length fit in."""

_EVERYBODY = -2
"""The owner of an image's prefix; a question owns its slots by its number."""


class ImageRows(CachedRows):
    """The questions that are being decoded, those about an image in one row.

    It serves causal prompts and attention kernels that take any mask.
    """

    padded_on_the_left = False

    def prefill_prefixes(self, prefixes: Sequence[Stretch]) -> None:
        """Feeds what an image's prompts share, a row for each image."""
        self._prompts = [Prompt(row, owner=_EVERYBODY) for row in range(len(prefixes))]
        self._feed(prefixes)

    def prefill_questions(self, questions: Sequence[Sequence[Stretch]]) -> torch.Tensor:
        """Feeds what is left of each image's prompts; the last tokens' hidden states, [questions, hidden]."""
        rows = [row for row, rests in enumerate(questions) for _ in rests]
        self._prompts = [Prompt(row, owner=number) for number, row in enumerate(rows)]
        return self._feed([rest for rests in questions for rest in rests])

    def _append(
        self, embeddings: torch.Tensor, positions: torch.Tensor, owners: torch.Tensor, **more: Any
    ) -> torch.Tensor:
        append = super()._append
        if not len(self._owners):  # prefixes are fed whole, since they need no mask
            return append(embeddings, positions, owners)
        split = [
            tensor.split(COLUMNS_AT_ONCE, dim=dim)
            for tensor, dim in ((embeddings, 1), (positions, -1), (owners, 1))
        ]
        return torch.cat([append(*columns) for columns in zip(*split, strict=True)], dim=1)

    def _mask(self, owners: torch.Tensor, dtype: torch.dtype) -> torch.Tensor | None:
        if self._owners.shape == owners.shape:
            return None  # these are prefixes: their padding comes last, where the causal order hides it
        theirs = self._owners[:, None, :] == owners[:, :, None]
        everybodys = (self._owners == _EVERYBODY)[:, None, :]
        slots = torch.arange(self._owners.shape[1], device=owners.device)
        before = slots[None, :] <= slots[-owners.shape[1] :, None]
        seen = (theirs | everybodys) & before
        # On CUDA the memory-efficient kernel takes it, which wants rows to begin at multiples of 8 numbers. Where the
        # number of slots is none, torch copies the mask in each layer (`pad_bias` in torch's attention.cpp): 41 MB for
        # 32 images, about a thousandth of their time.
        mask = torch.zeros(seen.shape, dtype=dtype, device=owners.device)
        return mask.masked_fill(~seen, torch.finfo(dtype).min)[:, None]
