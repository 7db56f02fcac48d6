"""What an engine returns for a question, and the evidence that its first token carries."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from transformers import PreTrainedModel

from repope_eval.asking.native.drawing import draw_tokens
from repope_eval.errors import RepopeError
from repope_eval.models.recipe import Shown
from repope_eval.models.sampling import Draw

SPACE_MARKS = " \u2581\u0120"
"""What a token starts with that follows a space: the space itself, SentencePiece's mark, byte-level BPE's."""


def is_spelling(token: str, word: str) -> bool:
    """Whether a token spells a word, which is given in lower case."""
    return token.lstrip(SPACE_MARKS).lower() == word


_NO_TOKEN = -1
"""Stands for the token of a row whose logits are not finite."""


@dataclass(frozen=True, slots=True)
class Generation:
    """What a model generated for one question."""

    token_ids: tuple[int, ...]
    """The generated tokens, the stop token included where it came."""
    p_yes: float
    """Probability that the first token is a spelling of "yes"."""
    p_no: float
    leads: tuple[float, ...] = ()
    """By how much the logit of each token leads the next best one's, or what `draw_tokens` says of a drawn token;
    empty where the engine does not note it."""
    best_logits: tuple[float, ...] = ()
    """The highest logit for each token, as the head computed it; noted where `leads` is."""


@dataclass(frozen=True, slots=True)
class Spellings:
    """The tokens of a checkpoint's vocabulary that spell yes, and those that spell no: token -> its id."""

    yes: Mapping[str, int]
    no: Mapping[str, int]


def find_spellings(shown: Shown) -> Spellings:
    """The single tokens for yes and no, in any case, with and without the mark of a leading space."""
    vocabulary = shown.vocabulary()
    return Spellings(_spellings_of(vocabulary, "yes"), _spellings_of(vocabulary, "no"))


def _spellings_of(vocabulary: Mapping[str, int], word: str) -> dict[str, int]:
    return {token: vocabulary[token] for token in sorted(vocabulary) if is_spelling(token, word)}


def bounded(network: PreTrainedModel, logits: torch.Tensor) -> torch.Tensor:
    """Logits as Gemma 2 may bound them, which changes probabilities and no choice; others as they are.

    Source: the native class, which does so from transformers 5.23 on.
    """
    bound = getattr(network.config.get_text_config(), "final_logit_softcapping", None)
    return logits if bound is None else torch.tanh(logits / bound) * bound


def choose_tokens(logits: torch.Tensor, draws: Sequence[Draw] = (), step: int = 0) -> list[int]:
    """The most likely token of each row of logits [rows, vocabulary], or the one that is drawn.

    One transfer from the device says both which tokens these are and whether the logits are finite.
    """
    finite = torch.isfinite(logits).all(dim=-1)
    chosen = draw_tokens(logits, draws, step)[0] if draws else logits.argmax(dim=-1)
    tokens: list[int] = chosen.masked_fill(~finite, _NO_TOKEN).tolist()
    require_finite(_NO_TOKEN not in tokens)
    return tokens


def require_finite(finite: bool) -> None:
    """Refuses an answer of a model whose logits were NaN or infinite.

    Raises:
        RepopeError: they were not finite: what is generated from them is no answer.
    """
    if not finite:
        raise RepopeError(
            "the model's logits are NaN or infinite, which is no answer (an overflow in float16?): "
            "use model.dtype=bfloat16 or float32, or model.quantization=none, in a folder of its own (out=)"
        )


def first_token_evidence(logits: torch.Tensor, spellings: Spellings) -> torch.Tensor:
    """Probabilities of yes and of no, [2, rows], from the logits of first tokens, [rows, vocabulary]."""
    probabilities = logits.float().softmax(dim=-1)
    spelled = (
        torch.tensor(list(tokens.values()), dtype=torch.long).to(logits.device, non_blocking=True)
        for tokens in (spellings.yes, spellings.no)
    )
    return torch.stack([probabilities[:, tokens].sum(dim=-1) for tokens in spelled])
