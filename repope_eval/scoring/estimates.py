"""A figure of any kind with how sure it is: what scoring finds, and what tables, charts and documents show."""

from dataclasses import dataclass
from typing import Literal

CONFIDENCE = 0.95
"""How often an interval holds the truth, if it is what it says: that of every interval here."""
Interval = tuple[float, float] | None
"""The low and the high end; None where the figure is undefined, in the answers themselves or in a replicate of them."""
Method = Literal["bootstrap", "gamma"]


def minus(value: float | None, other: float | None) -> float | None:
    """A figure less another one; None where one of the two is undefined."""
    return None if value is None or other is None else value - other


def leaves_out_zero(interval: Interval) -> bool:
    """Whether there is an interval, and 0 lies beyond it: what it is of is more than chance."""
    return interval is not None and not interval[0] <= 0 <= interval[1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """One figure, or the difference of one, with its 95 % interval."""

    value: float | None = None
    """None where it is undefined."""
    interval: Interval = None
    method: Method | None = None
    """How the interval was made; None where there is none, and where all are made in one way."""
    reason: str = ""
    """Why the value or the interval is None, for whoever meets a null or a dash; empty where both are there."""
