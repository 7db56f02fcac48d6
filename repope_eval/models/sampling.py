"""How answers are drawn, where their tokens are not the likeliest ones.

What is drawn for a question hangs on the seed, the question, the draw and the number of the token alone, and not on
what else is in the batch: a number between 0 and 1 is made of these by a hash, and picks the token in whose part of the
cumulative probability it falls. Generators of random numbers go on from row to row, so that another batch size would
give other answers.
"""

import hashlib
from dataclasses import dataclass

from repope_eval.records import Question
from repope_eval.settings.config import ModelSettings

_BYTES = 7
"""Bytes of a hash that a number is made of: 56 bits, of which a float64 keeps 53."""


@dataclass(frozen=True, slots=True)
class Sampling:
    """How answers are drawn."""

    temperature: float
    """What logits are divided by; above 0."""
    top_p: float = 1.0
    """Of the likeliest tokens that have this probability together one is drawn."""
    seed: int = 0

    def draw(self, question: Question) -> "Draw":
        """The draw of a question's answer."""
        told = f"{self.seed}\0{question.image}\0{question.text}\0{question.draw}"
        return Draw(self, hashlib.blake2b(told.encode("utf-8", errors="surrogatepass")).digest())


@dataclass(frozen=True, slots=True)
class Draw:
    """The draw of one answer."""

    sampling: Sampling
    key: bytes
    """What tells it from all other draws."""

    @property
    def server_seed(self) -> int:
        """A seed for a server, which draws by itself: 31 bits, which all servers take."""
        return int.from_bytes(self.key[:4], "big") >> 1

    def number(self, step: int) -> float:
        """A number from 0 to 1, 1 excluded, for a token of the answer, of which there are so many already."""
        digest = hashlib.blake2b(step.to_bytes(4, "big"), key=self.key, digest_size=_BYTES).digest()
        return (int.from_bytes(digest, "big") >> 3) / (1 << 53)


def sampling_of(settings: ModelSettings) -> Sampling | None:
    """How answers are drawn by the settings; None where they are greedy."""
    if not settings.temperature:
        return None
    return Sampling(settings.temperature, settings.top_p, settings.seed)
