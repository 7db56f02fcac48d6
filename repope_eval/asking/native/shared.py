"""The shared-prefix engine: an image's features and its prompts' prefix are computed once for all of its questions.

It answers a batch of images at a time: encode the images; prefill what all prompts about an image share, once;
prefill what is left of each prompt; decode until each answer is complete.
"""

from collections.abc import Sequence

import torch

from repope_eval.asking.native.batch_size import MOST_TOKENS
from repope_eval.asking.native.generation import (
    Generation,
    Spellings,
    bounded,
    choose_tokens,
    first_token_evidence,
)
from repope_eval.asking.native.rows import (
    CachedRows,
    CopiedPrefixes,
    ImageRows,
    WholePrompts,
    split_at_prefix,
    whole_prompts,
)
from repope_eval.models.loading import Model
from repope_eval.models.placement import attention_kernels
from repope_eval.models.recipe import Prepared
from repope_eval.models.sampling import Draw


@torch.inference_mode()
def generate_shared(
    model: Model, images: Sequence[Prepared], max_new_tokens: int, spellings: Spellings
) -> list[list[Generation]]:
    """The answers to the questions about each image, all of the batch's questions together.

    Raises:
        RepopeError: logits are not finite.
    """
    with attention_kernels(model.attention):
        features = encode(model, images)
        if model.recipe.attends_both_ways:
            generations = _generate_from_whole_prompts(model, images, features, max_new_tokens, spellings)
        else:
            rows, hidden = prefill(model, images, features)
            draws = [draw for image in images for draw in image.draws]
            generations = decode(model, rows, hidden, max_new_tokens, spellings, draws)
    ordered = iter(generations)
    return [[next(ordered) for _ in image.prompts] for image in images]


def encode(model: Model, images: Sequence[Prepared]) -> list[torch.Tensor]:
    """Features of each image, [feature tokens, hidden].

    Pixels go to the device. Whole numbers are shapes, which stay on the host, where they are read. Where questions are
    asked without images there are no features.
    """
    if not images[0].inputs:
        return [torch.empty(0, 0)] * len(images)
    pixels = [
        model.placed({name: tensor for name, tensor in image.inputs.items() if tensor.is_floating_point()})
        for image in images
    ]
    inputs = [{**image.inputs, **placed} for image, placed in zip(images, pixels, strict=True)]
    return model.recipe.image_features(model.network, inputs)


def prefill(
    model: Model, images: Sequence[Prepared], features: Sequence[torch.Tensor]
) -> tuple[ImageRows | CopiedPrefixes, torch.Tensor]:
    """Feeds each image's prefix once, then what is left of each prompt.

    Returns:
        the questions in the cache, and the hidden state of each one's last token, [questions, hidden].
    """
    prompts = [
        split_at_prefix(model.recipe, image, feature) for image, feature in zip(images, features, strict=True)
    ]
    rows = _empty_rows(model)
    rows.prefill_prefixes([prefix for prefix, _ in prompts])
    return rows, rows.prefill_questions([rests for _, rests in prompts])


def _empty_rows(model: Model) -> ImageRows | CopiedPrefixes:
    """How the cache is laid out: FlashAttention takes no mask but one of padding."""
    return CopiedPrefixes(model) if model.attention == "flash_attention_2" else ImageRows(model)


def decode(
    model: Model,
    rows: CachedRows,
    hidden: torch.Tensor,
    max_new_tokens: int,
    spellings: Spellings,
    draws: Sequence[Draw] = (),
) -> list[Generation]:
    """Decoding from the hidden state of each question's last token, [questions, hidden].

    Questions whose answers are complete leave the batch.

    Args:
        draws: of each question's answer; empty where the likeliest token is taken each time.
    """
    stops = frozenset(model.recipe.stop_token_ids)
    logits = _logits(model, hidden)
    evidence = first_token_evidence(logits, spellings)
    tokens: list[list[int]] = [[] for _ in range(len(hidden))]
    going = list(range(len(hidden)))
    for number in range(1, max_new_tokens + 1):
        chosen = choose_tokens(logits, [draws[question] for question in going] if draws else (), number - 1)
        for question, token in zip(going, chosen, strict=True):
            tokens[question].append(token)
        unfinished = [index for index, token in enumerate(chosen) if token not in stops]
        if not unfinished or number == max_new_tokens:
            break
        if len(unfinished) < len(going):
            rows.keep(unfinished)
            going = [going[index] for index in unfinished]
        further = max_new_tokens - number - 1
        logits = _logits(model, rows.extend([chosen[index] for index in unfinished], further))
    return [
        Generation(tuple(ids), p_yes, p_no)
        for ids, p_yes, p_no in zip(tokens, *evidence.tolist(), strict=True)
    ]


def _logits(model: Model, hidden: torch.Tensor) -> torch.Tensor:
    """Logits [rows, vocabulary] of hidden states."""
    return bounded(model.network, model.network.get_output_embeddings()(hidden).to(model.device))


def _generate_from_whole_prompts(
    model: Model,
    images: Sequence[Prepared],
    features: Sequence[torch.Tensor],
    max_new_tokens: int,
    spellings: Spellings,
) -> list[Generation]:
    """Answers where image tokens attend to the question: prompts share no prefix, and are fed in groups."""
    prompts = [
        prompt
        for image, feature in zip(images, features, strict=True)
        for prompt in whole_prompts(model.recipe, image, feature)
    ]
    draws = [draw for image in images for draw in image.draws]
    most = MOST_TOKENS.get(model.device.type, MOST_TOKENS["cpu"])
    generations: dict[int, Generation] = {}
    for group in groups_of_like_length([len(prompt.tokens) for prompt in prompts], most):
        rows = WholePrompts(model)
        hidden = rows.prefill([prompts[index] for index in group])
        of_group = [draws[index] for index in group] if draws else ()
        answers = decode(model, rows, hidden, max_new_tokens, spellings, of_group)
        generations |= zip(group, answers, strict=True)
    return [generations[index] for index in range(len(prompts))]


def groups_of_like_length(lengths: Sequence[int], most_tokens: int) -> list[list[int]]:
    """Indexes of rows to be fed together, the group with the longest row first.

    Each group has at most so many tokens, its padding included; a row that is longer than that is alone.
    """
    groups: list[list[int]] = []
    for index in sorted(range(len(lengths)), key=lambda index: -lengths[index]):
        if groups and (len(groups[-1]) + 1) * lengths[groups[-1][0]] <= most_tokens:
            groups[-1].append(index)
        else:
            groups.append([index])
    return [sorted(group) for group in groups]
