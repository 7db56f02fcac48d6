"""What F1 would be if the questions that it leaves out counted: ambiguous ones, and those without a readable answer.

RePOPE removes what its annotators found ambiguous, and an unread answer is in no count; both flatter, since what is
left out is what is hard. Here each such question counts, in the way best and in the way worst for the model. F1 rises
with each question that turns out as answered, so that all at their best, or all at their worst, is where it ends.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from statistics import fmean
from typing import TypeVar

from repope_eval.records import LabelSet, Variant
from repope_eval.scoring.bootstrap import MEAN
from repope_eval.scoring.confusion import OUTCOME_OF, Confusion, figures
from repope_eval.scoring.protocols import PROTOCOLS, Reading
from repope_eval.scoring.relabelling_effect import Verdict
from repope_eval.settings import config

_READ_AS_YES, _READ_AS_NO = ("tp", "fp"), ("tn", "fn")


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolution:
    """F1 of one variant over every label that its ambiguous questions could have; None where undefined."""

    n_ambiguous: float
    """Questions that were removed as ambiguous and have an answer."""
    removed: float | None
    """F1 without them: the score itself."""
    all_no: float | None
    all_yes: float | None
    lowest: float | None
    """Each is the opposite of what the model said."""
    highest: float | None
    """Each is what the model said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """F1 of one variant over every answer to the questions that have none, or none that can be read."""

    n_unanswered: float
    n_unparsed: float
    f1: float | None
    """The score itself, in which these questions do not count."""
    lowest: float | None
    """All of them are answered wrongly."""
    highest: float | None
    """All of them are answered rightly."""


Cell = TypeVar("Cell", Resolution, Missing)


def resolutions(
    confusions: Mapping[Variant, Confusion], verdicts: Sequence[Verdict], protocol: config.Protocol
) -> dict[Variant, Resolution]:
    """By variant, and under `MEAN` of several: each is resolved alike in all variants, so that means are ends, too.

    Args:
        confusions: the counts under the labels that lack the ambiguous questions.
        verdicts: of all answered questions; those without one afterwards are the ambiguous ones.
        protocol: how answers were read.
    """
    ambiguous = Counter(
        (verdict.variant, _reading(verdict.before)) for verdict in verdicts if verdict.after is None
    )
    found = {}
    for variant, confusion in confusions.items():
        yes, no, neither = (ambiguous[variant, reading] for reading in (True, False, None))
        of_no, of_yes = _added(yes, no, neither, label=False), _added(yes, no, neither, label=True)
        found[variant] = Resolution(
            n_ambiguous=yes + no + neither,
            removed=_f1(confusion, {}, protocol),
            all_no=_f1(confusion, of_no, protocol),
            all_yes=_f1(confusion, of_yes, protocol),
            lowest=_f1(confusion, {"fp": yes, "fn": no, "unparsed_yes": neither}, protocol),
            highest=_f1(confusion, {"tp": yes, "tn": no, "unparsed_no": neither}, protocol),
        )
    return _with_mean(found)


def missing(
    label_set: LabelSet, confusions: Mapping[Variant, Confusion], protocol: config.Protocol
) -> dict[Variant, Missing]:
    """By variant, and under `MEAN` of several."""
    found = {}
    for variant, labels in label_set.variants.items():
        of_variant = confusions[variant]
        read = replace(of_variant, unparsed_yes=0, unparsed_no=0)
        n_yes = sum(labels.values())
        yes, no = n_yes - read.tp - read.fn, len(labels) - n_yes - read.fp - read.tn
        found[variant] = Missing(
            n_unanswered=of_variant.unanswered,
            n_unparsed=of_variant.unparsed_yes + of_variant.unparsed_no,
            f1=_f1(of_variant, {}, protocol),
            lowest=_f1(read, {"fn": yes, "fp": no}, protocol),
            highest=_f1(read, {"tp": yes, "tn": no}, protocol),
        )
    return _with_mean(found)


def _reading(outcome: str) -> Reading:
    if outcome in _READ_AS_YES:
        return True
    return False if outcome in _READ_AS_NO else None


def _added(yes: int, no: int, neither: int, *, label: bool) -> dict[str, int]:
    """What questions of one label add to the counts, by what was read from their answers."""
    return {OUTCOME_OF[label, reading]: n for reading, n in ((True, yes), (False, no), (None, neither))}


def _f1(confusion: Confusion, added: Mapping[str, int], protocol: config.Protocol) -> float | None:
    counts = {name: getattr(confusion, name) + n for name, n in added.items()}
    return figures(replace(confusion, **counts), PROTOCOLS[protocol]).f1


def _with_mean(cells: dict[Variant, Cell]) -> dict[Variant, Cell]:
    """With the mean of each field behind several variants; None where one is."""
    if len(cells) < 2:
        return cells
    first, *_ = cells.values()
    means = {}
    for field in fields(first):
        values = [getattr(cell, field.name) for cell in cells.values()]
        means[field.name] = None if None in values else fmean(values)
    return {**cells, MEAN: replace(first, **means)}  # type: ignore[arg-type]
