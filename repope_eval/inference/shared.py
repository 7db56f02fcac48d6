"""The shared-prefix engine: an image's features and its prompt's prefix once, whatever number of questions.

A batch of images at a time: encode the images; feed the tokens that all questions of an image share, once;
feed what is left of each prompt; decode greedily until each question has stopped. How the questions lie in
the key-value cache is `ImageRows`', or, where that cannot be, `QuestionRows`'.
"""

from collections.abc import Sequence

import torch

from repope_eval.inference.batch_size import MOST_TOKENS
from repope_eval.inference.generation import (
    Generation,
    Spellings,
    bounded,
    first_token_evidence,
    require_finite,
)
from repope_eval.inference.image_rows import ImageRows
from repope_eval.inference.question_rows import QuestionRows
from repope_eval.models.loading import Model
from repope_eval.models.recipe import Prepared

Rows = ImageRows | QuestionRows


@torch.inference_mode()
def generate_shared(
    model: Model, images: Sequence[Prepared], max_new_tokens: int, spellings: Spellings
) -> list[list[Generation]]:
    """Greedy answers to each image's questions, all of the batch's questions together."""
    features = model.recipe.image_features(model.network, [model.placed(image.inputs) for image in images])
    if model.recipe.attends_both_ways:
        asked = [
            (Prepared(image.inputs, (prompt,)), feature)
            for image, feature in zip(images, features, strict=True)
            for prompt in image.prompts
        ]
        most = MOST_TOKENS.get(model.device.type, MOST_TOKENS["cpu"])
        generations: dict[int, Generation] = {}
        for places in groups_of_like_length([len(image.prompts[0]) for image, _ in asked], most):
            group, theirs = zip(*(asked[place] for place in places), strict=True)
            generated = _generate(model, group, theirs, max_new_tokens, spellings)
            generations |= zip(places, generated, strict=True)
        ordered = iter([generations[place] for place in range(len(asked))])
    else:
        ordered = iter(_generate(model, images, features, max_new_tokens, spellings))
    return [[next(ordered) for _ in image.prompts] for image in images]


def groups_of_like_length(lengths: Sequence[int], most_tokens: int) -> list[list[int]]:
    """Places of rows to be fed together, the group of the longest first, each at most so many tokens, padding and all.

    A row that is longer is alone.
    """
    groups: list[list[int]] = []
    for place in sorted(range(len(lengths)), key=lambda place: -lengths[place]):
        if groups and (len(groups[-1]) + 1) * lengths[groups[-1][0]] <= most_tokens:
            groups[-1].append(place)
        else:
            groups.append([place])
    return [sorted(group) for group in groups]


def _generate(
    model: Model,
    images: Sequence[Prepared],
    features: Sequence[torch.Tensor],
    max_new_tokens: int,
    spellings: Spellings,
) -> list[Generation]:
    rows = _rows(model)
    return _decode(model, rows, rows.start(images, features), max_new_tokens, spellings)


def _rows(model: Model) -> Rows:
    """FlashAttention takes no mask of its own making, and where prompts attend both ways nothing is shared."""
    attention = model.network.config._attn_implementation
    if model.recipe.attends_both_ways or attention == "flash_attention_2":
        return QuestionRows(model)
    return ImageRows(model)


def _decode(
    model: Model, rows: Rows, hidden: torch.Tensor, max_new_tokens: int, spellings: Spellings
) -> list[Generation]:
    """Greedy decoding from the last hidden state of each question; those that have stopped leave the batch."""
    embedding = model.network.get_input_embeddings()
    stops = frozenset(model.recipe.stop_token_ids)
    logits = _logits(model, hidden)
    p_yes, p_no = first_token_evidence(logits, spellings)
    tokens: list[list[int]] = [[] for _ in p_yes]
    going = list(range(len(tokens)))
    for number in range(1, max_new_tokens + 1):
        chosen = logits.argmax(dim=-1)
        values = chosen.tolist()
        for question, token in zip(going, values, strict=True):
            tokens[question].append(token)
        unfinished = [place for place, token in enumerate(values) if token not in stops]
        if not unfinished or number == max_new_tokens:
            break
        if len(unfinished) < len(going):
            rows.keep(unfinished)
            going = [going[place] for place in unfinished]
            chosen = chosen[unfinished]
        logits = _logits(model, rows.extend(embedding(chosen)))
    return [Generation(tuple(ids), yes, no) for ids, yes, no in zip(tokens, p_yes, p_no, strict=True)]


def _logits(model: Model, hidden: torch.Tensor) -> torch.Tensor:
    """Logits [rows, vocabulary] of hidden states."""
    logits = bounded(model.network, model.network.get_output_embeddings()(hidden).to(model.device))
    require_finite(logits)
    return logits
