"""Asking again after faults that may pass: how often, and after what wait."""

import asyncio
import random

from repope_eval.endpoint.concurrency import LONGEST_PAUSE
from repope_eval.endpoint.faults import RequestError

ATTEMPTS = 5
"""The most requests for one answer."""
FIRST_WAIT = 0.5
"""Seconds before the second attempt, at least; up to twice as many at random, and doubled for each further attempt."""


class Retrying:
    """The attempts at one answer."""

    def __init__(self) -> None:
        self._attempts = 1

    async def wait(self, fault: RequestError) -> None:
        """Waits until it is time for another attempt.

        Raises:
            RequestError: it is no use: the fault does not pass, or has not passed.
        """
        if not fault.may_pass or self._attempts >= ATTEMPTS:
            raise fault
        seconds = FIRST_WAIT * 2 ** (self._attempts - 1) * random.uniform(1, 2)
        self._attempts += 1
        await asyncio.sleep(max(seconds, min(fault.retry_after, LONGEST_PAUSE)))
