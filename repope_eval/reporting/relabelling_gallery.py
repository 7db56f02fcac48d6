"""The gallery of a relabelling: the questions whose label changed, turned out ambiguous or stays in dispute."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from repope_eval.benchmarks.annotators import Annotator
from repope_eval.benchmarks.relabelling import Outcome
from repope_eval.records import Label, Question, Variant
from repope_eval.reporting.figure_texts import clipped
from repope_eval.reporting.gallery import Gallery, Item, gallery_of

_VERDICTS = {
    "no → yes": "added",
    "yes → no": "lost",
    "yes → disputed": "open",
    "no → disputed": "open",
    "yes → ambiguous": "removed",
    "no → ambiguous": "removed",
}
"""What each kind means, which gives it its colour; in the order in which they are shown."""


_REMARK_MARKUP = '<br><span class="said quiet"></span>: <b>ambiguous</b> <q class="said"></q>'
"""What stands around the texts of a remark, for the size of the page."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Remark:
    """What one annotator said of a question."""

    name: str
    label: Label
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RelabelledItem(Item):
    """A question with what the annotators said of it."""

    remarks: tuple[Remark, ...]

    @property
    def remarked(self) -> tuple[str, ...]:
        """What the annotators said, with the markup around it."""
        return tuple(text for remark in self.remarks for text in (_REMARK_MARKUP, remark.name, remark.note))


def relabelling_gallery(
    outcomes: Sequence[Outcome],
    variants: Mapping[Question, Sequence[Variant]],
    annotators: Sequence[Annotator],
    names: Sequence[str],
) -> Gallery:
    """The gallery of a relabelling, without pictures.

    Args:
        outcomes: of all questions, also of those that stay as they are.
        variants: the variants that each question stands in.
        annotators: the two annotators, and the decider where there is one.
        names: of these, as the page has them.
    """
    notes = [annotator.notes for annotator in annotators]
    items = []
    for outcome in outcomes:
        question = outcome.row.question
        if _label_after(outcome) == outcome.row.label:
            continue
        # A decider has no say in what is not in dispute.
        decided = outcome.decided if outcome.is_disputed else None
        said = (outcome.first, outcome.second, decided)[: len(names)]
        remarks = tuple(
            Remark(name=name, label=label, note=clipped(of_person.get(question, "")))
            for name, label, of_person in zip(names, said, notes, strict=True)
            if label is not None
        )
        items.append((question.image, _item(outcome, variants[question], remarks)))
    return gallery_of(items, tuple(_VERDICTS))


def _label_after(outcome: Outcome) -> str:
    """What the label has become; that which it was where one annotator has not labelled the question."""
    undecided = "disputed" if outcome.is_disputed else outcome.row.label
    return outcome.label or undecided


def _item(outcome: Outcome, variants: Sequence[Variant], remarks: tuple[Remark, ...]) -> RelabelledItem:
    before, after = outcome.row.label, _label_after(outcome)
    kind = f"{before} → {after}"
    return RelabelledItem(
        question=clipped(outcome.row.question.text),
        object=clipped(outcome.row.question.object, 80),
        variants=tuple(clipped(variant, 80) for variant in variants),
        kind=kind,
        verdict=_VERDICTS[kind],
        label_before=before,
        label_after=after,
        remarks=remarks,
    )
