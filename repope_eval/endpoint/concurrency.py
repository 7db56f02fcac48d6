"""How many requests are under way at a time: more while a server answers, fewer where it is busy."""

import asyncio
from collections import deque

MOST = 64
"""The most requests at a time where nobody says how many: a server with one GPU answers no faster with more."""
BEGINNING = 8
"""Requests at a time with which a run begins."""
LONGEST_PAUSE = 60.0
"""The longest pause, in seconds, that a server may ask for with Retry-After."""


class Concurrency:
    """Hands out the turns of requests, within one event loop.

    The limit doubles in the time of an answer until the server says for the first time that it is busy; from then on it
    grows by one in that time. Each time the server says so, the limit is halved.
    """

    def __init__(self, ceiling: int) -> None:
        """Begins with a few turns.

        Args:
            ceiling: the most turns at a time.
        """
        self._ceiling = ceiling
        self._limit = float(min(BEGINNING, ceiling))
        self._is_new = True
        """Whether the server has never been too busy."""
        self._under_way = 0
        self.highest = 0
        """The most requests that were under way at a time."""
        self._halved = float("-inf")
        self._resumes = float("-inf")
        self._urgent: deque[asyncio.Future[None]] = deque()
        self._patient: deque[asyncio.Future[None]] = deque()

    @property
    def limit(self) -> int:
        """How many requests may be under way now."""
        return int(self._limit)

    async def take(self, *, is_urgent: bool) -> None:
        """Waits for a turn.

        Args:
            is_urgent: whether this request goes before those that are not: it is about an image that the server has in
                its cache.
        """
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        (self._urgent if is_urgent else self._patient).append(turn)
        self._hand_out()
        await turn

    def give_back(self) -> None:
        """Ends the turn of a request that is over, and hands it to the next one that waits."""
        self._under_way -= 1
        self._hand_out()

    def note_answer(self) -> None:
        """Raises the limit after an answer."""
        step = 1.0 if self._is_new else 1.0 / self._limit
        self._limit = min(self._ceiling, self._limit + step)

    def note_busy(self, began: float, pause: float) -> None:
        """Halves the limit, and hands out no turn during a pause.

        Args:
            began: the loop's time at which the request began that the server was too busy for. Of requests that began
                together the first one halves the limit, and the others say nothing new.
            pause: seconds that the server wants to be left alone; 0 where it does not say.
        """
        loop = asyncio.get_running_loop()
        self._is_new = False
        if began >= self._halved:
            self._limit = max(1.0, self._limit / 2)
            self._halved = loop.time()
        if pause > 0:
            self._resumes = max(self._resumes, loop.time() + min(pause, LONGEST_PAUSE))
            loop.call_at(self._resumes + 0.001, self._hand_out)

    def _hand_out(self) -> None:
        if asyncio.get_running_loop().time() < self._resumes:
            return
        while self._under_way < self.limit and (turn := self._next()) is not None:
            self._under_way += 1
            self.highest = max(self.highest, self._under_way)
            turn.set_result(None)

    def _next(self) -> asyncio.Future[None] | None:
        for waiting in (self._urgent, self._patient):
            while waiting:
                turn = waiting.popleft()
                if not turn.done():  # cancelled
                    return turn
        return None
