"""How long a connection may take to ask, and how many may be about to: nobody without the token holds the others up."""

import asyncio

from uvicorn.protocols.http.h11_impl import H11Protocol

SECONDS_TO_ASK = 5
"""How long the head of a request may take, from the connection's beginning or the answer before."""

MOST_WAITED_FOR = 64
"""The most connections that are waited for; a browser has six."""

MOST_ACCEPTED = 100
"""The most connections that are accepted at once; with those waited for, fewer files than any system allows."""


class BoundedConnection(H11Protocol):
    """A connection that is closed when it does not ask in time, or has waited longest among too many."""

    _asks_by: asyncio.TimerHandle | None = None
    """When it is closed; None while a request is answered."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begins to wait, and ends the longest of too many waits."""
        super().connection_made(transport)
        self._wait()
        waits = {
            each: each._asks_by.when()
            for each in self.connections
            if isinstance(each, BoundedConnection) and each._asks_by is not None
        }
        if len(waits) > MOST_WAITED_FOR:
            min(waits, key=waits.__getitem__)._give_up()

    def handle_events(self) -> None:
        """Takes what was sent; the wait is over once it is a whole head."""
        super().handle_events()
        if self.cycle is not None and not self.cycle.response_complete:
            self._end_wait()

    def on_response_complete(self) -> None:
        """Waits for the next request."""
        self._wait()
        super().on_response_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        """Ends the wait with the connection."""
        self._end_wait()
        super().connection_lost(exc)

    def _wait(self) -> None:
        self._end_wait()
        self._asks_by = self.loop.call_later(SECONDS_TO_ASK, self._give_up)

    def _end_wait(self) -> None:
        if self._asks_by is not None:
            self._asks_by.cancel()
            self._asks_by = None

    def _give_up(self) -> None:
        self._end_wait()
        self.transport.close()
