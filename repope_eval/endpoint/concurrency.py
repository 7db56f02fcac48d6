"""How many requests are under way at a time: more while a server answers, fewer where it is busy."""

import asyncio
from collections import deque

MOST = 64
"""The most requests at a time where nobody says how many: a server with one GPU answers no faster with more."""
BEGINNING = 8
"""Requests at a time with which a run begins."""
LONGEST_PAUSE = 600.0
"""The longest time, in seconds, that a server may refuse requests, and the longest pause that it may ask for."""
CAREFUL = 8
"""For how many times of an answer the limit grows by one, before it grows faster."""


class Concurrency:
    """Hands out the turns of requests, within one event loop.

    The limit doubles in the time of an answer until the server says for the first time that it is busy. Each time it
    says so, the limit is halved, and grows by one in the time of an answer; after `CAREFUL` such times by two, by four,
    and so on. A server that was busy once so has all requests again soon, and one that is always close to it is asked
    with care.
    """

    def __init__(self, ceiling: int) -> None:
        """Begins with a few turns.

        Args:
            ceiling: the most turns at a time.
        """
        self._ceiling = ceiling
        self._limit = float(min(BEGINNING, ceiling))
        self._growth = float(ceiling)
        """By how much the limit grows in the time of an answer; it doubles at most."""
        self._rounds = 0
        """Times of an answer since the server was too busy."""
        self._answers = 0
        """Answers of the round under way."""
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
        self._answers += 1
        if self._answers >= self._limit:
            self._answers = 0
            self._rounds += 1
            if self._rounds > CAREFUL:
                self._growth = min(self._ceiling, 2 * self._growth)
        self._limit = min(self._ceiling, self._limit + min(1.0, self._growth / self._limit))

    def note_busy(self, began: float, pause: float) -> None:
        """Halves the limit, and hands out no turn during a pause.

        Args:
            began: the loop's time at which the request began that the server was too busy for. Of requests that began
                together the first one halves the limit, and the others say nothing new.
            pause: seconds that the server wants to be left alone; 0 where it does not say. It is not waited for where
                it asks for more than `LONGEST_PAUSE`.
        """
        loop = asyncio.get_running_loop()
        self._growth, self._rounds, self._answers = 1.0, 0, 0
        if began >= self._halved:
            self._limit = max(1.0, self._limit / 2)
            self._halved = loop.time()
        if 0 < pause <= LONGEST_PAUSE:
            self._resumes = max(self._resumes, loop.time() + pause)
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
