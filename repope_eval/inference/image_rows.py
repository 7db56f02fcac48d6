"""A row of the cache for each image: its prefix once, and behind it the tokens of all its questions.

Nothing is copied for a question. Each slot of a row has an owner, which is one question or all of them together, and
a token sees the slots before it that its own question or everybody owns: it computes what it would compute alone.
Otherwise the cache of each question would repeat its image's, which takes about 0.4 GB in an 8B model.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from repope_eval.inference.cached_network import CachedNetwork
from repope_eval.inference.stretches import Slots, Stretch, lay_out
from repope_eval.inference.transfer import to_device
from repope_eval.models.loading import Model

COLUMNS_AT_ONCE = 1024
"""The most columns of the questions' tokens that are fed at once. The mask grows with the tokens fed times the tokens
in the cache, so with the square of a very long question; questions of usual length fit in."""

_EVERYBODY = -2
"""The owner of an image's prefix; a question owns its slots by its number."""


@dataclass(slots=True)
class _Question:
    """A question whose answer is not yet complete."""

    number: int
    row: int
    length: int
    """How many tokens it has been fed, those of the prefix included."""


class ImageRows:
    """The questions that are being decoded, those about an image in one row.

    It serves causal prompts whose image comes first, and attention kernels that take any mask.
    """

    def __init__(self, model: Model) -> None:
        self._model = model
        self._network = CachedNetwork(model)
        self._owners = torch.empty(0)
        """The owner of each slot, [rows, slots]."""
        self._prefix_lengths: list[int] = []
        """How many tokens the prefix of each image has."""
        self._questions: list[_Question] = []

    def prefill_prefixes(self, prefixes: Sequence[Stretch]) -> None:
        """Feeds what an image's prompts share, a row for each image.

        Padding comes last, where the causal order itself hides it: no mask is needed.
        """
        slots = [Slots(row, column=0, position=0, owner=_EVERYBODY) for row in range(len(prefixes))]
        block = lay_out(self._model, prefixes, slots)
        self._network.feed(block.embeddings, block.positions, None)
        self._owners = block.owners
        self._prefix_lengths = [len(prefix.tokens) for prefix in prefixes]

    def prefill_questions(self, questions: Sequence[Sequence[Stretch]]) -> torch.Tensor:
        """Feeds what is left of the prompts; the hidden state of each one's last token, [questions, hidden].

        Args:
            questions: the rest of each prompt, an item for each image.
        """
        rows = [row for row, rests in enumerate(questions) for _ in rests]
        self._questions = [
            _Question(number, row, self._prefix_lengths[row]) for number, row in enumerate(rows)
        ]
        return self._feed([rest for rests in questions for rest in rests])

    def extend(self, tokens: Sequence[int]) -> torch.Tensor:
        """Feeds each question one more token; its hidden state, [questions, hidden]."""
        return self._feed([Stretch((token,)) for token in tokens])

    def keep(self, going: Sequence[int]) -> None:
        """Drops all questions but those of these indexes, and the rows of images that have none left."""
        self._questions = [self._questions[index] for index in going]
        used = sorted({question.row for question in self._questions})
        if len(used) < len(self._owners):
            for question in self._questions:
                question.row = used.index(question.row)
            self._network.select(used)
            (indexes,) = to_device(self._owners.device, used)
            self._owners = self._owners[indexes]

    def _feed(self, stretches: Sequence[Stretch]) -> torch.Tensor:
        """Feeds each question some tokens, and returns the last one's hidden state, [questions, hidden].

        The stretches of the questions about an image lie behind one another in its row.
        """
        filled = [0] * len(self._owners)
        slots = []
        for question, stretch in zip(self._questions, stretches, strict=True):
            slots.append(Slots(question.row, filled[question.row], question.length, question.number))
            filled[question.row] += len(stretch.tokens)
            question.length += len(stretch.tokens)
        block = lay_out(self._model, stretches, slots)
        parts = zip(
            block.embeddings.split(COLUMNS_AT_ONCE, dim=1),
            block.positions.split(COLUMNS_AT_ONCE, dim=1),
            block.owners.split(COLUMNS_AT_ONCE, dim=1),
            strict=True,
        )
        return block.last(torch.cat([self._feed_columns(*part) for part in parts], dim=1))

    def _feed_columns(
        self, embeddings: torch.Tensor, positions: torch.Tensor, owners: torch.Tensor
    ) -> torch.Tensor:
        """Feeds the next slots [rows, columns] of all rows; their hidden states."""
        self._owners = torch.cat([self._owners, owners], dim=1)
        return self._network.feed(embeddings, positions, self._mask(owners, embeddings.dtype))

    def _mask(self, owners: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
        """What hides slots from the newest tokens [rows, tokens]: an addition [rows, 1, tokens, slots] to scores."""
        theirs = self._owners[:, None, :] == owners[:, :, None]
        everybodys = (self._owners == _EVERYBODY)[:, None, :]
        slots = torch.arange(self._owners.shape[1], device=owners.device)
        before = slots[None, :] <= slots[-owners.shape[1] :, None]
        seen = (theirs | everybodys) & before
        mask = torch.zeros(seen.shape, dtype=dtype, device=owners.device)
        return mask.masked_fill(~seen, torch.finfo(dtype).min)[:, None]
