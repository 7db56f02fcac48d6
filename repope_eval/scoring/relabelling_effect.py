"""What relabelling did to a model: which of its errors were the labels', and which of its hits were luck."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """How the parsed answers of one group of questions moved from POPE's counts to RePOPE's."""

    group: str
    """A variant, or an object."""
    before: tuple[int, int, int, int]
    """TP, FP, TN, FN under POPE."""
    after: tuple[int, int, int, int]
    """The same under RePOPE."""
    fp_to_tp: int
    """Errors that were the label's: the object was there."""
    fn_to_tn: int
    """Errors that were the label's: it was not."""
    tp_to_fp: int
    """Hits that were luck."""
    tn_to_fn: int
    """Rejections that were luck."""
    removed: tuple[int, int, int, int]
    """Of POPE's TP, FP, TN, FN, those whose question RePOPE found ambiguous."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnedVerdict:
    """One question whose verdict the relabelling turned or removed, or one that stays an error."""

    image: str
    question: str
    object: str
    variants: tuple[str, ...]
    response: str
    outcome_before: str
    """`tp`, `fp`, `tn`, `fn`, `unparsed_yes`, `unparsed_no`."""
    outcome_after: str | None
    """None: ambiguous, so removed."""
