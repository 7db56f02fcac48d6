"""A row of the cache for each question, where an image's questions cannot lie in one row."""

from collections.abc import Sequence

import torch

from repope_eval.inference.cached_rows import PADDING, CachedRows, Prompt
from repope_eval.inference.stretches import Stretch


class _QuestionRows(CachedRows):
    """Rows that need no mask but one of padding, which is on the left: what is fed together ends together."""

    padded_on_the_left = True

    def _mask(self, owners: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
        return (self._owners != PADDING).long()


class WholePrompts(_QuestionRows):
    """Rows for prompts whose image tokens attend to the question, so that no two questions have a prefix in common.

    Each row is fed its whole prompt. Only the image's features are shared.
    """

    def prefill(self, prompts: Sequence[Stretch]) -> torch.Tensor:
        """Feeds all prompts, whose tokens attend both ways; the last ones' hidden states, [questions, hidden]."""
        self._prompts = [Prompt(row) for row in range(len(prompts))]
        columns = max(len(prompt.tokens) for prompt in prompts)
        types = torch.zeros(len(prompts), columns, dtype=torch.long, device=self._model.device)
        return self._feed(prompts, token_type_ids=types)


class CopiedPrefixes(_QuestionRows):
    """Rows for attention kernels that take no other mask.

    An image's prefix is fed once, and its cache is copied for each of the image's questions.
    """

    def prefill_prefixes(self, prefixes: Sequence[Stretch]) -> None:
        """Feeds what an image's prompts share, a row for each image."""
        self._prompts = [Prompt(row) for row in range(len(prefixes))]
        self._feed(prefixes)

    def prefill_questions(self, questions: Sequence[Sequence[Stretch]]) -> torch.Tensor:
        """Feeds what is left of each image's prompts; the last tokens' hidden states, [questions, hidden]."""
        images = [image for image, rests in enumerate(questions) for _ in rests]
        self._select(images)
        self._prompts = [Prompt(row) for row in range(len(images))]
        return self._feed([rest for rests in questions for rest in rests])
