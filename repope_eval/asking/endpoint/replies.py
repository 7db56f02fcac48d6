"""What a reply must be to be an answer, what can be wrong with it, and the probabilities that it carries.

An error, a filter's verdict or a call of a tool is no answer: the server itself does not call it one. A refusal in
words is the model's answer, and so is an empty text.
"""

import json
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from repope_eval.asking.native.generation import is_spelling
from repope_eval.records import ROUNDING
from repope_eval.scoring.protocols import (
    THOUGHT_FIELDS,
    THOUGHT_PARTS,
    answer_in,
    has_thought,
    is_thought_alone,
    unknown_tag,
)
from repope_eval.system.http import HTTPError, retry_after, status_may_pass
from repope_eval.system.secrets import masked
from repope_eval.wording import LONGEST_WORD

LONGEST_READ = 10_000
"""Characters of a message that are looked at."""

_CONCERNS_ONE = (400, 413, 415, 422)
"""What a server says of a request that it cannot take, because of its image, say, while it takes others."""
_BUSY = (429, 503, 504, 529)
"""What a server says when it is asked too much at once."""
_SPENT = "insufficient_quota"
"""The code in OpenAI's 429 for an account without money, which no wait mends."""

_REDIRECTED = "give the address that it redirects to as model.url"
_NOT_TAKEN = "check whether the model takes images, and the settings of model"
_MENDS = {
    **dict.fromkeys((301, 302, 303, 307, 308), _REDIRECTED),
    **dict.fromkeys(_CONCERNS_ONE, _NOT_TAKEN),
    402: "pay for more, then type the same command again",
    404: "check model.url, which mostly ends with /v1, and model.checkpoint, the name of the model there",
}


@dataclass(eq=False)
class RequestError(HTTPError):
    """Why a question was not answered."""

    is_busy: bool = False
    """Whether the server is asked too much at once."""
    is_timeout: bool = False
    status: int = 0
    """The HTTP status where the server refused the request; 0 where it is another fault."""
    ends_run: bool = False
    """Whether all other questions would have the same fault."""
    mend: str = "check model.url and whether the server is up"
    """What a user can do about it."""

    @property
    def is_pace(self) -> bool:
        """Whether the server takes the request, but later: asking it now was no failed attempt."""
        return self.may_pass and (self.status == 429 or self.retry_after > 0)


def fault_of(status: int, headers: Mapping[str, str], body: object) -> RequestError:
    """The fault that a reply reports by an HTTP status other than 2xx.

    Args:
        status: the HTTP status.
        headers: the reply's; their names are found in any case.
        body: its text, or what is in it as JSON.
    """
    is_spent = status == 429 and isinstance(body, str) and _SPENT in body
    may_pass = not is_spent and status_may_pass(status)
    return RequestError(
        f"HTTP {status}",
        complaint(body),
        may_pass=may_pass,
        is_busy=may_pass and status in _BUSY,
        retry_after=retry_after(headers) if may_pass else 0.0,
        status=status,
        ends_run=not may_pass and status not in _CONCERNS_ONE,
        mend="try again later" if may_pass else _MENDS.get(402 if is_spent else status, "check model.url"),
    )


def complaint(body: object) -> str:
    """What a refusal says, on one line and without secrets: the message in a server's JSON, or the text itself."""
    try:
        message = json.loads(body) if isinstance(body, str) else body
        for key in ("error", "message", "detail"):
            if isinstance(message, Mapping) and message.get(key):
                message = message[key]
        words = str(message)
    except (ValueError, RecursionError):
        # A web page says no more than the status.
        words = body if isinstance(body, str) and not body.lstrip().startswith("<") else ""
    words = " ".join(masked(words[:LONGEST_READ], even_words=True).split())
    return words if len(words) <= 2 * LONGEST_WORD else f"{words[: 2 * LONGEST_WORD]}..."


@dataclass(frozen=True, slots=True)
class FirstTokenEvidence:
    """What the first token of an answer says of yes and no."""

    p_yes: float | None
    """The probabilities of the listed spellings of yes together; None where none is listed.

    Such a word is not impossible, but below what is listed: less likely than each listed token. Its probability is
    known to be 0 only where the listed tokens leave nothing.
    """
    p_no: float | None
    unlisted: float = 0.0
    """The probability of all tokens that are not listed: `p_yes` and `p_no` may be larger by so much at most."""
    reason: str = ""
    """Why there are no probabilities."""


