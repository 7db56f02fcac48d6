"""What a reply must be to be an answer."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from repope_eval.endpoint.evidence import STILL_THINKING, Evidence, first_token_evidence, has_thought
from repope_eval.endpoint.faults import RequestError, complaint
from repope_eval.scoring.thoughts import answer_in, is_thought_alone


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """An answer, and what the server tells of it."""

    text: str
    """The answer; empty where there is none because the thought before it was cut off."""
    is_cut: bool = False
    """Whether the model was still thinking when the reply ended."""
    model: str
    """The model that the server names; empty where it names none."""
    evidence: Evidence
    tokens_in: int | None
    """Tokens of the prompt; None where the server does not tell."""
    tokens_out: int | None
    """Tokens generated, those of a thought included; None where the server does not tell."""
    tokens_cached: int | None
    """Tokens of the prompt that the server had in its cache; None where the server does not tell."""


def read_reply(text: str, *, asks_evidence: bool) -> Reply:
    """Reads the body of a reply whose HTTP status is fine.

    Args:
        text: the body.
        asks_evidence: whether log probabilities were asked for.

    Raises:
        RequestError: it holds no answer.
    """
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        what = "a page in place of JSON" if text.lstrip().startswith("<") else "no JSON"
        raise RequestError(what, may_pass=True) from error
    if not isinstance(document, Mapping) or document.get("error"):
        raise RequestError("an error in place of an answer", complaint(text), may_pass=True)
    choice = _first_choice(document)
    text_of_answer, is_cut = _answer_text(choice)
    usage = _object(document, "usage")
    named = document.get("model")
    return Reply(
        text=text_of_answer,
        is_cut=is_cut,
        model=named if isinstance(named, str) else "",
        evidence=STILL_THINKING if is_cut else first_token_evidence(choice, is_asked=asks_evidence),
        tokens_in=_number(usage, "prompt_tokens"),
        tokens_out=_number(usage, "completion_tokens"),
        tokens_cached=_number(_object(usage, "prompt_tokens_details"), "cached_tokens"),
    )


def _first_choice(document: Mapping[str, Any]) -> Mapping[str, Any]:
    choices = document.get("choices")
    choice = choices[0] if isinstance(choices, list) and choices else None
    if not isinstance(choice, Mapping) or not isinstance(choice.get("message"), Mapping):
        raise RequestError("a reply without choices", may_pass=True)
    return choice


def _answer_text(choice: Mapping[str, Any]) -> tuple[str, bool]:
    """The text of the answer, and whether it is empty because the thought before it was cut off.

    A refusal and an empty text are answers; the thought before an answer is no part of it.

    Raises:
        RequestError: there is no text.
    """
    message = choice["message"]
    content, refusal = message.get("content"), message.get("refusal")
    if isinstance(content, list):
        texts = [part.get("text") for part in content if isinstance(part, Mapping)]
        content = "".join(text for text in texts if isinstance(text, str))
    if isinstance(content, str) and is_thought_alone(content):
        return "", True
    if isinstance(content, str) and (content or not has_thought(message)):
        return answer_in(content), False
    if isinstance(refusal, str):
        return refusal, False
    if choice.get("finish_reason") == "length":
        return "", True
    if isinstance(content, str):
        return content, False
    raise RequestError("a reply without text", may_pass=True)


def _object(document: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    found = document.get(key)
    return found if isinstance(found, Mapping) else {}


def _number(document: Mapping[str, Any], key: str) -> int | None:
    found = document.get(key)
    return found if type(found) is int and found >= 0 else None
