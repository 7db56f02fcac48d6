"""Whether a machine has a network at all, known in seconds and not after every timeout of a client."""

import threading
from collections.abc import Mapping

CONNECTING = 4.0
"""Seconds in which a connection must come about: enough over a satellite, and not long to wait without a network."""
ANSWERING = 15.0
"""Seconds more in which an answer must begin: a busy server takes some, and a proxy may never pass one on."""


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
            return f"no answer within {ANSWERING:g} s"
        return None
