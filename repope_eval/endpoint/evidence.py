"""The probabilities of yes and no that a reply carries, in the log probabilities of its first token."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from repope_eval.inference.spellings import is_spelling
from repope_eval.records import ROUNDING


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the first token of an answer says of yes and no."""

    p_yes: float | None
    """The probabilities of the listed spellings of yes together; None where nothing is listed."""
    p_no: float | None
    unlisted: float = 0.0
    """The probability of all tokens that are not listed: `p_yes` and `p_no` may be larger by so much at most."""
    reason: str = ""
    """Why there are no probabilities."""


STILL_THINKING = Evidence(None, None, reason="the model was still thinking")
"""Of a thought without an answer."""


def first_token_evidence(choice: Mapping[str, Any], *, is_asked: bool, has_thought: bool) -> Evidence:
    """The evidence in a choice of a reply.

    Args:
        choice: the choice, an object of JSON.
        is_asked: whether log probabilities were asked for.
        has_thought: whether the answer comes after a thought.
    """
    if not is_asked:
        return Evidence(None, None, reason="the server refuses logprobs")
    if has_thought:
        return Evidence(None, None, reason="a thought comes before the answer")
    try:
        tokens = list(_probabilities(choice["logprobs"]["content"][0]["top_logprobs"]))
    except (KeyError, IndexError, TypeError, ValueError, OverflowError, RecursionError):
        return Evidence(None, None, reason="the server sends no logprobs")
    if not tokens:
        return Evidence(None, None, reason="the server sends no logprobs")
    p_yes, p_no = (
        min(1.0, math.fsum(probability for token, probability in tokens if is_spelling(token, word)))
        for word in ("yes", "no")
    )
    return Evidence(p_yes, p_no, max(0.0, 1.0 - math.fsum(probability for _, probability in tokens)))


def _probabilities(listed: Iterable[Mapping[str, Any]]) -> Iterable[tuple[str, float]]:
    """Each listed token once, with its probability: some servers list the chosen token twice.

    Raises:
        ValueError: what is listed are no log probabilities.
    """
    found: dict[tuple[str, str], float] = {}
    for entry in listed:
        token, probability = entry["token"], math.exp(entry["logprob"])
        if not isinstance(token, str) or not 0 <= probability <= 1 + ROUNDING:
            raise ValueError
        found[token, str(entry.get("bytes"))] = probability
    return ((token, probability) for (token, _), probability in found.items())
