"""A row of the cache for each image: its prefix once, and behind it the tokens of all its questions.

Nothing is copied a question. Each slot of a row has an owner, a question or all of them together, and a
token sees the slots before it that are its question's or everybody's: it computes what it would compute
alone. A question's cache would else repeat the image's: of an 8B model about 0.4 GB a question.
"""

from collections.abc import Iterable, Sequence

import torch
from torch.nn.utils.rnn import pad_sequence

from repope_eval.inference.cached_network import CachedNetwork
from repope_eval.inference.embedding import count_feature_tokens, embed
from repope_eval.inference.generation import common_prefix_length
from repope_eval.models.loading import Model
from repope_eval.models.recipe import Prepared

COLUMNS_AT_ONCE = 1024
"""Of the tokens of an image's questions: their mask grows with what is fed times what was, with the
square of a long question that is fed at once. Questions of usual length are."""

_EVERYBODY = -1
_PADDING = -2


class ImageRows:
    """The questions being decoded, those of an image in one row. For prompts that are causal, image first."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self._network = CachedNetwork(model)
        self._owners = torch.empty(0)
        """Of each slot, [rows, slots]: a question's number, or one of the two above."""
        self._questions: list[int] = []
        """Numbers of the questions that are going on."""
        self._rows: list[int] = []
        """Where each of them is."""
        self._positions: list[int] = []
        """Of the next token of each."""

    def start(self, images: Sequence[Prepared], features: Sequence[torch.Tensor]) -> torch.Tensor:
        """Feeds all prompts; the hidden state [questions, hidden] of each one's last token."""
        lengths = [common_prefix_length(image.prompts) for image in images]
        self._feed_prefixes(
            [
                embed(self._model, image.prompts[0][:length], feature)
                for image, length, feature in zip(images, lengths, features, strict=True)
            ]
        )
        self._rows = [row for row, image in enumerate(images) for _ in image.prompts]
        self._questions = list(range(len(self._rows)))
        self._positions = [lengths[row] for row in self._rows]
        return self._feed(
            [
                embed(self._model, prompt[length:], self._left(prompt[:length], feature))
                for image, length, feature in zip(images, lengths, features, strict=True)
                for prompt in image.prompts
            ]
        )

    def extend(self, embeddings: torch.Tensor) -> torch.Tensor:
        """Feeds one more token to each question that is going on, [questions, hidden]; its hidden state."""
        return self._feed(embeddings[:, None].unbind())

    def keep(self, going: Sequence[int]) -> None:
        """Lets go of all questions but those at these places; of images without any, the row too."""
        self._questions = [self._questions[place] for place in going]
        self._positions = [self._positions[place] for place in going]
        rows = [self._rows[place] for place in going]
        used = sorted(set(rows))
        self._rows = [used.index(row) for row in rows]
        if len(used) < len(self._owners):
            selected = torch.tensor(used, device=self._model.device)
            self._network.select(selected)
            self._owners = self._owners[selected]

    def _left(self, prefix: Sequence[int], features: torch.Tensor) -> torch.Tensor:
        return features[count_feature_tokens(self._model, prefix) :]

    def _feed_prefixes(self, prefixes: Sequence[torch.Tensor]) -> None:
        """Padding comes last, where the causal order itself hides it: no mask is needed."""
        padded = pad_sequence(prefixes, batch_first=True)  # type: ignore[arg-type]  # any sequence will do
        slots = torch.arange(padded.shape[1], device=padded.device).expand(len(prefixes), -1)
        self._network.feed(padded, slots + self._model.recipe.first_position, None)
        lengths = torch.tensor(list(map(len, prefixes)), device=padded.device)
        self._owners = torch.where(slots < lengths[:, None], _EVERYBODY, _PADDING)

    def _feed(self, stretches: Sequence[torch.Tensor]) -> torch.Tensor:
        """Feeds each question that is going on some tokens [tokens, hidden]; the last one's hidden state."""
        lengths = list(map(len, stretches))
        columns, width = _side_by_side(self._rows, lengths)
        rows = _repeated(self._rows, lengths)
        shape = (len(self._owners), width)
        tokens = torch.cat(list(stretches))
        embeddings = tokens.new_zeros(*shape, tokens.shape[-1])
        embeddings[rows, _ranges(columns, lengths)] = tokens
        owners = self._owners.new_full(shape, _PADDING)
        owners[rows, _ranges(columns, lengths)] = owners.new_tensor(_repeated(self._questions, lengths))
        positions = owners.new_zeros(shape)
        positions[rows, _ranges(columns, lengths)] = owners.new_tensor(_ranges(self._positions, lengths))
        hidden = torch.cat(
            [
                self._feed_columns(*parts)
                for parts in zip(
                    embeddings.split(COLUMNS_AT_ONCE, dim=1),
                    positions.split(COLUMNS_AT_ONCE, dim=1),
                    owners.split(COLUMNS_AT_ONCE, dim=1),
                    strict=True,
                )
            ],
            dim=1,
        )
        self._positions = [
            position + length for position, length in zip(self._positions, lengths, strict=True)
        ]
        last = [column + length - 1 for column, length in zip(columns, lengths, strict=True)]
        return hidden[self._rows, last]

    def _feed_columns(
        self, embeddings: torch.Tensor, positions: torch.Tensor, owners: torch.Tensor
    ) -> torch.Tensor:
        """Feeds the next slots [rows, columns] of all rows; their hidden states."""
        self._owners = torch.cat([self._owners, owners], dim=1)
        mask = self._mask(owners, embeddings.dtype)
        return self._network.feed(embeddings, positions + self._model.recipe.first_position, mask)

    def _mask(self, owners: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
        """What the newest tokens [rows, tokens] do not see, as an addition [rows, 1, tokens, slots] to scores."""
        theirs = self._owners[:, None, :] == owners[:, :, None]
        everybodys = (self._owners == _EVERYBODY)[:, None, :]
        slots = torch.arange(self._owners.shape[1], device=owners.device)
        before = slots[None, :] <= slots[-owners.shape[1] :, None]
        seen = (theirs | everybodys) & before
        mask = torch.zeros(seen.shape, dtype=dtype, device=owners.device)
        return mask.masked_fill(~seen, torch.finfo(dtype).min)[:, None]


def _side_by_side(rows: Sequence[int], lengths: Sequence[int]) -> tuple[list[int], int]:
    """The first column of each stretch, behind one another where they share a row; the columns of the longest row."""
    filled = [0] * (max(rows) + 1)
    columns = []
    for row, length in zip(rows, lengths, strict=True):
        columns.append(filled[row])
        filled[row] += length
    return columns, max(filled)


def _ranges(starts: Iterable[int], lengths: Iterable[int]) -> list[int]:
    return [
        number
        for start, length in zip(starts, lengths, strict=True)
        for number in range(start, start + length)
    ]


def _repeated(values: Iterable[int], lengths: Iterable[int]) -> list[int]:
    return [value for value, length in zip(values, lengths, strict=True) for _ in range(length)]