NOT_ASKED = FirstTokenEvidence(None, None, reason="a description was asked for")
"""The evidence in a caption."""

STILL_THINKING = FirstTokenEvidence(None, None, reason="the model was still thinking")
"""The evidence in a thought without an answer."""


def first_token_evidence(
    choice: Mapping[str, Any], *, is_asked: bool, has_thought: bool
) -> FirstTokenEvidence:
    """The evidence in a choice of a reply."""
    if not is_asked:
        return FirstTokenEvidence(None, None, reason="the server refuses logprobs")
    if has_thought:
        return FirstTokenEvidence(None, None, reason="a thought comes before the answer")
    try:
        tokens = list(_token_probabilities(choice["logprobs"]["content"][0]["top_logprobs"]))
    except (KeyError, IndexError, TypeError, ValueError, OverflowError, RecursionError):
        return FirstTokenEvidence(None, None, reason="the server sends no logprobs")
    if not tokens:
        return FirstTokenEvidence(None, None, reason="the server sends no logprobs")
    unlisted = max(0.0, 1.0 - math.fsum(probability for _, probability in tokens))
    p_yes, p_no = (_word_probability(word, tokens, unlisted) for word in ("yes", "no"))
    reason = "neither yes nor no is among the tokens that the server lists" if p_yes is p_no is None else ""
    return FirstTokenEvidence(p_yes, p_no, unlisted, reason)


def _word_probability(word: str, tokens: Iterable[tuple[str, float]], unlisted: float) -> float | None:
    """The probability of all spellings of a word that are listed; None where none is, and something is not listed."""
    spelled = [probability for token, probability in tokens if is_spelling(token, word)]
    return min(1.0, math.fsum(spelled)) if spelled or not unlisted else None


def _token_probabilities(listed: Iterable[Mapping[str, Any]]) -> Iterable[tuple[str, float]]:
    """Each listed token once, with its probability: some servers list the chosen token twice.

    Raises:
        ValueError: what is listed are no log probabilities.
    """
    probabilities: dict[tuple[str, str], float] = {}
    for entry in listed:
        token, probability = entry["token"], math.exp(entry["logprob"])
        if not isinstance(token, str) or not 0 <= probability <= 1 + ROUNDING:
            raise ValueError
        probabilities[token, str(entry.get("bytes"))] = probability
    return ((token, probability) for (token, _), probability in probabilities.items())


MOST_TOKENS = 10**9
"""The most tokens that a server may tell of: a larger number counts nothing."""
LONGEST_NAME = 500
"""Characters of a model's name that are read."""

