"""What each figure changes by between two label sets, how surely, and how much of F1's change is prevalence.

F1 depends on the share of questions with label yes, and relabelling moves that share. F1 at 50 % yes does not depend on
it: its change is due to the labels, and the rest of F1's change to prevalence.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from repope_eval.scoring.bootstrap import Cells, Intervals
from repope_eval.scoring.confusion import Figures, shares
from repope_eval.scoring.intervals import INTERVAL_FIGURES, Reasons, Sample, estimate_change


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """How the figures of one variant differ between two label sets: the second less the first."""

    values: Mapping[str, float | None]
    """By figure; None where it is undefined under one of the two."""
    intervals: Intervals
    """95 % intervals of the differences, on the same drawn images."""
    reasons: Reasons
    """Why a difference or its interval is None; only of those that are."""
    f1_by_labels: float | None
    """The change of F1 at 50 % yes."""
    f1_by_prevalence: float | None
    """The rest of F1's change."""
    yes_shares: tuple[float | None, float | None]
    """The share with label yes among the questions of recall and the true negative rate, before and after."""


def change(sample: Sample, before: tuple[Figures, Cells], after: tuple[Figures, Cells]) -> Change:
    """The change of one variant, or of the mean over several, from its figures and cells under either label set."""
    values = {figure: _difference(figure, before[0], after[0]) for figure in INTERVAL_FIGURES}
    estimates = {figure: estimate_change(sample, figure, before[1], after[1]) for figure in INTERVAL_FIGURES}
    undefined = {
        figure: "undefined under one of the label sets" for figure, value in values.items() if value is None
    }
    f1, f1_balanced = values["f1"], values["f1_balanced"]
    return Change(
        values=values,
        intervals={
            figure: None if figure in undefined else found.interval for figure, found in estimates.items()
        },
        reasons={figure: found.reason for figure, found in estimates.items() if found.reason} | undefined,
        f1_by_labels=f1_balanced,
        f1_by_prevalence=None if f1 is None or f1_balanced is None else f1 - f1_balanced,
        yes_shares=(_yes_share(sample, before[1]), _yes_share(sample, after[1])),
    )


def _difference(figure: str, before: Figures, after: Figures) -> float | None:
    old, new = getattr(before, figure), getattr(after, figure)
    return None if old is None or new is None else float(new - old)


def _yes_share(sample: Sample, cells: Cells) -> float | None:
    """The share with label yes, as a mean over the cells; None where one of them has no such questions."""
    of_whole = shares(sample.totals[list(cells)], sample.protocol)
    positives, negatives = of_whole["recall"][1], of_whole["tnr"][1]
    if not (positives + negatives).all():
        return None
    return float((positives / (positives + negatives)).mean())
