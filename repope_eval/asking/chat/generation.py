"""How a chat model generates answers: through its own `generate`, by the checkpoint's own configuration.

Several rows are answered at once. Those whose answers are complete leave the others, which `generate` goes on with.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any

import torch
from torch import nn
from transformers import LogitsProcessorList, StoppingCriteria, StoppingCriteriaList

from repope_eval.asking.chat.caches import keep_rows, require_length
from repope_eval.asking.chat.loading import ChatModel
from repope_eval.asking.chat.processor import ChatPrepared
from repope_eval.asking.native.drawing import DrawnTokens
from repope_eval.asking.native.generation import Generation, Spellings, first_token_evidence, require_finite
from repope_eval.errors import RepopeError
from repope_eval.models.placement import attention_kernels
from repope_eval.models.recipe import Inputs
from repope_eval.models.sampling import Draw
from repope_eval.models.transformers_internals import cache_argument


@dataclass(frozen=True, slots=True)
class ChatGeneration(Generation):
    """What a model generated for one question, with the evidence that each of its tokens carries."""

    evidence: tuple[tuple[float, float], ...] = ()
    """For each token the probabilities that it is a spelling of yes, and of no."""

    def followed_by(self, rest: "ChatGeneration") -> "ChatGeneration":
        """This and what was generated after it: whatever is noted of each token goes on."""
        by_token = (each.name for each in fields(self) if isinstance(getattr(self, each.name), tuple))
        return replace(self, **{name: getattr(self, name) + getattr(rest, name) for name in by_token})


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What holds for all answers of a run."""

    max_new_tokens: int
    spellings: Spellings


GROWING: Mapping[str, Any] = {"cache_implementation": None, "use_cache": True}
"""Arguments of `generate` for a cache that grows with the tokens, whatever the generation configuration says: prompts
go on from it. A cache of fixed length gives the same answers."""


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


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows of tokens that are to be answered, all of one length; the first columns of them may have been fed."""

    tokens: torch.Tensor
    """[rows, columns]"""
    mask: torch.Tensor
    """1 where a row has a token of its prompt or answer, 0 in padding, [rows, columns]."""
    token_inputs: Inputs
    """What the processor says of each token, each tensor [rows, columns]."""
    cache: Any = None
    """What has been fed; None: nothing."""
    pixels: Inputs = field(default_factory=dict)
    """Further inputs, where nothing has been fed."""
    draws: Sequence[Draw] = ()
    """The draw of each row's answer; empty where answers are greedy."""
    steps: int = 0
    """How many tokens were generated for each row."""

    def arguments(self, model: ChatModel) -> dict[str, Any]:
        """The rows as arguments of `generate`."""
        fed = (
            {} if self.cache is None else {cache_argument(type(model.network).forward): self.cache, **GROWING}
        )
        return {
            "input_ids": self.tokens,
            "attention_mask": self.mask,
            **self.token_inputs,
            **fed,
            **self.pixels,
        }

    def going_on(self, network: nn.Module, tokens: torch.Tensor, rows: Sequence[int]) -> "Rows":
        """These of the rows with what was generated, [all rows, columns]; the others leave the cache as well."""
        kept = torch.tensor(rows, device=tokens.device)
        new = tokens.shape[1] - self.tokens.shape[1]
        require_length(self.cache, tokens.shape[1] - 1)  # the newest token has not been fed
        keep_rows(network, self.cache, kept)

        def grown(tensor: torch.Tensor) -> torch.Tensor:
            return torch.cat([tensor, tensor[:, -1:].expand(-1, new)], dim=1)[kept]

        token_inputs = {name: grown(tensor) for name, tensor in self.token_inputs.items()}
        return Rows(
            tokens[kept],
            grown(self.mask),
            token_inputs,
            self.cache,
            draws=[self.draws[row] for row in rows] if self.draws else (),
            steps=self.steps + new,
        )


class _EnoughFinished(StoppingCriteria):  # type: ignore[misc]
    """Ends `generate` once a quarter of the rows are finished, to go on without them.

    What a row leaves is copied: all others' caches. A row that is finished is filled up with a token that ends answers.
    """

    def __init__(self, stops: Sequence[int], rows: int, device: torch.device) -> None:
        self._stops = torch.tensor(stops, device=device)
        self._enough = math.ceil(rows / 4)

    def __call__(self, input_ids: torch.Tensor, scores: Any, **_: Any) -> torch.Tensor:
        finished = torch.isin(input_ids[:, -1], self._stops)
        return (finished.sum() >= self._enough).expand(len(input_ids))


def answer_rows(model: ChatModel, rows: Rows, limits: Limits) -> list[ChatGeneration]:
    """The answers to rows, by the checkpoint's own generation configuration.

    Raises:
        RepopeError: logits are not finite.
    """
    answers: dict[int, ChatGeneration] = {}
    going, most = list(range(len(rows.tokens))), limits.max_new_tokens
    is_parted = len(going) > 1 and rows.cache is not None and _may_part(model, rows)
    while True:
        tokens, stretches = _generate(model, rows, replace(limits, max_new_tokens=most), is_parted=is_parted)
        for number, stretch in zip(going, stretches, strict=True):
            answers[number] = answers[number].followed_by(stretch) if number in answers else stretch
        most -= tokens.shape[1] - rows.tokens.shape[1]
        stops = stop_token_ids(model)
        unfinished = [row for row, stretch in enumerate(stretches) if stretch.token_ids[-1] not in stops]
        if not unfinished or not most or not is_parted:
            return [answers[number] for number in sorted(answers)]
        going = [going[row] for row in unfinished]
        rows = rows.going_on(model.network, tokens, unfinished)