_BROKEN_OFF = ("error", "abort", "insufficient_system_resource")
"""`finish_reason` of OpenRouter, of vLLM and SGLang, and of DeepSeek where the server failed."""
_TOOL_CALLS = ("tool_calls", "function_call")
"""`finish_reason`, and the fields of a message, that hold calls."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """An answer, and what the server tells of it."""

    text: str
    """The answer, without secrets; empty where there is none because the thought before it was cut off."""
    is_cut: bool = False
    """Whether the model was still thinking when the reply ended."""
    has_secret: bool = False
    """Whether a secret was in the answer."""
    unknown_tag: str | None = None
    """The tag around what may be a thought; it stays in the answer."""
    model: str
    """The model that the server names; empty where it names none."""
    evidence: FirstTokenEvidence
    tokens_in: int | None
    """Tokens of the prompt; None where the server does not tell."""
    tokens_out: int | None
    """Tokens generated, those of a thought included; None where the server does not tell."""
    tokens_cached: int | None
    """Tokens of the prompt that the server had in its cache; None where the server does not tell."""


@dataclass(frozen=True, slots=True)
class _Message:
    """What a message says."""

    content: str | None
    """The text, with thoughts that are not kept apart; None where there is none."""
    refusal: str | None
    is_thoughtful: bool
    """Whether it has a thought, apart from its text or in it."""


def read_reply(text: str, *, asks_evidence: bool) -> Reply:
    """Reads the body of a reply whose HTTP status is fine.

    Raises:
        RequestError: it holds no answer.
    """
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        what = "a page in place of JSON" if text.lstrip().startswith("<") else "no JSON"
        raise RequestError(what, may_pass=True) from error
    if not isinstance(document, Mapping) or document.get("error"):
        raise _failure_in(document)
    choice = _first_choice(document)
    message = _read_message(choice["message"])
    answer, is_cut = _answer_text(choice, message)
    usage = _object_field(document, "usage")
    named = document.get("model")
    return Reply(
        text=masked(answer),
        is_cut=is_cut,
        has_secret=masked(answer) != answer,
        unknown_tag=unknown_tag(answer),
        model=named[:LONGEST_NAME] if isinstance(named, str) else "",
        evidence=STILL_THINKING
        if is_cut
        else first_token_evidence(choice, is_asked=asks_evidence, has_thought=message.is_thoughtful),
        tokens_in=_number_field(usage, "prompt_tokens"),
        tokens_out=_number_field(usage, "completion_tokens"),
        tokens_cached=_number_field(_object_field(usage, "prompt_tokens_details"), "cached_tokens"),
    )


def _first_choice(document: Mapping[str, Any]) -> Mapping[str, Any]:
    """The choice with the lowest index: one was asked for, and a server may send several in any order."""
    listed = document.get("choices")
    choices = [each for each in listed if isinstance(each, Mapping)] if isinstance(listed, list) else []
    choice = min(choices, key=_choice_index, default={})
    if choice.get("error"):
        raise _failure_in(choice)
    if not isinstance(choice.get("message"), Mapping):
        raise RequestError("a reply without choices", may_pass=True)
    return choice


def _choice_index(choice: Mapping[str, Any]) -> int:
    index = choice.get("index")
    return index if type(index) is int else 0


def _failure_in(document: Any) -> RequestError:
    """The fault of a reply, or of a choice in it, that holds an error. OpenRouter gives it the HTTP status it had."""
    error = document.get("error") if isinstance(document, Mapping) else None
    code = error.get("code") if isinstance(error, Mapping) else None
    if not (type(code) is int and 400 <= code <= 599):
        return RequestError("an error in place of an answer", complaint(document), may_pass=True)
    fault = fault_of(code, {}, document)
    ends_run = fault.ends_run and code in (401, 402)  # others may concern one question
    return replace(fault, reason=f"error {code} in place of an answer", ends_run=ends_run)


def _read_message(message: Mapping[str, Any]) -> _Message:
    content, refusal = message.get("content"), message.get("refusal")
    is_thoughtful = any(message.get(field) for field in THOUGHT_FIELDS)
    if isinstance(content, list):
        parts = [part for part in content if isinstance(part, Mapping)]
        said = [part for part in parts if str(part.get("type")) not in THOUGHT_PARTS]
        texts = [part["text"] for part in said if isinstance(part.get("text"), str)]
        refusals = [part["refusal"] for part in said if isinstance(part.get("refusal"), str)]
        content, refusal = "".join(texts), refusal or "".join(refusals)
        is_thoughtful |= len(said) < len(parts)
    content = content if isinstance(content, str) else None
    refusal = refusal if isinstance(refusal, str) and refusal else None
    return _Message(content, refusal, is_thoughtful or has_thought(content or ""))


def _answer_text(choice: Mapping[str, Any], message: _Message) -> tuple[str, bool]:
    """The text of the answer, and whether it is empty because the thought before it was cut off."""
    content, ending = message.content or "", choice.get("finish_reason")
    if ending in _BROKEN_OFF:
        raise RequestError(f"an answer that ended with {ending}", complaint(content), may_pass=True)
    if is_thought_alone(content):
        return "", True
    answer = answer_in(content) or message.refusal or ""
    if answer.strip():
        return answer, False
    if isinstance(ending, str) and re.match("content_?filter", ending):  # Gemini's has a reason behind it
        raise RequestError("nothing that the server's content filter let pass", mend="ask another server")
    if ending in _TOOL_CALLS or any(choice["message"].get(field) for field in _TOOL_CALLS):
        raise RequestError("a call of a tool in place of an answer", may_pass=True)
    if ending == "length" and (message.content is None or message.is_thoughtful) and not has_thought(content):
        return "", True
    if message.content is None:
        raise RequestError("a reply without text", may_pass=True)
    return answer, False


def _object_field(document: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = document.get(key)
    return value if isinstance(value, Mapping) else {}


def _number_field(document: Mapping[str, Any], key: str) -> int | None:
    value = document.get(key)
    return value if type(value) is int and 0 <= value <= MOST_TOKENS else None
