"""The ways in which a chat model generates the answers to an image's questions, all through its own `generate`.

The plain way asks each question alone, with its image: it is exactly what transformers answers. The other ways feed
what an image's prompts have in common once, with the pixels, and go on from copies of the cache that this leaves.
"""

import copy
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from repope_eval.asking.chat.loading import ChatModel
from repope_eval.asking.chat.processor import ChatPrepared
from repope_eval.asking.native.generation import Generation, Spellings, first_token_evidence, require_finite
from repope_eval.asking.native.rows import common_prefix_length
from repope_eval.errors import RepopeError
from repope_eval.models.placement import attention_kernels
from repope_eval.models.transformers_internals import cache_argument


@dataclass(frozen=True, slots=True)
class ChatGeneration(Generation):
    """What a model generated for one question, with the evidence that each of its tokens carries."""

    evidence: tuple[tuple[float, float], ...] = ()
    """For each token the probabilities that it is a spelling of yes, and of no."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What holds for all answers of a run."""

    max_new_tokens: int
    spellings: Spellings


_GROWING: Mapping[str, Any] = {"cache_implementation": None, "use_cache": True}
"""Arguments of `generate` for a cache that grows with the tokens, whatever the generation configuration says: prompts
go on from it. A cache of fixed length gives the same answers."""


class CannotShareError(Exception):
    """An image's prompts cannot be fed in part, because of what the model or its prompt is."""


class _Steps:
    """Watches a network's logits while answers are generated, and does not wait for the device."""

    def __init__(self, spellings: Spellings) -> None:
        self._spellings = spellings
        self._finite: list[torch.Tensor] = []
        """Whether the logits of each step are finite."""
        self._best: list[torch.Tensor] = []
        """The two highest logits of each row for each step, [rows, 2]."""
        self._evidence: list[torch.Tensor] = []
        """The probabilities of yes and no for each step, [2, rows]."""

    def __call__(self, network: nn.Module, inputs: Any, output: Any) -> None:
        last = output.logits[:, -1].float()
        self._finite.append(torch.isfinite(last).all())
        self._best.append(last.topk(2).values)
        self._evidence.append(first_token_evidence(last, self._spellings))

    def generations(self, rows: Sequence[Sequence[int]]) -> list[ChatGeneration]:
        """What was generated, given the tokens of each row."""
        require_finite(bool(torch.stack(self._finite).all()))
        evidence = torch.stack(self._evidence).permute(2, 0, 1).tolist()
        best = torch.stack(self._best)
        leads, logits = torch.stack([best[..., 0] - best[..., 1], best[..., 0]]).transpose(1, 2).tolist()
        return [
            ChatGeneration(
                token_ids=tuple(tokens),
                p_yes=evidence[row][0][0],
                p_no=evidence[row][0][1],
                leads=tuple(leads[row][: len(tokens)]),
                best_logits=tuple(logits[row][: len(tokens)]),
                evidence=tuple((yes, no) for yes, no in evidence[row][: len(tokens)]),
            )
            for row, tokens in enumerate(rows)
        ]


@torch.inference_mode()
def ask_alone(model: ChatModel, image: ChatPrepared, limits: Limits) -> list[ChatGeneration]:
    """The answers to an image's questions, each asked alone."""
    return [ask_one(model, image, index, limits) for index in range(len(image.prompts))]


@torch.inference_mode()
def ask_one(model: ChatModel, image: ChatPrepared, index: int, limits: Limits) -> ChatGeneration:
    """The answer to one of an image's questions, with all pixels: what transformers itself answers.

    Raises:
        RepopeError: logits are not finite.
    """
    more = {**image.inputs, **image.token_inputs[index], **image.question_inputs[index]}
    (generation,) = _generate_rows(model, [image.prompts[index]], limits, model.placed(more))
    return generation


@torch.inference_mode()
def ask_after_prefix(model: ChatModel, image: ChatPrepared, limits: Limits) -> list[ChatGeneration]:
    """The answers to an image's questions, one by one, each going on from a copy of the cache of their prefix.

    Raises:
        CannotShareError: the prompts part before the image is complete.
        RepopeError: logits are not finite.
    """
    if len(image.prompts) == 1:
        return ask_alone(model, image, limits)
    prefix = _feed_prefix(model, image)
    generations = []
    for prompt, per_token in zip(image.prompts, image.token_inputs, strict=True):
        more = {**model.placed(per_token), **_cache_arguments(model, copy.deepcopy(prefix))}
        generations += _generate_rows(model, [prompt], limits, more)
    return generations


@torch.inference_mode()
def ask_together(model: ChatModel, image: ChatPrepared, limits: Limits) -> list[ChatGeneration]:
    """The answers to an image's questions, all at once, each in a row that begins with a copy of their prefix.

    A prompt shorter than the longest is padded between the prefix and its own tokens, where a mask hides the padding.
    So all prompts end in the same column. A layer that sees a window of the latest tokens counts padding as tokens, so
    that questions are asked one by one where prompt and answer do not fit into the window.

    Raises:
        CannotShareError: the prompts part before the image is complete.
        RepopeError: logits are not finite.
    """
    width, window = max(map(len, image.prompts)), _latest_tokens_seen(model)
    if len(image.prompts) == 1 or width > window:
        return ask_after_prefix(model, image, limits)
    generations = _ask_rows(model, image, limits, width)
    if width + max(len(generation.token_ids) for generation in generations) > window:
        return ask_after_prefix(model, image, limits)
    return generations


