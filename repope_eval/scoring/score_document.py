"""A run's scores as they leave: the parts of `scores.json`, and a figure as a paper prints it."""

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from repope_eval.benchmarks.sources import label_set_phrase
from repope_eval.records import Variant
from repope_eval.scoring.bootstrap import DISTINCT, MEAN
from repope_eval.scoring.calibration import CALIBRATION_FIGURES
from repope_eval.scoring.estimates import Estimate
from repope_eval.scoring.evidence import Evidence
from repope_eval.scoring.object_rates import ObjectRates
from repope_eval.scoring.protocol_scores import Change, ProtocolScores
from repope_eval.wording import counted, percentage

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
    def scope(self) -> str:
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


def answered_phrase(n_questions: int, n_answered: int, n_unread: float) -> str:
    """How many questions have an answer, and how many answers are neither yes nor no; of several draws, the means."""
    share = "all" if n_answered == n_questions else f"{percentage(n_answered, n_questions)} %"
    form = ",.0f" if n_unread == round(n_unread) else ",.1f"
    unread = f", {counted(n_unread, 'answer', form)} neither yes nor no" if n_unread else ""
    return f"{share} answered{unread}"


def lead_phrase(lead: Lead) -> str:
    """The figure under the last labels, and what it is over."""
    name, one = list(lead.estimates.items())[-1]
    cells = lead.part.cells[name]
    several = [lead.scope] if len(cells) > 1 or lead.variant == DISTINCT else []
    return ", ".join([f"{figure_phrase(LEADING[lead.figure], one)} under {label_set_phrase(name)}", *several])


def plain(value: Any) -> Any:
    """A record as a mapping, or such records in a mapping or a sequence."""
    if isinstance(value, Mapping):
        return {name: plain(part) for name, part in value.items()}
    if isinstance(value, Sequence):
        return [plain(part) for part in value]
    return dataclasses.asdict(value)


def cells_document(scores: ProtocolScores) -> dict[str, Any]:
    """The figures by label set and variant, with their intervals."""
    return {
        label_set: {
            variant: dataclasses.asdict(cell.figures)
            | certainty(cell.estimates, "ci95", "ci95_method", "reasons")
            for variant, cell in by_variant.items()
        }
        for label_set, by_variant in scores.cells.items()
    }


def draws_document(scores: ProtocolScores, n_draws: int, n_changing: int) -> dict[str, Any]:
    """How F1 varies between draws; empty where each question was asked once."""
    return (
        {"n_draws": n_draws, "n_changing": n_changing, "draws": plain(scores.draws)} if scores.draws else {}
    )


def changes_document(scores: ProtocolScores) -> dict[str, Any]:
    """What changes from the first label set to the second, by variant, distinct questions last."""
    return {
        variant: {
            **{figure: one.value for figure, one in change.estimates.items()},
            "f1_parts": f1_parts_document(change),
            "yes_shares": change.yes_shares,
            **certainty(change.estimates, "ci95", "reasons"),
        }
        for part in scores.parts
        for variant, change in part.changes.items()
    }


def f1_parts_document(change: Change) -> dict[str, Any]:
    """What F1's change is made of, by the names of the parts; `reason` says why a value or an interval is null."""
    return {
        part: {"value": estimate.value, "ci95": estimate.interval, "reason": estimate.reason or None}
        for part, estimate in change.f1_parts.items()
    }


def rates_document(rates: ObjectRates) -> dict[str, Any]:
    """The error rates of objects by label set and kind of error."""
    return {
        name: {
            error: {
                group: {"n_wrong": one.n_wrong, "n": one.n, "rate": one.rate.value, "ci95": one.rate.interval}
                for group, one in of_error.items()
            }
            for error, of_error in by_error.items()
        }
        for name, by_error in rates.items()
    }


def evidence_document(evidence: Mapping[str, Mapping[Variant, Evidence]]) -> dict[str, Any]:
    """The figures that need no threshold, by label set and variant."""
    return {
        name: {variant: _evidence_figures(of_variant) for variant, of_variant in by_variant.items()}
        for name, by_variant in evidence.items()
    }


def _evidence_figures(evidence: Evidence) -> dict[str, Any]:
    """The figures, each before its interval; those of calibration come first."""

    def figures(names: Iterable[str]) -> dict[str, Any]:
        by_figure: dict[str, Any] = {}
        for name in names:
            one = evidence.estimates[name]
            by_figure |= {name: one.value, f"{name}_interval": one.interval}
        return by_figure

    return {
        **figures(CALIBRATION_FIGURES),
        "n": evidence.n,
        **figures(name for name in evidence.estimates if name not in CALIBRATION_FIGURES),
        "best_threshold": evidence.best_threshold,
        "reliability": plain(evidence.reliability),
        **certainty(evidence.estimates, "reasons"),
    }


def certainty(estimates: Mapping[str, Estimate], *parts: str) -> dict[str, Any]:
    """How sure figures are, in mappings by figure; reasons are given only where a value or an interval is null."""
    by_part = {
        "ci95": {figure: one.interval for figure, one in estimates.items()},
        "ci95_method": {figure: one.method for figure, one in estimates.items()},
        "reasons": {figure: one.reason for figure, one in estimates.items() if one.reason},
    }
    return {part: by_part[part] for part in parts}
