"""The faster ways of asking: what the prompts about an image begin with is fed once, with the pixels.

The questions go on from copies of the cache that this leaves: one by one, or many in the rows of one batch.
"""

import math
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import torch

from repope_eval.asking.chat.caches import CannotShareError, Prefix, has_states, joined_cache, prefixes_of
from repope_eval.asking.chat.generation import (
    GROWING,
    ChatGeneration,
    Limits,
    Rows,
    answer_rows,
    greedy,
    minds_padding,
    token_arguments,
)
from repope_eval.asking.chat.loading import ChatModel
from repope_eval.asking.chat.processor import ChatPrepared
from repope_eval.asking.native.rows import common_prefix_length
from repope_eval.models.recipe import Inputs
from repope_eval.models.sampling import Draw


@dataclass(frozen=True, slots=True)
class _Question:
    """A question that goes on from a prefix."""

    prefix: Prefix
    prompt: Sequence[int]
    token_inputs: Inputs
    """What the processor says of each token of the prompt, each tensor [1, tokens]."""
    draws: Sequence[Draw]
    """The draw of its answer; empty where answers are greedy."""

    @property
    def lengths(self) -> tuple[int, int]:
        """How many tokens of the prompt are the prefix's, and how many the question's own."""
        return self.prefix.length, len(self.prompt) - self.prefix.length


@torch.inference_mode()
def ask_after_prefix(
    model: ChatModel, images: Sequence[ChatPrepared], limits: Limits
) -> list[list[ChatGeneration]]:
    """The answers to the questions about each image, one by one, each going on from a copy of the prefix's cache.

    Raises:
        CannotShareError: the prompts about an image part before the image is complete.
        RepopeError: logits are not finite.
    """
    return [
        [
            answer
            for question in _questions(model, [image])
            for answer in _ask_group(model, [question], limits)
        ]
        for image in images
    ]


@torch.inference_mode()
def ask_image_by_image(
    model: ChatModel, images: Sequence[ChatPrepared], limits: Limits
) -> list[list[ChatGeneration]]:
    """The answers to the questions about each image, all about an image at once; as `ask_together` otherwise."""
    return [answers for image in images for answers in ask_together(model, [image], limits)]


@torch.inference_mode()
def ask_together(
    model: ChatModel, images: Sequence[ChatPrepared], limits: Limits
) -> list[list[ChatGeneration]]:
    """The answers to the questions about each image, all at once, each in a row that begins with its image's prefix.

    A shorter prefix is padded on the left, and a shorter question between the prefix and its own tokens, where a mask
    hides the padding. So all prompts end in the same column. Padding counts, all the same, in a layer that sees a
    window of the latest tokens, in one that keeps a state in place of tokens, and in some settings of generation
    configurations: there, rows of like lengths are asked together, which need none.

    Raises:
        CannotShareError: the prompts about an image part before the image is complete, or caches cannot be joined.
        RepopeError: logits are not finite.
    """
    return _ask_images(model, images, _questions(model, images), limits)


@torch.inference_mode()
def ask_together_fed_alone(
    model: ChatModel, images: Sequence[ChatPrepared], limits: Limits
) -> list[list[ChatGeneration]]:
    """As `ask_together`, where a class cannot be fed the prefixes of several images at a time."""
    questions = [question for image in images for question in _questions(model, [image])]
    return _ask_images(model, images, questions, limits)


def _ask_images(
    model: ChatModel, images: Sequence[ChatPrepared], questions: Sequence[_Question], limits: Limits
) -> list[list[ChatGeneration]]:
    """The answers to the questions about each image, which are given one after another."""
    answers = iter(_ask_questions(model, questions, limits))
    return [[next(answers) for _ in image.prompts] for image in images]