def _ask_rows(model: ChatModel, image: ChatPrepared, limits: Limits, width: int) -> list[ChatGeneration]:
    """The answers to an image's questions, each in a row of so many columns."""
    length = common_prefix_length(image.prompts)
    cache = _feed_prefix(model, image)
    cache.batch_repeat_interleave(len(image.prompts))
    # A token that is in each prompt anyway: penalties on repetition look at these, too.
    rows = [_padded_row(prompt, length, width, prompt[0]) for prompt in image.prompts]
    mask = [_padded_row([1] * len(prompt), length, width, 0) for prompt in image.prompts]
    per_token = {
        name: torch.tensor(
            [_padded_row(each[name][0].tolist(), length, width, 0) for each in image.token_inputs],
            device=model.device,
        )
        for name in image.token_inputs[0]
    }
    more = {
        "attention_mask": torch.tensor(mask, device=model.device),
        **per_token,
        **_cache_arguments(model, cache),
    }
    return _generate_rows(model, rows, limits, more)


def _padded_row(row: Sequence[int], length: int, width: int, padding: int) -> list[int]:
    """A row of `width`, padded after its first `length` entries."""
    return [*row[:length], *[padding] * (width - len(row)), *row[length:]]


def _latest_tokens_seen(model: ChatModel) -> float:
    """How many of the latest tokens some layers see; infinite where all layers see all tokens."""
    text = model.network.config.get_text_config()
    windows = (getattr(text, name, None) for name in ("sliding_window", "attention_chunk_size"))
    return min((window for window in windows if window), default=math.inf)


def _feed_prefix(model: ChatModel, image: ChatPrepared) -> Any:
    """The cache of what an image's prompts have in common, which has been fed once, with the pixels."""
    length = common_prefix_length(image.prompts)
    if image.question_inputs[0]:
        raise CannotShareError(f"its processor says {', '.join(image.question_inputs[0])} of each question")
    ends = {token for prompt in image.prompts for token in prompt[length:]}
    if ends & model.processor.image_token_ids or not model.processor.image_token_ids:
        raise CannotShareError("its prompts do not begin with the image")
    per_token = {name: tensor[:, :length] for name, tensor in image.token_inputs[0].items()}
    # `generate` prepares what the class's own code wants. The one token that it chooses is not fed.
    output = _greedy(
        model,
        **_token_arguments(model, [image.prompts[0][:length]]),
        **model.placed({**image.inputs, **per_token}),
        **_GROWING,
        max_new_tokens=1,
        return_dict_in_generate=True,
    )
    cache = getattr(output, "cache", None) or output.past_key_values
    if cache is None or cache.get_seq_length() != length:
        raise CannotShareError("its cache does not hold the tokens that were fed")
    return cache


def _cache_arguments(model: ChatModel, cache: Any) -> dict[str, Any]:
    """The cache under the name that the network's class gives it."""
    return {cache_argument(type(model.network).forward): cache, **_GROWING}


def _token_arguments(model: ChatModel, rows: Sequence[Sequence[int]]) -> dict[str, torch.Tensor]:
    """The arguments that give a network rows of tokens, all of one length."""
    input_ids = torch.tensor([list(row) for row in rows], device=model.device)
    return {"input_ids": input_ids, "attention_mask": torch.ones_like(input_ids)}


def _generate_rows(
    model: ChatModel, rows: Sequence[Sequence[int]], limits: Limits, more: Mapping[str, Any]
) -> list[ChatGeneration]:
    """Greedy answers to rows of tokens of one length, by the checkpoint's own generation configuration."""
    steps = _Steps(limits.spellings)
    stops = stop_token_ids(model)
    hook = model.network.register_forward_hook(steps)
    try:
        output = _greedy(
            model,
            **{**_token_arguments(model, rows), **more},
            max_new_tokens=limits.max_new_tokens,
            eos_token_id=list(stops),
            pad_token_id=stops[0],
        )
    finally:
        hook.remove()
    answers = output[:, len(rows[0]) :].tolist()
    return steps.generations([_tokens_until_stop(answer, stops) for answer in answers])


def _greedy(model: ChatModel, **arguments: Any) -> Any:
    """What the network's `generate` returns for these arguments, by the checkpoint's own generation configuration.

    Where that names a cache of fixed length, transformers would compile the network on a GPU, anew for each length.
    """
    with attention_kernels(model.attention):
        return model.network.generate(do_sample=False, num_beams=1, disable_compile=True, **arguments)


def stop_token_ids(model: ChatModel) -> tuple[int, ...]:
    """The tokens that end an answer: those of the checkpoint's generation configuration, else its tokenizer's own."""
    named = model.network.generation_config.eos_token_id
    if named is None:
        named = model.processor.tokenizer.eos_token_id
    if named is None:
        raise RepopeError(
            f"{model.checkpoint.folder}: neither generation_config.json nor the tokenizer has an end token, so no "
            "answer would end; download it again"
        )
    return tuple(named) if isinstance(named, Iterable) else (int(named),)


def _tokens_until_stop(tokens: Sequence[int], stops: Sequence[int]) -> Sequence[int]:
    """The tokens up to the first one that ends an answer, which is among them."""
    ends = (index + 1 for index, token in enumerate(tokens) if token in stops)
    return tokens[: next(ends, len(tokens))]
