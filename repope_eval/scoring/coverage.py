"""What share of the labelled questions F1 counts, separately for label yes and label no."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from repope_eval.records import LabelSet, Variant
from repope_eval.scoring.bootstrap import MEAN
from repope_eval.scoring.confusion import Confusion
from repope_eval.scoring.protocol_scores import with_mean
from repope_eval.scoring.protocols import Protocol

LEAST_COUNTED = 99
"""The percentage of the questions with either label that F1 has to count to be about the benchmark."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """The shares that F1 counts under one label set and variant, or their means over variants."""

    yes: float | None
    """The share of the questions with label yes; None where there is no such question."""
    no: float | None
    """The share of the questions with label no."""
    is_partial: bool
    """Whether one of the two is below 99 %, in one of the variants. F1 is then about another mix of labels than the
    benchmark's, or about the questions that the model had an answer to, which may be the easier ones."""


def coverage(
    confusions: Mapping[str, Mapping[Variant, Confusion]], label_sets: Sequence[LabelSet], protocol: Protocol
) -> dict[str, dict[Variant, Coverage]]:
    """The coverage by label set and variant, and its mean under `MEAN` where there are several variants.

    Args:
        confusions: the counts that figures are made of, by label set and variant.
        label_sets: all labels that there are.
        protocol: the protocol, which says whether F1 counts answers that are neither yes nor no.
    """
    found = {}
    for label_set in label_sets:
        of_variants = with_mean(
            {
                variant: _coverage(confusions[label_set.name][variant], labels.values(), protocol)
                for variant, labels in label_set.variants.items()
            }
        )
        is_partial = any(each.is_partial for each in of_variants.values())
        if MEAN in of_variants:
            of_variants[MEAN] = replace(of_variants[MEAN], is_partial=is_partial)
        found[label_set.name] = of_variants
    return found


def _coverage(counts: Confusion, labels: Collection[bool], protocol: Protocol) -> Coverage:
    n_yes = sum(labels)
    n_no = len(labels) - n_yes
    with_yes, with_no = counts.tp + counts.fn, counts.fp + counts.tn
    counted_yes = n_counted(with_yes + counts.unparsed_yes, counts.unparsed_yes, protocol)
    counted_no = n_counted(with_no + counts.unparsed_no, counts.unparsed_no, protocol)
    return Coverage(
        yes=counted_yes / n_yes if n_yes else None,
        no=counted_no / n_no if n_no else None,
        is_partial=is_few(counted_yes, n_yes) or is_few(counted_no, n_no),
    )


def n_counted(n_answered: float, n_unparsed: float, protocol: Protocol) -> float:
    """How many of some answers F1 counts, of which so many are neither yes nor no."""
    return n_answered if protocol.unparsed == "not_yes" else n_answered - n_unparsed


def is_few(number: float, n_questions: float) -> bool:
    """Whether F1 counts less than 99 % of some questions: those that it leaves out may be the harder ones."""
    # In whole numbers, where 99 of 100 is not below 99 % by rounding.
    return 100 * number < LEAST_COUNTED * n_questions
