"""Several models on the same questions: who is ahead, how surely, and who overtakes whom when labels change."""

from collections.abc import Mapping
from dataclasses import dataclass

from repope_eval.records import Variant
from repope_eval.scoring.bootstrap import Interval


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A model's place in one ranking."""

    model: str
    value: float | None
    """Of the figure that is ranked; None where undefined."""
    interval: Interval
    rank: int | None
    """1 is the best; equal values share the better rank. None where the value is undefined."""
    ranks: tuple[int, int] | None
    """95 % interval of the rank over the replicates."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One pair of models under one label set and variant, on the same drawn images."""

    first: str
    second: str
    value: float | None
    """The first model's figure less the second's."""
    interval: Interval
    p: float | None
    """Two-sided."""
    p_holm: float | None
    """The same, adjusted for all pairs of that label set and variant (Holm)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Overtaking:
    """A model that stands behind another under POPE and before it under RePOPE."""

    model: str
    overtaken: str
    share: float
    """Of the replicates in which it is so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """How alike the POPE and the RePOPE ranking of one variant are."""

    tau: float | None
    """Kendall's tau-b; None with fewer than two models."""
    interval: Interval
    overtakings: tuple[Overtaking, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Models compared by one figure."""

    figure: str
    """A field of `Figures`, such as `f1`."""
    n_images: int
    """Images that all models have answers for: what the comparison is about."""
    standings: Mapping[str, Mapping[Variant, tuple[Standing, ...]]]
    """By label set and variant (`mean` too), the best first."""
    differences: Mapping[str, Mapping[Variant, tuple[Difference, ...]]]
    """Of every pair, in the order of the standings."""
    agreements: Mapping[Variant, Agreement]
    """Where there are two label sets."""