def _ask_questions(model: ChatModel, questions: Sequence[_Question], limits: Limits) -> list[ChatGeneration]:
    """The answers in the order of the questions: all at once, or in groups that may be."""
    prefixes, owns = zip(*(question.lengths for question in questions), strict=True)
    width, window = max(prefixes) + max(owns), _latest_tokens_seen(model)
    if width <= window and not minds_padding(model):
        keeps_states = has_states(questions[0].prefix.cache)
        key = _own_length if keeps_states else _nothing
        answers = _ask_groups(model, questions, key, limits)
        longest = max(len(answer.token_ids) for answer in answers)
        if width + longest <= window:
            return answers
    return _ask_groups(model, questions, _lengths, limits)


def _nothing(_: _Question) -> Hashable:
    return None


def _own_length(question: _Question) -> Hashable:
    return question.lengths[1]


def _lengths(question: _Question) -> Hashable:
    return question.lengths


def _ask_groups(
    model: ChatModel,
    questions: Sequence[_Question],
    key: Callable[[_Question], Hashable],
    limits: Limits,
) -> list[ChatGeneration]:
    """The answers in the order of the questions, those with the same key asked at once."""
    groups: dict[Hashable, list[int]] = {}
    for number, question in enumerate(questions):
        groups.setdefault(key(question), []).append(number)
    answers: dict[int, ChatGeneration] = {}
    for numbers in groups.values():
        group = _ask_group(model, [questions[number] for number in numbers], limits)
        answers |= zip(numbers, group, strict=True)
    return [answers[number] for number in range(len(questions))]


def _ask_group(model: ChatModel, questions: Sequence[_Question], limits: Limits) -> list[ChatGeneration]:
    """The answers to questions, those about an image one after another, each in a row of one batch."""
    prefixes, owns = zip(*(question.lengths for question in questions), strict=True)
    longest, own = max(prefixes), max(owns)
    blocks = [list(theirs) for _, theirs in groupby(questions, key=lambda question: id(question.prefix))]
    cache = joined_cache(model.network, [block[0].prefix for block in blocks], list(map(len, blocks)))

    def row(tokens: torch.Tensor, question: _Question, padding: int) -> torch.Tensor:
        """Tokens of a prompt, [1, tokens], padded to the width of the batch."""
        length = question.prefix.length
        before = tokens.new_full((1, longest - length), padding)
        between = tokens.new_full((1, own - question.lengths[1]), padding)
        return torch.cat([before, tokens[:, :length], between, tokens[:, length:]], dim=1)

    tokens = [torch.tensor([question.prompt]) for question in questions]
    # A token that is in each prompt anyway: penalties on repetition look at these, too.
    padded = [
        row(each, question, question.prompt[0]) for each, question in zip(tokens, questions, strict=True)
    ]
    masks = [row(torch.ones_like(each), of, 0) for each, of in zip(tokens, questions, strict=True)]
    token_inputs = {
        name: torch.cat([row(question.token_inputs[name], question, 0) for question in questions])
        for name in questions[0].token_inputs
    }
    placed = model.placed({"tokens": torch.cat(padded), "mask": torch.cat(masks)})
    draws = [draw for question in questions for draw in question.draws]
    rows = Rows(placed["tokens"], placed["mask"], model.placed(token_inputs), cache, draws=draws)
    return answer_rows(model, rows, limits)


def _latest_tokens_seen(model: ChatModel) -> float:
    """How many of the latest tokens some layers see; infinite where all layers see all tokens."""
    text = model.network.config.get_text_config()
    windows = (getattr(text, name, None) for name in ("sliding_window", "attention_chunk_size"))
    return min((window for window in windows if window), default=math.inf)


def _questions(model: ChatModel, images: Sequence[ChatPrepared]) -> list[_Question]:
    """The questions about images, whose prefixes are fed here: neighbours of one length and shape together.

    Raises:
        CannotShareError: the prompts about an image part before the image is complete.
    """
    for image in images:
        _require_shared_image(model, image)
    prefixes = [
        prefix for _, alike in groupby(images, key=_shapes) for prefix in _feed_together(model, list(alike))
    ]
    return [
        _Question(prefix, prompt, token_inputs, image.draws[number : number + 1])
        for image, prefix in zip(images, prefixes, strict=True)
        for number, (prompt, token_inputs) in enumerate(zip(image.prompts, image.token_inputs, strict=True))
    ]


