"""Asking again after faults that may pass: how often, after what wait, and until when."""

import asyncio
import math
import random
from dataclasses import replace

from repope_eval.endpoint.concurrency import LONGEST_PAUSE
from repope_eval.endpoint.faults import RequestError

ATTEMPTS = 5
"""The most requests for one answer that may fail. One that the server wants to have later is none of them."""
FIRST_WAIT = 0.5
"""Seconds before the second attempt, at least; up to twice as many at random, and doubled for each further attempt."""
MOST_DOUBLINGS = 5
"""How often that wait is doubled at most where a server refuses and does not say for how long."""


class Retrying:
    """The attempts at one answer."""

    def __init__(self) -> None:
        self._attempts = 1
        self._refusals = 0
        self._refused_since = math.inf

    async def wait(self, fault: RequestError, all_refused_since: float = math.inf) -> None:
        """Waits until it is time for another attempt: as long as the server says, or longer each time.

        Args:
            fault: of the attempt that has failed.
            all_refused_since: the loop's time since which the server has refused requests and answered none.

        Raises:
            RequestError: it is no use: the fault does not pass, or has not passed.
        """
        if fault.is_pace:
            await asyncio.sleep(self._until_taken(fault, all_refused_since))
            return
        if not fault.may_pass or self._attempts >= ATTEMPTS:
            raise fault
        self._attempts += 1
        await asyncio.sleep(_own_wait(self._attempts - 2))

    def _until_taken(self, fault: RequestError, all_refused_since: float) -> float:
        """The seconds after which a server may take the request that it has refused.

        Raises:
            RequestError: it has refused for too long by then.
        """
        now = asyncio.get_running_loop().time()
        self._refused_since = min(self._refused_since, now)
        own = _own_wait(0 if fault.retry_after else min(self._refusals, MOST_DOUBLINGS))
        seconds = max(fault.retry_after, own)
        self._refusals += 1
        if now + seconds > min(self._refused_since, all_refused_since) + LONGEST_PAUSE:
            asked_for = f"Retry-After: {fault.retry_after:,g} s" if fault.retry_after else ""
            raise replace(
                fault,
                reason=f"{fault.reason} for longer than {LONGEST_PAUSE:g} s",
                detail=", ".join(filter(None, (fault.detail, asked_for))),
            )
        return seconds


def _own_wait(doublings: int) -> float:
    """Seconds before another attempt, where the server does not say how many: other clients wait for others."""
    return FIRST_WAIT * 2.0**doublings * random.uniform(1, 2)
