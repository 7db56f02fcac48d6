"""What can be wrong with a reply: it may pass, it concerns one question, or it ends the run."""

import email.utils
import json
import math
import time
from collections.abc import Mapping
from dataclasses import dataclass

from repope_eval.settings.secrets import masked
from repope_eval.wording import LONGEST_WORD

LONGEST_READ = 10_000
"""Characters of a message that are looked at."""

_CONCERNS_ONE = (400, 413, 415, 422)
"""What a server says of a request that it cannot take, because of its image, say, while it takes others."""
_MAY_PASS = (408, 409, 425, 429)
"""What a server says of a request, not a 5xx, that it may take later."""
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
    """Seconds that the server wants to be left alone; 0 where it does not say."""
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

    def __str__(self) -> str:
        return f"{self.reason}: {self.detail}" if self.detail else self.reason


def fault_of(status: int, headers: Mapping[str, str], body: object) -> RequestError:
    """The fault that a reply with an HTTP status other than 2xx is.

    Args:
        status: the HTTP status.
        headers: of the reply, found in any case.
        body: its text, or what is in it as JSON.
    """
    is_spent = status == 429 and isinstance(body, str) and _SPENT in body
    may_pass = not is_spent and (status in _MAY_PASS or status >= 500)
    return RequestError(
        f"HTTP {status}",
        complaint(body),
        may_pass=may_pass,
        is_busy=may_pass and status in _BUSY,
        retry_after=_retry_after(headers) if may_pass else 0.0,
        status=status,
        ends_run=not may_pass and status not in _CONCERNS_ONE,
        mend="try again later" if may_pass else _MENDS.get(402 if is_spent else status, "check model.url"),
    )


def complaint(body: object) -> str:
    """What a refusal says, on one line and without secrets: the message in JSON that servers send, or the text itself.

    Args:
        body: the text of a reply, or what is in it as JSON.
    """
    try:
        found = json.loads(body) if isinstance(body, str) else body
        for key in ("error", "message", "detail"):
            if isinstance(found, Mapping) and found.get(key):
                found = found[key]
        words = str(found)
    except (ValueError, RecursionError):
        # Of a page no line says more than the status.
        words = body if isinstance(body, str) and not body.lstrip().startswith("<") else ""
    words = " ".join(masked(words[:LONGEST_READ], even_words=True).split())
    return words if len(words) <= 2 * LONGEST_WORD else f"{words[: 2 * LONGEST_WORD]}..."


def _retry_after(headers: Mapping[str, str]) -> float:
    """The wait in seconds that a server asks for; 0 where it asks for none.

    Retry-After is a number of seconds or a date (RFC 9110, section 10.2.3). A date is of the server's clock, which
    the header Date shows: ours may be wrong.
    """
    value = headers.get("Retry-After", "").strip()
    try:
        seconds = float(value)
    except ValueError:
        moment = _moment(value)
        now = _moment(headers.get("Date", "")) or time.time()
        seconds = 0.0 if moment is None else moment - now
    return max(0.0, seconds) if math.isfinite(seconds) else 0.0


def _moment(date: str) -> float | None:
    """The time of an HTTP date in seconds since 1970; None where it is none."""
    try:
        return email.utils.parsedate_to_datetime(date.strip()).timestamp()
    except (ValueError, OverflowError, OSError):
        return None
