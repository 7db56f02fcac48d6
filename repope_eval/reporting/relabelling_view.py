"""A relabelling as its page, its card and the console show it, and the sentences that sum it up."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from repope_eval.benchmarks.agreement import Agreement
from repope_eval.benchmarks.annotators import Annotator
from repope_eval.benchmarks.relabelling import Judgement, LabelChange
from repope_eval.records import Question, Variant
from repope_eval.reporting.figure_texts import clipped
from repope_eval.wording import counted

LONGEST_NAME = 80
"""Characters of an annotator's name, or an object's, on a page."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RelabellingView:
    """What is known of a relabelling."""

    title: str
    """The names of the files that were relabelled."""
    judgements: Sequence[Judgement]
    """Of each question, asked in however many variants."""
    variants: Mapping[Question, Sequence[Variant]]
    """The variants that each question stands in."""
    changes: Sequence[tuple[Variant, LabelChange, int | None]]
    """As `label_change_table` takes them."""
    annotators: Sequence[Annotator]
    """The two annotators, and the decider where there is one."""
    agreement: Agreement
    images: Mapping[str, Path]
    """The image files that are there, by the names of the images."""

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the annotators, cut to what there is room for."""
        return tuple(clipped(annotator.name, LONGEST_NAME) for annotator in self.annotators)


def verdict_sentences(view: RelabellingView) -> tuple[str, ...]:
    """How much changed, how far the annotators agree, and what is not settled, a sentence each."""
    settled = [judgement for judgement in view.judgements if judgement.label is not None]
    n_ambiguous = sum(judgement.label == "ambiguous" for judgement in settled)
    n_flipped = sum(judgement.label not in ("ambiguous", judgement.row.label) for judgement in settled)
    sentences = [
        f"Of {counted(len(settled), 'settled question', ',')}, {_part(n_flipped, len(settled))} changed from yes to "
        f"no or from no to yes, and {_part(n_ambiguous, len(settled))} turned out ambiguous.",
        agreement_sentence(view.agreement),
    ]
    left = unsettled_counts(view.judgements)
    if left:
        what = ", ".join(f"{number:,} {why}" for why, number in left.items())
        sentences.append(
            f"Not settled and left out: {sum(left.values()):,} of {counted(len(view.judgements), 'question', ',')} "
            f"({what})."
        )
    return tuple(sentences)


def unsettled_counts(judgements: Sequence[Judgement]) -> dict[str, int]:
    """How many questions are not settled, by the reason; reasons that nothing has are left out."""
    reasons = Counter(
        "in dispute" if judgement.is_by_both else "not labelled by both"
        for judgement in judgements
        if judgement.label is None
    )
    return {why: reasons[why] for why in ("in dispute", "not labelled by both") if reasons[why]}


def agreement_sentence(agreement: Agreement) -> str:
    """How often the annotators give the same label, and Cohen's kappa."""
    kappa = "is undefined" if agreement.kappa is None else f"is {agreement.kappa:.4f}"
    return (
        f"The annotators give the same label to {_part(agreement.n_agreed, agreement.n_questions)} of "
        f"{counted(agreement.n_questions, 'question', ',')}; Cohen's kappa {kappa}."
    )


def decider_sentence(agreement: Agreement, names: Sequence[str]) -> str | None:
    """How often the decider sided with whom; None where nothing was decided.

    Args:
        agreement: with what the decider says.
        names: of the two annotators, and the decider.
    """
    if not agreement.n_decided:
        return None
    first, second, decider = names
    return (
        f"Of {counted(agreement.n_disputed, 'question', ',')} with yes against no, {decider} decided "
        f"{agreement.n_with_first:,} as {first}, {agreement.n_with_second:,} as {second}, and found "
        f"{agreement.n_found_ambiguous:,} ambiguous."
    )


def _part(number: int, total: int) -> str:
    """A number with its share of the total, where there is one: `12 (3.21 %)`."""
    return f"{number:,} ({100 * number / total:.2f} %)" if total else f"{number:,}"
