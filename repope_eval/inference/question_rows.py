"""A row of the cache for each question.

For prompts whose image tokens attend to the question, where no prefix is the same for two questions: each
row is fed its whole prompt, whose tokens all attend to each other, and image features alone are shared.

Also for attention kernels that know no mask but padding: there an image's prefix is fed once, and its cache
copied for each question. Rows are padded on the left, so that prefixes end together and suffixes end
together; positions count what is not masked.
"""

from collections.abc import Sequence

import torch
from torch.nn.utils.rnn import pad_sequence

from repope_eval.inference.cached_network import CachedNetwork
from repope_eval.inference.embedding import count_feature_tokens, embed
from repope_eval.inference.generation import common_prefix_length
from repope_eval.models.loading import Model
from repope_eval.models.recipe import Prepared


class QuestionRows:
    """The questions being decoded, each in a row of its own."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self._network = CachedNetwork(model)
        self._mask: torch.Tensor | None = None
        """What is no padding, [rows, tokens so far]."""

    def start(self, images: Sequence[Prepared], features: Sequence[torch.Tensor]) -> torch.Tensor:
        """Feeds all prompts; the hidden state [questions, hidden] of each one's last token."""
        shared = [0] * len(images)
        if not self._model.recipe.attends_both_ways:
            shared = [common_prefix_length(image.prompts) for image in images]
            prefixes = [image.prompts[0][:length] for image, length in zip(images, shared, strict=True)]
            self._feed([embed(self._model, *pair) for pair in zip(prefixes, features, strict=True)])
            self.keep([row for row, image in enumerate(images) for _ in image.prompts])
        return self._feed(
            [
                embed(
                    self._model,
                    prompt[length:],
                    feature[count_feature_tokens(self._model, prompt[:length]) :],
                )
                for image, length, feature in zip(images, shared, features, strict=True)
                for prompt in image.prompts
            ]
        )

    def extend(self, embeddings: torch.Tensor) -> torch.Tensor:
        """Feeds one more token to each question that is going on, [questions, hidden]; its hidden state."""
        return self._feed(embeddings[:, None].unbind())

    def keep(self, going: Sequence[int]) -> None:
        """Makes row i what row `going[i]` was: lets go of questions, or copies rows."""
        assert self._mask is not None
        rows = torch.tensor(going, device=self._model.device)
        self._network.select(rows)
        self._mask = self._mask[rows]

    def _feed(self, stretches: Sequence[torch.Tensor]) -> torch.Tensor:
        """Feeds each row some tokens [tokens, hidden]; the hidden state of each one's last.

        Where a recipe attends both ways, what is fed first is the whole prompt; the rest is causal.
        """
        both_ways = self._model.recipe.attends_both_ways and self._mask is None
        embeddings = pad_sequence(list(stretches), batch_first=True, padding_side="left")
        ones = [torch.ones(len(stretch), dtype=torch.long, device=embeddings.device) for stretch in stretches]
        mask = pad_sequence(ones, batch_first=True, padding_side="left")
        self._mask = mask if self._mask is None else torch.cat([self._mask, mask], dim=1)
        positions = (self._mask.cumsum(dim=1) - 1).clamp(min=0)[:, -mask.shape[1] :]
        hidden = self._network.feed(
            embeddings,
            positions + self._model.recipe.first_position,
            self._mask,
            **({"token_type_ids": torch.zeros_like(mask)} if both_ways else {}),
        )
        return hidden[:, -1]
