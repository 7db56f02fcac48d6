"""The same answers under every protocol: what each reads, and where they part."""

from collections.abc import Mapping
from dataclasses import dataclass

from repope_eval.config import Protocol
from repope_eval.scoring.protocols import Reading


@dataclass(frozen=True, slots=True, kw_only=True)
class Disagreement:
    """One response that the protocols do not read alike."""

    response: str
    n_answers: int
    """Questions that it is the answer to."""
    example: tuple[str, str]
    """Image and question text of the first of them."""
    readings: Mapping[Protocol, Reading]
    reasons: Mapping[Protocol, str]
    """Why each protocol reads it so, in a few words: `has "no" in "snowboard"`."""
