"""What can be wrong with a reply: it may pass, it concerns one question, or it ends the run."""

import email.utils
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass

from repope_eval.wording import LONGEST_WORD

_CONCERNS_ONE = (400, 413, 415, 422)
"""What a server says of a request that it cannot take, because of its image, say, while it takes others."""
_MAY_PASS = (408, 409, 425, 429)
"""What a server says of a request, not a 5xx, that it may take later."""
_BUSY = (429, 503, 504, 529)
"""What a server says when it is asked too much at once."""

_REDIRECTED = "give the address that it redirects to as model.url"
_NOT_TAKEN = "check whether the model takes images, and the settings of model"
_MENDS = {
    **dict.fromkeys((301, 302, 303, 307, 308), _REDIRECTED),
    **dict.fromkeys(_CONCERNS_ONE, _NOT_TAKEN),
    402: "pay for more, then type the same command again",
    404: "check model.url, which mostly ends with /v1, and model.checkpoint, the name of the model there",
}


@dataclass(eq=False)
class RequestError(Exception):
    """Why a question was not answered."""

    reason: str
    """What is wrong, in words that are the same for each question that it happens to."""
    detail: str = ""
    """What the server said of it; empty where it said nothing."""
    may_pass: bool = False
    """Whether asking again may help."""
    is_busy: bool = False
    """Whether the server is asked too much at once."""
    is_timeout: bool = False
    retry_after: float = 0.0
    """Seconds that the server wants to be left alone."""
    status: int = 0
    """The HTTP status where the server refused the request; 0 where it is another fault."""
    ends_run: bool = False
    """Whether all other questions would have the same fault."""
    mend: str = "check model.url and whether the server is up"
    """What a user can do about it."""

    def __str__(self) -> str:
        return f"{self.reason}: {self.detail}" if self.detail else self.reason


def fault_of(status: int, headers: Mapping[str, str], text: str) -> RequestError:
    """The fault that a reply with an HTTP status other than 2xx is.

    Args:
        status: the HTTP status.
        headers: of the reply, found in any case.
        text: its body, without secrets.
    """
    may_pass = status in _MAY_PASS or status >= 500
    return RequestError(
        f"HTTP {status}",
        complaint(text),
        may_pass=may_pass,
        is_busy=status in _BUSY,
        retry_after=_retry_after(headers.get("Retry-After", "")) if may_pass else 0.0,
        status=status,
        ends_run=not may_pass and status not in _CONCERNS_ONE,
        mend="try again later" if may_pass else _MENDS.get(status, "check model.url"),
    )


def complaint(text: str) -> str:
    """What the body of a refusal says, on one line: the message in JSON that servers send, or the text itself."""
    found: object = text
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        if text.lstrip().startswith("<"):
            found = ""  # a page, of which no line says more than the status
    for key in ("error", "message", "detail"):
        if isinstance(found, Mapping) and found.get(key):
            found = found[key]
    words = " ".join(str(found).split())
    return words if len(words) <= 2 * LONGEST_WORD else f"{words[: 2 * LONGEST_WORD]}..."


def _retry_after(value: str) -> float:
    """The wait in seconds that a server asks for, as a number or a date; 0 where it asks for none."""
    try:
        return max(0.0, float(value))
    except ValueError:
        pass
    try:
        return max(0.0, email.utils.parsedate_to_datetime(value.strip()).timestamp() - time.time())
    except (ValueError, OverflowError):
        return 0.0