def _generate(
    model: ChatModel, rows: Rows, limits: Limits, *, is_parted: bool
) -> tuple[torch.Tensor, list[ChatGeneration]]:
    """All tokens, [rows, columns], and what was generated for each row, at least one token."""
    steps = _Steps(limits.spellings)
    stops = stop_token_ids(model)
    enough = _EnoughFinished(stops, len(rows.tokens), rows.tokens.device)
    drawn = DrawnTokens(rows.draws, rows.steps)
    hook = model.network.register_forward_hook(steps)
    try:
        tokens = greedy(
            model,
            **rows.arguments(model),
            max_new_tokens=limits.max_new_tokens,
            eos_token_id=list(stops),
            pad_token_id=stops[0],
            stopping_criteria=StoppingCriteriaList([enough] if is_parted else []),
            logits_processor=LogitsProcessorList([drawn] if rows.draws else []),
        )
    finally:
        hook.remove()
    answers = tokens[:, rows.tokens.shape[1] :].tolist()
    generations = steps.generations([_tokens_until_stop(answer, stops) for answer in answers])
    if rows.draws:
        leads = torch.stack(drawn.leads, dim=1).tolist()
        generations = [
            replace(each, leads=tuple(of_row[: len(each.token_ids)]))
            for each, of_row in zip(generations, leads, strict=True)
        ]
    return tokens, generations


_OF_BEGINNING: Mapping[str, object] = {
    "begin_suppress_tokens": None,
    "encoder_no_repeat_ngram_size": 0,
    "encoder_repetition_penalty": 1.0,
    "exponential_decay_length_penalty": None,
    "guidance_scale": 1.0,
    "min_new_tokens": 0,
}
"""Settings of a generation configuration that know where an answer begins, or remember it: name -> what says nothing.
A second call of `generate` takes the end of the first stretch for the end of the prompt."""

_OF_ALL_COLUMNS: Mapping[str, object] = {
    "encoder_no_repeat_ngram_size": 0,
    "min_length": 0,
    "no_repeat_ngram_size": 0,
}
"""Settings that take padding for tokens: name -> what says nothing."""

_EXTENDED = frozenset({"token_type_ids", "mm_token_type_ids", "moe_mm_token_type_ids"})
"""What transformers takes the last columns of, for the tokens that are fed."""


def _may_part(model: ChatModel, rows: Rows) -> bool:
    """Whether finished rows may leave: what goes on is then answered as in a single call."""
    return not _says(model, _OF_BEGINNING) and set(rows.token_inputs) <= _EXTENDED


def minds_padding(model: ChatModel) -> bool:
    """Whether the checkpoint's generation configuration has a setting that takes padding for tokens."""
    return _says(model, _OF_ALL_COLUMNS)


def _says(model: ChatModel, settings: Mapping[str, object]) -> bool:
    values = {name: getattr(model.network.generation_config, name, None) for name in settings}
    return any(value is not None and value != settings[name] for name, value in values.items())


def greedy(model: ChatModel, **arguments: Any) -> Any:
    """What the network's `generate` returns for these arguments, by the checkpoint's own generation configuration.

    Where that names a cache of fixed length, transformers would compile the network on a GPU, anew for each length.
    """
    with attention_kernels(model.attention):
        return model.network.generate(do_sample=False, num_beams=1, disable_compile=True, **arguments)


def token_arguments(model: ChatModel, rows: Sequence[Sequence[int]]) -> dict[str, torch.Tensor]:
    """The arguments that give a network rows of tokens, all of one length."""
    input_ids = torch.tensor([list(row) for row in rows], device=model.device)
    return {"input_ids": input_ids, "attention_mask": torch.ones_like(input_ids)}


@torch.inference_mode()
def ask_alone(model: ChatModel, images: Sequence[ChatPrepared], limits: Limits) -> list[list[ChatGeneration]]:
    """The answers to the questions about each image, each asked alone: what transformers itself answers."""
    return [[ask_one(model, image, index, limits) for index in range(len(image.prompts))] for image in images]


@torch.inference_mode()
def ask_one(model: ChatModel, image: ChatPrepared, index: int, limits: Limits) -> ChatGeneration:
    """The answer to one of an image's questions, with all pixels.

    Raises:
        RepopeError: logits are not finite.
    """
    tokens = torch.tensor([image.prompts[index]], device=model.device)
    token_inputs = model.placed(image.token_inputs[index])
    pixels = model.placed({**image.inputs, **image.question_inputs[index]})
    draws = image.draws[index : index + 1]
    rows = Rows(tokens, torch.ones_like(tokens), token_inputs, pixels=pixels, draws=draws)
    (generation,) = answer_rows(model, rows, limits)
    return generation


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
