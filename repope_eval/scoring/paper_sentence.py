"""A figure as a paper prints it: with its interval, its labels, what it is over, and how answers were got and read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from repope_eval.quantities import percentage
from repope_eval.records import Variant, label_set_phrase
from repope_eval.scoring.bootstrap import DISTINCT, MEAN
from repope_eval.scoring.estimates import Estimate
from repope_eval.scoring.protocol_scores import ProtocolScores
from repope_eval.wording import counted

LEADING = {"f1": "F1", "tnr": "TNR"}
"""The figures that may stand first: where no question has label yes, F1 is undefined everywhere."""


@dataclass(frozen=True, slots=True)
class Lead:
    """The figure that stands first of a run's, and where it is."""

    figure: str
    part: ProtocolScores
    variant: Variant

    @property
    def estimates(self) -> Mapping[str, Estimate]:
        """The figure by label set."""
        return {name: cells[self.variant].estimates[self.figure] for name, cells in self.part.cells.items()}

    @property
    def over(self) -> str:
        """What the figure is over, in words."""
        if self.variant == MEAN:
            n_variants = len(next(iter(self.part.cells.values()))) - 1
            return f"mean over {n_variants} variants"
        return "all questions, each counted once" if self.variant == DISTINCT else self.variant


def lead_of(parts: Sequence[ProtocolScores], *, is_unread: bool) -> Lead:
    """The mean over variants; where it is undefined, all questions together; where F1 is, the true negative rate.

    Args:
        parts: the scores, and those of distinct questions where there are any.
        is_unread: whether no answer was read, so that no figure is any better than the first.
    """
    leads = [
        Lead(figure, part, _summing_variant(part))
        for figure in LEADING
        for part in parts
        if part.cells and all(part.cells.values())
    ]
    defined = (lead for lead in leads if all(one.value is not None for one in lead.estimates.values()))
    return leads[0] if is_unread else next(defined, leads[0])


def _summing_variant(part: ProtocolScores) -> Variant:
    variants = next(iter(part.cells.values()))
    return MEAN if MEAN in variants else next(iter(variants))


def figure_phrase(title: str, one: Estimate) -> str:
    """A share in percent with its interval, `F1 91.9 (95 % 90.4–93.2)`, or why there is none of either."""
    if one.value is None:
        return f"{title} undefined ({one.reason})" if one.reason else f"{title} undefined"
    if one.interval is None:
        return f"{title} {100 * one.value:.1f} (no interval{f': {one.reason}' if one.reason else ''})"
    low, high = one.interval
    return f"{title} {100 * one.value:.1f} (95 % {100 * low:.1f}–{100 * high:.1f})"


def answered_phrase(n_questions: int, n_answered: int, n_unread: int) -> str:
    """How many of the questions have an answer, and how many answers are neither yes nor no."""
    share = "all" if n_answered == n_questions else f"{percentage(n_answered, n_questions)} %"
    unread = f", {counted(n_unread, 'answer', ',')} neither yes nor no" if n_unread else ""
    return f"{share} answered{unread}"


def lead_phrase(lead: Lead) -> str:
    """The figure under the last labels, and what it is over."""
    name, one = list(lead.estimates.items())[-1]
    cells = lead.part.cells[name]
    several = [lead.over] if len(cells) > 1 or lead.variant == DISTINCT else []
    return ", ".join([f"{figure_phrase(LEADING[lead.figure], one)} under {label_set_phrase(name)}", *several])
