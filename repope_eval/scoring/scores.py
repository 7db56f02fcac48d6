"""The scores of a run: the figures under every label set and variant, and their means."""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from repope_eval import config
from repope_eval.records import Answer, LabelSet, Question, Variant
from repope_eval.scoring.bootstrap import MEAN, Intervals, bootstrap
from repope_eval.scoring.confusion import Confusion, Figures, figures
from repope_eval.scoring.protocols import PROTOCOLS
from repope_eval.scoring.reasons import Reasons, reasons


@dataclass(frozen=True, slots=True, kw_only=True)
class Scores:
    """What one set of answers comes to."""

    model: str
    bench: str
    protocol: config.Protocol
    confusions: Mapping[str, Mapping[Variant, Confusion]]
    """The counts that the figures are made of, by label set and variant."""
    figures: Mapping[str, Mapping[Variant, Figures]]
    """By label set, then by variant; `mean` last where there are several variants."""
    intervals: Mapping[str, Mapping[Variant, Intervals]]
    """95 % intervals, in the same order."""
    reasons: Mapping[str, Mapping[Variant, Reasons]]
    """Why a figure or its interval is None; only of those that are."""
    n_images: int
    """Images with an answer, which the intervals are over."""


def score(
    model: str,
    bench: str,
    label_sets: Sequence[LabelSet],
    answers: Mapping[Question, Answer],
    protocol: config.Protocol,
) -> Scores:
    """The same answers under every label set."""
    replicates = bootstrap(label_sets, answers, PROTOCOLS[protocol])
    by_label_set = {}
    for name, confusions in replicates.confusions.items():
        by_variant = {
            variant: figures(confusion, PROTOCOLS[protocol]) for variant, confusion in confusions.items()
        }
        if len(by_variant) > 1:
            by_variant[MEAN] = mean(list(by_variant.values()))
        by_label_set[name] = by_variant
    return Scores(
        model=model,
        bench=bench,
        protocol=protocol,
        confusions=replicates.confusions,
        figures=by_label_set,
        intervals=replicates.intervals,
        reasons=reasons(by_label_set, replicates, PROTOCOLS[protocol]),
        n_images=replicates.n_images,
    )


def mean(cells: Sequence[Figures]) -> Figures:
    """The mean of each figure over variants; undefined where it is in one of them."""
    means = {}
    for field in dataclasses.fields(Figures):
        values = [getattr(cell, field.name) for cell in cells]
        means[field.name] = None if None in values else fmean(values)
    return Figures(**means)  # type: ignore[arg-type]
