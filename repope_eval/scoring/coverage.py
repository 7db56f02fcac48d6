"""What share of the labelled questions F1 counts, apart for label yes and label no."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from repope_eval.records import LabelSet, Variant
from repope_eval.scoring.bootstrap import MEAN
from repope_eval.scoring.confusion import Confusion
from repope_eval.scoring.protocols import Protocol

LEAST_COUNTED = 99
"""Per cent of the questions with either label that F1 has to count, to be about the benchmark."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """Of one label set and variant; of the mean over variants, the mean of the shares."""

    yes: float | None
    """Of the questions with label yes, the share that F1 counts; None where there is no such question."""
    no: float | None
    is_partial: bool
    """Whether one of the two is below 99 %, in one of the variants. F1 is then about another mix of labels than the
    benchmark's, or about the questions that the model had an answer to, which may be the easier ones."""


def coverage(
    confusions: Mapping[str, Mapping[Variant, Confusion]], label_sets: Sequence[LabelSet], protocol: Protocol
) -> dict[str, dict[Variant, Coverage]]:
    """By label set and variant, `mean` too where there are several.

    Args:
        confusions: what figures are made of.
        label_sets: all labels that there are.
        protocol: says whether F1 counts answers that are neither yes nor no.
    """
    found: dict[str, dict[Variant, Coverage]] = {}
    for label_set in label_sets:
        of_variants = {
            variant: _coverage(confusions[label_set.name][variant], labels.values(), protocol)
            for variant, labels in label_set.variants.items()
        }
        found[label_set.name] = of_variants
        if len(of_variants) > 1:
            found[label_set.name] = of_variants | {MEAN: _mean(list(of_variants.values()))}
    return found


def _coverage(counts: Confusion, labels: Iterable[bool], protocol: Protocol) -> Coverage:
    all_labels = list(labels)
    n_yes = sum(all_labels)
    n_no = len(all_labels) - n_yes
    counted_yes, counted_no = counts.tp + counts.fn, counts.fp + counts.tn
    if protocol.unparsed == "not_yes":
        counted_yes += counts.unparsed_yes
        counted_no += counts.unparsed_no
    return Coverage(
        yes=_share(counted_yes, n_yes),
        no=_share(counted_no, n_no),
        is_partial=any(  # in whole numbers, where 99 of 100 is not below 99 % by rounding
            100 * counted < LEAST_COUNTED * whole
            for counted, whole in ((counted_yes, n_yes), (counted_no, n_no))
        ),
    )


def _mean(of_variants: Sequence[Coverage]) -> Coverage:
    yes, no = (
        None if None in shares else fmean(shares)  # type: ignore[arg-type]
        for shares in ([each.yes for each in of_variants], [each.no for each in of_variants])
    )
    return Coverage(yes=yes, no=no, is_partial=any(each.is_partial for each in of_variants))


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None
