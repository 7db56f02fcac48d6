"""The shared-prefix engine: an image's features and its prompt's prefix once, whatever number of questions.

A batch of images at a time: encode the images; prefill the tokens that all questions of an image share;
copy that key-value cache for each question; feed what is left of each prompt; decode greedily until each
row has stopped. Rows are padded on the left, so prefixes end together and suffixes end together; padding
is masked, and positions count what is not masked, so each row computes what it would compute alone.

Where image tokens attend to the question, no prefix is the same for two questions: then the images alone
are encoded once, and each row is fed its whole prompt, whose tokens all attend to each other.
"""

from collections.abc import Sequence

import torch
from torch.nn.functional import pad
from transformers import DynamicCache

from repope_eval.inference.generation import (
    Generation,
    Spellings,
    common_prefix_length,
    first_token_evidence,
    require_finite,
)
from repope_eval.models.loading import Model
from repope_eval.models.recipe import Prepared


class _Rows:
    """The rows being decoded: cache, mask [rows, tokens so far] and the network that extends both."""

    def __init__(self, model: Model) -> None:
        self._recipe = model.recipe
        native = model.network.model
        # The mask of a prompt that attends both ways is made around the language model, not in it.
        self._network = native if self._recipe.attends_both_ways else native.language_model
        self._cache = DynamicCache(config=model.network.config.get_text_config())
        self._mask: torch.Tensor | None = None

    def feed(self, embeddings: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """Appends tokens [rows, tokens, hidden] under their mask; the hidden state of each row's last one.

        Where a recipe attends both ways, what is fed first is the whole prompt; the rest is causal.
        """
        is_prompt = self._recipe.attends_both_ways and self._mask is None
        both_ways = {"token_type_ids": torch.zeros_like(mask)} if is_prompt else {}
        self._mask = mask if self._mask is None else torch.cat([self._mask, mask], dim=1)
        positions = (self._mask.cumsum(dim=1) - 1).clamp(min=0)[:, -mask.shape[1] :]
        output = self._network(
            inputs_embeds=embeddings,
            attention_mask=self._mask,
            position_ids=positions + self._recipe.first_position,
            past_key_values=self._cache,
            use_cache=True,
            **both_ways,
        )
        last: torch.Tensor = output.last_hidden_state[:, -1]
        return last

    def select(self, rows: torch.Tensor) -> None:
        """Keeps, repeats or drops rows: row i becomes what row `rows[i]` was."""
        assert self._mask is not None
        self._cache.batch_select_indices(rows)
        self._mask = self._mask[rows]


@torch.inference_mode()
def generate_shared(
    model: Model, images: Sequence[Prepared], max_new_tokens: int, spellings: Spellings
) -> list[list[Generation]]:
    """Greedy answers to each image's questions, all of the batch's questions together."""
    features = model.recipe.image_features(model.network, [model.placed(image.inputs) for image in images])
    rows = _Rows(model)
    if model.recipe.attends_both_ways:
        lengths = [0] * len(images)
    else:
        lengths = _feed_prefixes(model, rows, images, features)
    suffixes = [
        _embed(model, prompt[length:], feature[_count_feature_tokens(model, prompt[:length]) :])
        for image, length, feature in zip(images, lengths, features, strict=True)
        for prompt in image.prompts
    ]
    hidden = rows.feed(*_left_padded(suffixes))
    generations = iter(_decode(model, rows, hidden, max_new_tokens, spellings))
    return [[next(generations) for _ in image.prompts] for image in images]


def _feed_prefixes(
    model: Model, rows: _Rows, images: Sequence[Prepared], features: Sequence[torch.Tensor]
) -> list[int]:
    """Feeds what an image's questions share, and makes a row of each question; the prefixes' lengths in tokens."""
    lengths = [common_prefix_length(image.prompts) for image in images]
    prefixes = [image.prompts[0][:length] for image, length in zip(images, lengths, strict=True)]
    rows.feed(*_left_padded([_embed(model, *pair) for pair in zip(prefixes, features, strict=True)]))
    owners = [number for number, image in enumerate(images) for _ in image.prompts]
    rows.select(torch.tensor(owners, device=model.device))
    return lengths


def _embed(model: Model, token_ids: Sequence[int], features: torch.Tensor) -> torch.Tensor:
    """Embeddings [tokens, hidden] of a stretch of a prompt, its feature tokens replaced by features in order."""
    ids = torch.tensor(token_ids, dtype=torch.long, device=model.device)
    embeddings: torch.Tensor = model.network.get_input_embeddings()(ids)
    places = torch.isin(ids, torch.tensor(model.recipe.feature_token_ids, device=model.device)).nonzero()[
        :, 0
    ]
    if len(places):
        embeddings[places] = features[: len(places)].to(embeddings)
    return embeddings


def _count_feature_tokens(model: Model, token_ids: Sequence[int]) -> int:
    return sum(token_id in model.recipe.feature_token_ids for token_id in token_ids)


def _left_padded(stretches: Sequence[torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor]:
    """Stretches [tokens, hidden] as one tensor [rows, longest, hidden], and the mask of what is no padding."""
    longest = max(map(len, stretches))
    padded = [pad(stretch, (0, 0, longest - len(stretch), 0)) for stretch in stretches]
    mask = torch.ones(len(stretches), longest, dtype=torch.long, device=stretches[0].device)
    for row, stretch in enumerate(stretches):
        mask[row, : longest - len(stretch)] = 0
    return torch.stack(padded), mask


def _decode(
    model: Model, rows: _Rows, hidden: torch.Tensor, max_new_tokens: int, spellings: Spellings
) -> list[Generation]:
    """Greedy decoding from the last hidden state of each row; rows that have stopped leave the batch."""
    embedding = model.network.get_input_embeddings()
    stops = torch.tensor(model.recipe.stop_token_ids, device=model.device)
    logits = _logits(model, hidden)
    p_yes, p_no = first_token_evidence(logits, spellings)
    tokens: list[list[int]] = [[] for _ in p_yes]
    going = torch.arange(len(tokens), device=model.device)
    while True:
        chosen = logits.argmax(dim=-1)
        for row, token in zip(going.tolist(), chosen.tolist(), strict=True):
            tokens[row].append(token)
        unfinished = (~torch.isin(chosen, stops)).nonzero().squeeze(1)
        if not len(unfinished) or len(tokens[going[unfinished[0]]]) == max_new_tokens:
            break
        if len(unfinished) < len(going):
            rows.select(unfinished)
            going, chosen = going[unfinished], chosen[unfinished]
        hidden = rows.feed(embedding(chosen[:, None]), torch.ones_like(chosen[:, None]))
        logits = _logits(model, hidden)
    return [Generation(tuple(ids), yes, no) for ids, yes, no in zip(tokens, p_yes, p_no, strict=True)]


def _logits(model: Model, hidden: torch.Tensor) -> torch.Tensor:
    """Logits [rows, vocabulary] of hidden states; Gemma 2 may bound them, which changes probabilities."""
    logits: torch.Tensor = model.network.get_output_embeddings()(hidden)
    bound = getattr(model.network.config.get_text_config(), "final_logit_softcapping", None)
    if bound is not None:
        logits = torch.tanh(logits / bound) * bound
    require_finite(logits)
    return logits
