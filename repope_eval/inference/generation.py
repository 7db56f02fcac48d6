"""What an engine returns for a question, and the evidence that its first token carries."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from repope_eval.errors import RepopeError
from repope_eval.models.recipe import Recipe


@dataclass(frozen=True, slots=True)
class Generation:
    """What a model generated for one question."""

    token_ids: tuple[int, ...]
    """The generated tokens, the stop token included where it came."""
    p_yes: float
    """Probability that the first token is a spelling of "yes"."""
    p_no: float


@dataclass(frozen=True, slots=True)
class Spellings:
    """The tokens that alone spell yes, and those that spell no, in a checkpoint's vocabulary."""

    yes: tuple[int, ...]
    no: tuple[int, ...]


def find_spellings(recipe: Recipe) -> Spellings:
    """The single tokens for yes and no in lower, title and upper case, with and without a leading space."""
    return Spellings(_single_tokens(recipe, "yes"), _single_tokens(recipe, "no"))


def _single_tokens(recipe: Recipe, word: str) -> tuple[int, ...]:
    cases = (word, word.title(), word.upper())
    encoded = [recipe.encode(space + case) for case in cases for space in ("", " ")]
    return tuple(sorted({token_ids[0] for token_ids in encoded if len(token_ids) == 1}))


def require_finite(logits: torch.Tensor) -> None:
    """Refuses logits that are NaN or infinite.

    Raises:
        RepopeError: what would be generated from them is no answer.
    """
    if not torch.isfinite(logits).all():
        raise RepopeError(
            "the model's logits are NaN or infinite, which is no answer (an overflow in float16?): "
            "use model.dtype=bfloat16 or float32, or model.quantization=none"
        )


def first_token_evidence(logits: torch.Tensor, spellings: Spellings) -> tuple[list[float], list[float]]:
    """Probabilities of yes and of no from the logits of first tokens, [rows, vocabulary].

    Raises:
        RepopeError: logits that are not finite: what would be generated from them is no answer.
    """
    require_finite(logits)
    probabilities = logits.float().softmax(dim=-1)
    return tuple(  # type: ignore[return-value]
        probabilities[:, list(token_ids)].sum(dim=-1).tolist() for token_ids in (spellings.yes, spellings.no)
    )


def common_prefix_length(prompts: Sequence[Sequence[int]]) -> int:
    """How many first tokens all prompts share, leaving each at least one token of its own."""
    longest = min(map(len, prompts)) - 1
    first = prompts[0]
    for place in range(longest):
        if any(prompt[place] != first[place] for prompt in prompts):
            return place
    return longest
