"""Rows of the key-value cache: the prefix that prompts about an image share once, and what is fed behind it.

What follows from token ids is worked out on the host, and copied to the device at once for all questions. The host
does not wait for the device here.

Nothing is copied for a question. Each slot of a row has an owner, which is one question or all of them together, and
a token sees the slots before it that its own question or everybody owns: it computes what it would compute alone.
Otherwise the cache of each question would repeat its image's, which takes about 0.4 GB in an 8B model.
"""

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, ClassVar

import torch
from transformers import DynamicCache

from repope_eval.asking.native.cache import SPARE, RoomyLayer
from repope_eval.models.loading import Model
from repope_eval.models.recipe import Prepared, Recipe
from repope_eval.models.transformers_internals import DynamicLayer, cache_argument


@dataclass(frozen=True, slots=True)
class Stretch:
    """Consecutive tokens of a prompt."""

    tokens: Sequence[int]
    positions: Sequence[Sequence[int]]
    """The position of each token, a sequence for each axis."""
    features: torch.Tensor | None = None
    """Image features that replace its feature tokens, in order, [feature tokens, hidden]; None: it has none."""


def whole_prompts(recipe: Recipe, image: Prepared, features: torch.Tensor) -> list[Stretch]:
    """Each prompt about an image as one stretch; `features` are the image's, [feature tokens, hidden]."""
    return [Stretch(prompt, recipe.positions(prompt, image.inputs), features) for prompt in image.prompts]


def split_at_prefix(recipe: Recipe, image: Prepared, features: torch.Tensor) -> tuple[Stretch, list[Stretch]]:
    """The stretch that all prompts about an image share, and what is left of each.

    `features` are the image's, [feature tokens, hidden].
    """
    length = common_prefix_length(image.prompts)
    wholes = whole_prompts(recipe, image, features)
    shared = sum(token in recipe.feature_token_ids for token in wholes[0].tokens[:length])
    prefix = Stretch(
        wholes[0].tokens[:length], [axis[:length] for axis in wholes[0].positions], features[:shared]
    )
    rests = [
        Stretch(whole.tokens[length:], [axis[length:] for axis in whole.positions], features[shared:])
        for whole in wholes
    ]
    return prefix, rests


def common_prefix_length(prompts: Sequence[tuple[int, ...]]) -> int:
    """How many first tokens all prompts share, leaving each at least one token of its own."""
    longest = min(map(len, prompts)) - 1
    first, last = min(prompts), max(prompts)  # what these two share, all that sort between them share
    return next((index for index in range(longest) if first[index] != last[index]), longest)


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
        # Layers of other kinds (a sliding window's) stay as they are.
        self._cache.layers = [
            RoomyLayer() if type(layer) is DynamicLayer else layer for layer in self._cache.layers
        ]
        self._cache_argument = cache_argument(self._network.forward)
        self._owners = torch.empty(0)
        """The owner of each slot, [rows, slots]."""
        self._prompts: list[Prompt] = []
        self._axes = 1
        """How many numbers a position has, as the prompts say."""

    def extend(self, tokens: Sequence[int], further: int = 0) -> torch.Tensor:
        """Feeds each question one more token; its hidden state, [questions, hidden].

        `further` is the most tokens of a question that may follow; the cache gets no room for more.
        """
        columns = max(Counter(prompt.row for prompt in self._prompts).values())
        for layer in self._cache.layers:
            layer.spare = min(SPARE, further * columns)
        return self._feed(
            [
                Stretch((token,), ((prompt.next_position,),) * self._axes)
                for prompt, token in zip(self._prompts, tokens, strict=True)
            ]
        )

    def keep(self, going: Sequence[int]) -> None:
        """Drops all questions but those of these indexes, and the rows that have none left."""
        self._prompts = [self._prompts[index] for index in going]
        used = {prompt.row for prompt in self._prompts}
        if len(used) < len(self._owners):
            # The last ones take the places of those that leave, so that the others need not move.
            last = iter(sorted(row for row in used if row >= len(used)))
            rows = [row if row in used else next(last) for row in range(len(used))]
            self._select(rows)
            places = {row: place for place, row in enumerate(rows)}
            for prompt in self._prompts:
                prompt.row = places[prompt.row]

    def _select(self, rows: Sequence[int]) -> None:
        """Keeps, repeats or drops rows: row i becomes what row `rows[i]` was."""
        moved = [place for place, row in enumerate(rows) if place != row]
        sources = [rows[place] for place in moved]
        is_in_place = all(row >= len(rows) for row in sources)
        indexes = _to_device(self._model.device, rows, moved, sources)
        self._owners = self._owners[indexes[0]]
        for layer in self._cache.layers:  # each of several devices has some of the layers
            every, *some = (index.to(layer.keys.device) for index in indexes)
            if is_in_place and isinstance(layer, RoomyLayer):
                layer.keep_rows(len(rows), *some)
            else:
                layer.batch_select_indices(every)

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
        return hidden.to(self._model.device)  # the last layer may be on another device

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
