"""What runs would score under true labels, put together for the page, its chart, the document and the console."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from repope_eval.records import Variant
from repope_eval.relabelling.estimation import WIDEST, FigureEstimate
from repope_eval.scoring.estimates import Estimate
from repope_eval.scoring.score_document import figure_phrase
from repope_eval.wording import counted

LABELS_FILE = "the file ending in labels.jsonl that relabel writes beside its out="


@dataclass(frozen=True, slots=True, kw_only=True)
class EstimatedRun:
    """The figures of one run in one variant."""

    run: str
    variant: Variant
    n_questions: int
    n_looked: int
    """How many of the questions people looked at."""
    old: Mapping[str, FigureEstimate]
    """The figures by the old labels."""
    true: Mapping[str, FigureEstimate]
    """The same under true labels."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EstimatesView:
    """The estimates of several runs on a benchmark."""

    bench: str
    protocol: str
    rows: Sequence[EstimatedRun]
    """The variants of a run stand together, their mean last."""
    n_questions: int
    n_looked: int
    n_more: int
    """Further labels whose effect on the intervals is told."""
    n_disputed: int
    """How many of those looked at are in dispute: one annotator says yes, another no, and nobody decided."""
    n_missing: int
    """How many of those looked at the file of labels lacks, be they ambiguous, in dispute or not looked at."""

    @property
    def headline(self) -> Sequence[EstimatedRun]:
        """The rows that sum up: the mean over the variants, or the only variant."""
        last = self.rows[-1].variant
        return [row for row in self.rows if row.variant == last]

    @property
    def basis(self) -> str:
        """What the estimates rest on, in words."""
        return (
            f"From {self.n_looked:,} of {counted(self.n_questions, 'question', ',')} that people looked at, answers "
            f"read by protocol {self.protocol}."
        )

    @property
    def paper_sentence(self) -> str:
        """The runs' F1 as a paper prints it."""
        rows = [_f1_phrase(row.run, row.true["f1"]) for row in self.headline]
        variant = self.rows[-1].variant
        several = f" ({variant})" if len({row.variant for row in self.rows}) > 1 else ""
        return (
            f"F1 under true labels{several}, estimated from {self.n_looked:,} of "
            f"{counted(self.n_questions, 'question', ',')} that people looked at, protocol {self.protocol}: "
            f"{'; '.join(rows)}"
        )

    @property
    def open_sentences(self) -> Sequence[str]:
        """What is not known, what becomes of it, and how it is mended; empty where all figures and labels are known."""
        sentences = []
        if n_needed := max(
            (each.n_needed or 0 for row in self.rows for each in row.true.values()), default=0
        ):
            sentences.append(
                f"Too few labels: a dash stands where the 95 % interval would be wider than {WIDEST:g}, which tells "
                f"no good model from a coin. About {n_needed:,} labels would do for all figures (by the width "
                f"that there is with {self.n_looked:,}, which falls with the root of the number, or faster)."
            )
        if self.n_disputed:
            sentences.append(
                f"In dispute: {self.n_disputed:,} of the {self.n_looked:,} looked at. They count nowhere, as ambiguous "
                "ones, but the intervals hold either label of each. A third person decides with `annotate "
                "annotators=[FIRST,SECOND] decide=true images=FOLDER annotator=NAME out=DECIDED`, and relabel takes "
                "decider=DECIDED."
            )
        if self.n_missing:
            sentences.append(
                f"Without a label, be it as ambiguous, in dispute or not looked at: {self.n_missing:,} of the "
                f"{self.n_looked:,}. They count as ambiguous, but the intervals hold either label of each. To tell "
                f"them apart, give {LABELS_FILE}."
            )
        return sentences


def _f1_phrase(run: str, f1: FigureEstimate) -> str:
    reason = f1.reason if f1.n_needed else ""
    return figure_phrase(run, Estimate(value=f1.value, interval=f1.ci95, reason=reason))


def estimates_document(view: EstimatesView) -> dict[str, Any]:
    """The document of the estimates; where a figure is null, `reason` says why."""
    runs: dict[str, dict[Variant, object]] = {}
    for row in view.rows:
        runs.setdefault(row.run, {})[row.variant] = {
            figure: {
                "estimate": each.value,
                "ci95": None if each.ci95 is None else list(each.ci95),
                "reason": each.reason or None,
            }
            for figure, each in row.true.items()
        }
    return {
        "bench": view.bench,
        "protocol": view.protocol,
        "n_questions": view.n_questions,
        "n_looked": view.n_looked,
        "n_disputed": view.n_disputed,
        "n_missing": view.n_missing,
        "runs": runs,
    }
