"""How many requests are under way at a time, when one is repeated, and what came of them."""

import asyncio
import logging
import math
from collections import Counter, deque
from dataclasses import replace
from typing import Any

from repope_eval.asking.endpoint.replies import Reply, RequestError
from repope_eval.runs.manifest_form import CUT_THOUGHTS
from repope_eval.settings.config import ModelSettings
from repope_eval.system import http

log = logging.getLogger(__name__)


class Tally:
    """Counts replies and faults."""

    def __init__(self, settings: ModelSettings) -> None:
        """Begins at zero, with the prices of the settings."""
        self._prices = (settings.price_in, settings.price_out)
        self._tokens: Counter[str] = Counter()
        self._told: set[str] = set()
        """Kinds of tokens that the server counts."""
        self.retries = 0
        self.time_outs = 0
        self.failures: Counter[str] = Counter()
        """How many questions had no answer for each reason."""
        self.details: dict[str, str] = {}
        """What the server said, the first time for each reason."""
        self._said: set[str] = set()
        """Kinds of faults that the log has."""
        self.cut_thoughts = 0
        """How many questions have an empty answer because the thought before it was cut off."""
        self.with_secrets = 0
        """How many answers had a secret in them."""
        self.unknown_tags: Counter[str] = Counter()
        """How many answers begin with a tag that may hold a thought."""
        self._with_evidence = 0
        self._half_listed = 0
        """How many answers have the probability of one of the words alone: the other is not among the listed tokens."""
        self._unlisted_sum = 0.0
        self._unlisted_most = 0.0
        self._without_evidence: Counter[str] = Counter()

    def add(self, reply: Reply) -> None:
        """Adds the tokens and the evidence of one answer to the sums of the run."""
        for kind in ("tokens_in", "tokens_out", "tokens_cached"):
            number = getattr(reply, kind)
            if number is not None:
                self._told.add(kind)
                self._tokens[kind] += number
        self.cut_thoughts += reply.is_cut
        self.with_secrets += reply.has_secret
        self.unknown_tags.update(filter(None, [reply.unknown_tag]))
        evidence = reply.evidence
        if evidence.reason:
            self._without_evidence[evidence.reason] += 1
        else:
            self._with_evidence += 1
            self._half_listed += evidence.p_yes is None or evidence.p_no is None
            self._unlisted_sum += evidence.unlisted
            self._unlisted_most = max(self._unlisted_most, evidence.unlisted)

    def add_fault(self, fault: RequestError) -> None:
        """Counts a fault of one request, and says the first of each kind in the log."""
        self.time_outs += fault.is_timeout
        if fault.reason not in self._said:
            self._said.add(fault.reason)
            log.info("%s%s", fault, "; such questions are asked again" if fault.may_pass else "")

    def add_failure(self, fault: RequestError) -> None:
        """Counts a question that is left without an answer."""
        self.failures[fault.reason] += 1
        self.details.setdefault(fault.reason, str(fault))

    def facts(self) -> dict[str, Any]:
        """Tokens as far as the server counts them, the price where one is known, faults, cut thoughts, and evidence."""
        tokens: dict[str, Any] = {kind: self._tokens[kind] for kind in sorted(self._told)}
        if "tokens_cached" in tokens and tokens.get("tokens_in"):
            tokens["cache_hit_rate"] = round(tokens["tokens_cached"] / tokens["tokens_in"], 4)
        return {
            **tokens,
            **self._price(),
            "retries": self.retries,
            "time_outs": self.time_outs,
            "unanswered": dict(self.failures),
            CUT_THOUGHTS: self.cut_thoughts,
            "evidence": self._evidence(),
        }

    def _price(self) -> dict[str, float]:
        if self._prices == (None, None) or not self._told:
            return {}
        per_token = ((price or 0.0) / 1e6 for price in self._prices)
        numbers = (self._tokens["tokens_in"], self._tokens["tokens_out"])
        return {"price": round(sum(a * b for a, b in zip(per_token, numbers, strict=True)), 6)}

    def _evidence(self) -> dict[str, Any]:
        """How many answers have probabilities, by how much these may be too low, and why others have none."""
        evidence: dict[str, Any] = {"answers": self._with_evidence}
        if self._with_evidence:
            mean = self._unlisted_sum / self._with_evidence
            evidence |= {"most_unlisted": round(self._unlisted_most, 6), "mean_unlisted": round(mean, 6)}
        if self._half_listed:
            evidence["only_one_listed"] = self._half_listed
        return evidence | ({"none": dict(self._without_evidence)} if self._without_evidence else {})


MOST = 64
"""The most requests at a time where nobody says how many: a server with one GPU answers no faster with more."""
BEGINNING = 8
"""Requests at a time with which a run begins."""
LONGEST_PAUSE = 600.0
"""The longest time, in seconds, that a server may refuse requests, and the longest pause that it may ask for."""
CAREFUL = 8
"""The limit grows by one in the time of an answer, for so many times; then it grows faster."""


class Concurrency:
    """Hands out the turns of requests, within one event loop.

    The limit doubles in the time of an answer until the server says for the first time that it is busy. Each time it
    says so, the limit is halved, and grows by one in the time of an answer; after `CAREFUL` such times by two, by four,
    and so on. So a server that was busy once soon has all requests again, and one that is always close to its limit is
    asked with care.
    """

    def __init__(self, ceiling: int) -> None:
        """Begins with a few turns."""
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
            began: the loop's time at which the refused request began. The first of the requests that began together
                halves the limit, and the others say nothing new.
            pause: seconds that the server wants to be left alone; 0 where it does not say. A pause of
                more than `LONGEST_PAUSE` is not waited for.
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
        while self._under_way < self.limit and (turn := self._next_waiting()) is not None:
            self._under_way += 1
            self.highest = max(self.highest, self._under_way)
            turn.set_result(None)

    def _next_waiting(self) -> asyncio.Future[None] | None:
        for waiting in (self._urgent, self._patient):
            while waiting:
                turn = waiting.popleft()
                if not turn.done():  # cancelled
                    return turn
        return None


MOST_DOUBLINGS = 5
"""The most times that the wait is doubled where a server refuses and does not say for how long."""


class Retrying:
    """The attempts at one answer. A request that the server wants to have later does not count."""

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
        if not fault.may_pass or self._attempts >= http.ATTEMPTS:
            raise fault
        self._attempts += 1
        await asyncio.sleep(http.own_wait(self._attempts - 2))

    def _until_taken(self, fault: RequestError, all_refused_since: float) -> float:
        """The seconds after which a server may take the request that it has refused.

        Raises:
            RequestError: it has refused for too long by then.
        """
        now = asyncio.get_running_loop().time()
        self._refused_since = min(self._refused_since, now)
        own = http.own_wait(0 if fault.retry_after else min(self._refusals, MOST_DOUBLINGS))
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
