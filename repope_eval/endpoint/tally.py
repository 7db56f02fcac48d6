"""What a manifest says of the requests of a run: tokens, price, faults, cut thoughts, evidence."""

import logging
from collections import Counter
from typing import Any

from repope_eval.endpoint.faults import RequestError
from repope_eval.endpoint.replies import Reply
from repope_eval.runs.manifest_form import CUT_THOUGHTS
from repope_eval.settings.config import ModelSettings

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
        if evidence.p_yes is None:
            self._without_evidence[evidence.reason] += 1
        else:
            self._with_evidence += 1
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
        found: dict[str, Any] = {"answers": self._with_evidence}
        if self._with_evidence:
            mean = self._unlisted_sum / self._with_evidence
            found |= {"most_unlisted": round(self._unlisted_most, 6), "mean_unlisted": round(mean, 6)}
        return found | ({"none": dict(self._without_evidence)} if self._without_evidence else {})
