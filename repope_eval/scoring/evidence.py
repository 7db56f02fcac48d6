"""Scores that need no threshold: what the probability of yes, against that of no, tells about the labels."""

from dataclasses import dataclass

from repope_eval.scoring.bootstrap import Interval


@dataclass(frozen=True, slots=True, kw_only=True)
class ReliabilityBin:
    """Questions whose confidence in yes, p_yes / (p_yes + p_no), lies in one range."""

    low: float
    high: float
    n: int
    confidence: float | None
    """Mean confidence in yes; None where the bin is empty."""
    yes_share: float | None
    """Share of them whose label is yes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """Of one label set and variant; each figure with its 95 % interval over images, None where undefined."""

    n: int
    """Labelled questions that have both probabilities."""
    auroc: float | None
    auroc_interval: Interval
    average_precision: float | None
    average_precision_interval: Interval
    ece: float | None
    """Expected calibration error of the confidence in yes, over ten bins of equal width."""
    ece_interval: Interval
    best_f1: float | None
    """The highest F1 that any threshold on the confidence reaches."""
    best_f1_interval: Interval
    best_threshold: float | None
    """The lowest confidence read as yes there."""
    reliability: tuple[ReliabilityBin, ...]