def _require_shared_image(model: ChatModel, image: ChatPrepared) -> None:
    length, marks = common_prefix_length(image.prompts), model.processor.image_token_ids
    if image.question_inputs[0]:
        raise CannotShareError(f"its processor says {', '.join(image.question_inputs[0])} of each question")
    ends = {token for prompt in image.prompts for token in prompt[length:]}
    if ends & marks or not marks:
        raise CannotShareError("its prompts do not begin with the image")


def _shapes(image: ChatPrepared) -> tuple[object, ...]:
    """What must be equal of images that are fed together."""
    shapes = {name: tensor.shape for name, tensor in image.inputs.items()}
    return common_prefix_length(image.prompts), shapes, set(image.token_inputs[0])


def _feed_together(model: ChatModel, images: Sequence[ChatPrepared]) -> list[Prefix]:
    length = common_prefix_length(images[0].prompts)
    cache = _feed(model, images, [image.prompts[0][:length] for image in images])
    return prefixes_of(model.network, cache, length, len(images))


def _feed(model: ChatModel, images: Sequence[ChatPrepared], rows: Sequence[Sequence[int]]) -> Any:
    """The cache of tokens about images, a row for each, all of one length: the beginnings of first questions."""
    length = len(rows[0])
    of_images = [
        {**image.inputs, **{name: tensor[:, :length] for name, tensor in image.token_inputs[0].items()}}
        for image in images
    ]
    inputs = {name: torch.cat([each[name] for each in of_images]) for name in of_images[0]}
    # `generate` prepares what the class's own code wants. The one token that it chooses is not fed.
    output = greedy(
        model,
        **token_arguments(model, rows),
        **model.placed(inputs),
        **GROWING,
        min_length=0,
        min_new_tokens=None,
        max_new_tokens=1,
        return_dict_in_generate=True,
    )
    return getattr(output, "cache", None) or output.past_key_values


_LEAST_CHANGE = 1 / 16
"""The least share by which the values of an image's tokens change with the question, where they are shown it. Of tiny
checkpoints in bfloat16 PaliGemma's change by a fifth, and those of 30 other families by nothing. Only what is computed
for many tokens together, such as a mixture of experts, may change by a rounding."""


@torch.inference_mode()
def shows_question(model: ChatModel, image: ChatPrepared) -> bool:
    """Whether a model's image tokens are shown the question, as PaliGemma's are, so that prompts share no beginning.

    Two whole prompts of one length are compared, the second with a single token again and again as its question. In 16
    bits answers alone do not tell: a few of them differ by rounding, too.

    Raises:
        CannotShareError: the prompts about an image part before the image is complete.
    """
    _require_shared_image(model, image)
    length, prompt = common_prefix_length(image.prompts), image.prompts[0]
    other = [*prompt[:length], *[prompt[-1]] * (len(prompt) - length)]
    values, others = (_last_values(_feed(model, [image], [tokens])) for tokens in (prompt, other))
    if values is None or others is None:
        return False
    before = slice(0, max(0, values.shape[2] - (len(prompt) - length)))
    values, others = values[:, :, before].float(), others[:, :, before].float()
    return bool((values - others).norm() > _LEAST_CHANGE * values.norm())


def _last_values(cache: Any) -> torch.Tensor | None:
    """The values that the last layer of a cache keeps for each token, [1, heads, tokens, size]; None: no layer does."""
    kept = (getattr(layer, "values", None) for layer in reversed(cache.layers))
    return next((values for values in kept if values is not None and values.dim() == 4), None)
