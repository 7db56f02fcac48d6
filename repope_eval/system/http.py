"""What holds for any server that is asked over HTTP: its faults, the waits between attempts, and its first contact."""

import email.utils
import math
import random
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from repope_eval.errors import RepopeError

if TYPE_CHECKING:  # slow to import, and only what asks a server needs it
    import httpx2

AGENT = {"User-Agent": "repope-eval"}
"""The header by which a server may know who asks."""
CONNECT_TIMEOUT = 10.0
"""Seconds to wait for a connection."""
ATTEMPTS = 5
"""The most requests for one thing, where the fault may pass."""
FIRST_WAIT = 0.5
"""Seconds before the second attempt, at least; up to twice as many at random, and doubled for each further attempt."""

NO_CONNECTION = "no connection"
CUT = "the connection was cut"

_MAY_PASS = (408, 409, 425, 429)
"""Statuses below 500 of a request that the server may take later."""


@dataclass(eq=False)
class HTTPError(Exception):
    """Why a server gave nothing."""

    reason: str
    """What is wrong, in words that are the same each time that it happens."""
    detail: str = ""
    """What else was said of it; empty where nothing was."""
    may_pass: bool = False
    """Whether asking again may help."""
    no_connection: bool = False
    """Whether the server itself was not reached, so that nothing else can be had from it either."""
    retry_after: float = 0.0
    """Seconds that the server wants to be left alone; 0 where it does not say."""

    def __str__(self) -> str:
        return f"{self.reason}: {self.detail}" if self.detail else self.reason


def status_may_pass(status: int) -> bool:
    """Whether what a server refuses with an HTTP status may be had later."""
    return status in _MAY_PASS or status >= 500


def retry_after(headers: Mapping[str, str]) -> float:
    """The wait in seconds that a server asks for; 0 where it asks for none.

    Retry-After is a number of seconds or a date (RFC 9110, section 10.2.3). A date is of the server's clock, which
    the header Date shows: ours may be wrong.
    """
    value = headers.get("Retry-After", "").strip()
    try:
        seconds = float(value)
    except ValueError:
        moment = _date_seconds(value)
        now = _date_seconds(headers.get("Date", "")) or time.time()
        seconds = 0.0 if moment is None else moment - now
    return max(0.0, seconds) if math.isfinite(seconds) else 0.0


def _date_seconds(date: str) -> float | None:
    """The time of an HTTP date in seconds since 1970; None where it is none."""
    try:
        return email.utils.parsedate_to_datetime(date.strip()).timestamp()
    except (ValueError, OverflowError, OSError):
        return None


def own_wait(doublings: int) -> float:
    """Seconds before another attempt, where the server does not say how many: other clients wait for others."""
    return FIRST_WAIT * 2.0**doublings * random.uniform(1, 2)


def is_unreachable(error: "httpx2.RequestError | httpx2.InvalidURL") -> bool:
    """Whether no connection to the server came about, as it may another time."""
    import httpx2

    return isinstance(error, httpx2.ConnectError | httpx2.ConnectTimeout | httpx2.ProxyError)


def is_no_address(error: "httpx2.RequestError | httpx2.InvalidURL") -> bool:
    """Whether a server's address is none that can be asked."""
    import httpx2

    return isinstance(error, httpx2.InvalidURL | httpx2.UnsupportedProtocol | httpx2.LocalProtocolError)


@contextmanager
def environment_heeded(refusal: str) -> Iterator[None]:
    """Names the environment's settings where no client can be made with them.

    Args:
        refusal: what is not possible then, as the beginning of a line.

    Raises:
        RepopeError: a proxy or certificate setting is wrong.
    """
    import httpx2

    try:
        yield
    except (ValueError, ImportError, OSError, httpx2.InvalidURL) as error:
        raise RepopeError(
            f"{refusal} with these proxy or certificate settings ({error}); "
            "check HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and SSL_CERT_FILE"
        ) from error


CONNECTING = 4.0
"""Seconds in which a connection must come about: enough over a satellite, and not long to wait without a network."""
ANSWERING = 15.0
"""Seconds more in which an answer must begin: a busy server takes some, and a proxy may never pass one on."""


def no_answer_text() -> str:
    """What is said of a server that was reached and stays silent, whoever notices it first: the client or who waits."""
    return f"no answer within {ANSWERING:g} s"


class Contact:
    """Hears from an HTTP client whether a server, or the proxy before it, has been reached and has answered.

    No timeout of the client ends the search for a host's address, which may take minutes on a machine that is offline.
    """

    def __init__(self) -> None:
        self._begun = threading.Event()
        self._reached = threading.Event()
        self._answered = threading.Event()
        self._fault = ""

    def trace(self, event: str, info: Mapping[str, object]) -> None:
        """Takes what the client tells a request's `trace` extension."""
        if event.endswith("connect_tcp.started"):
            self._begun.set()
        elif event.endswith("connect_tcp.complete"):
            self._reached.set()
        elif event.endswith("connect_tcp.failed"):
            self._fault = f" ({info['exception']})"

    def end(self) -> None:
        """Notes that a request has ended, in whatever way, so that nobody waits for it."""
        for event in (self._begun, self._reached, self._answered):
            event.set()

    def wait(self) -> str | None:
        """Waits until a server has answered, or a request has ended; returns why there is no use in waiting longer."""
        self._begun.wait()
        if not self._reached.wait(CONNECTING):
            return f"no connection within {CONNECTING:g} s{self._fault}"
        if not self._answered.wait(ANSWERING):
            return no_answer_text()
        return None
