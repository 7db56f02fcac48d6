"""What share of the labelled questions a figure is about, apart for label yes and label no."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from repope_eval.records import LabelSet, Variant
from repope_eval.scoring.bootstrap import MEAN
from repope_eval.scoring.confusion import Confusion

MOST_APART = 1
"""Shares that are further apart than one point, in per cent, differ."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """Of one label set and variant; of the mean over variants, the mean of the shares."""

    yes: float | None
    """Of the questions with label yes, the share that has an answer; None where there is no such question."""
    no: float | None
    differs: bool
    """Whether the two are more than one point apart, in one of the variants: F1, which depends on the share of
    questions with label yes, is then about another mix of labels than the benchmark's."""


def coverage(
    confusions: Mapping[str, Mapping[Variant, Confusion]], label_sets: Sequence[LabelSet]
) -> dict[str, dict[Variant, Coverage]]:
    """By label set and variant, `mean` too where there are several.

    Args:
        confusions: what figures are made of.
        label_sets: all labels that there are.
    """
    found: dict[str, dict[Variant, Coverage]] = {}
    for label_set in label_sets:
        of_variants = {
            variant: _coverage(confusions[label_set.name][variant], labels.values())
            for variant, labels in label_set.variants.items()
        }
        found[label_set.name] = of_variants
        if len(of_variants) > 1:
            found[label_set.name] = of_variants | {MEAN: _mean(list(of_variants.values()))}
    return found


def _coverage(counts: Confusion, labels: Iterable[bool]) -> Coverage:
    all_labels = list(labels)
    n_yes = sum(all_labels)
    n_no = len(all_labels) - n_yes
    answered_yes = counts.tp + counts.fn + counts.unparsed_yes
    answered_no = counts.fp + counts.tn + counts.unparsed_no
    return Coverage(
        yes=_share(answered_yes, n_yes),
        no=_share(answered_no, n_no),
        # In whole numbers: just one point apart does not differ by rounding.
        differs=100 * abs(answered_yes * n_no - answered_no * n_yes) > MOST_APART * n_yes * n_no,
    )


def _mean(of_variants: Sequence[Coverage]) -> Coverage:
    yes, no = (
        None if None in shares else fmean(shares)  # type: ignore[arg-type]
        for shares in ([each.yes for each in of_variants], [each.no for each in of_variants])
    )
    return Coverage(yes=yes, no=no, differs=any(each.differs for each in of_variants))


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None
