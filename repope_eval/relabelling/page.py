"""A relabelling's page with its gallery, and its card in Markdown."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from repope_eval.records import Label, Question, Variant
from repope_eval.relabelling.label_changes import label_change_table
from repope_eval.relabelling.rule import Annotator, Outcome
from repope_eval.relabelling.view import (
    RelabellingView,
    annotator_lines,
    changes_title,
    confusion_table,
    decider_sentence,
    object_change_table,
    queue_rate_table,
    scope_sentences,
    verdict,
)
from repope_eval.reporting.figure_texts import clipped
from repope_eval.reporting.gallery import Gallery, Item, gallery_of, render_with_gallery
from repope_eval.reporting.table_exports import markdown, markdown_text
from repope_eval.reporting.tables import Field, table, text_field

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
        outcomes: those of all questions, also of questions that stay as they are.
        variants: the variants that each question stands in.
        annotators: the two annotators, and the decider where there is one.
        names: the names of these people, as the page has them.
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
        items.append((question.image, _relabelled_item(outcome, variants[question], remarks)))
    return gallery_of(items, tuple(_VERDICTS))


def _label_after(outcome: Outcome) -> str:
    """What the label has become; that which it was where one annotator has not labelled the question."""
    undecided = "disputed" if outcome.is_disputed else outcome.row.label
    return outcome.label or undecided


def _relabelled_item(
    outcome: Outcome, variants: Sequence[Variant], remarks: tuple[Remark, ...]
) -> RelabelledItem:
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


RULE = """\
- Both annotators give the same label, yes or no: it replaces the original one.
- At least one of them says ambiguous: the question is removed.
- One says yes and the other no: the decider's label counts, and ambiguous removes the question."""


def _changes_text(view: RelabellingView) -> str:
    """What changed of the settled questions; of a queue's, also how many labels are wrong by part, estimated."""
    changes = f"{changes_title(view)}:\n\n{markdown(label_change_table('', view.changes))}"
    if not view.queue_rates:
        return changes
    rates = queue_rate_table(view.queue_rates)
    return f"{changes}\n{rates.caption}:\n\n{markdown(replace(rates, caption=''))}"


def relabelling_card(view: RelabellingView, hashes: Mapping[str, str]) -> str:
    """The card, with a line for the licence that its authors fill in.

    Args:
        hashes: SHA-256 of each file that was read or written, by its name.
    """
    decided = decider_sentence(view.agreement, view.names)
    of_file: list[Field[tuple[str, str]]] = [
        text_field("file", lambda row: row[0]),
        text_field("SHA-256", lambda row: row[1]),
    ]
    people = "\n".join(f"- {role}: {markdown_text(line)}" for role, line in annotator_lines(view).items())
    sections = {
        "": markdown_text(" ".join((verdict(view), *scope_sentences(view)))),
        "Licence": "Licence of the labels: (fill in)\n\nThe licences of questions and images stay what they are.",
        "Who labelled, and when": people,
        "Rule": RULE,
        "Agreement": markdown(confusion_table(view.agreement))
        + (f"\n{markdown_text(decided)}" if decided else ""),
        "Label changes": _changes_text(view),
        "Files": markdown(table("", of_file, list(hashes.items()))),
    }
    parts = [f"# Relabelling of {markdown_text(view.title)}"]
    parts += [f"## {title}\n\n{text}".removeprefix("## \n\n") for title, text in sections.items()]
    return "\n\n".join(part.strip() for part in parts) + "\n"


def render_relabelling_page(view: RelabellingView, command: str) -> str:
    """The page, which needs no file and no network; as many pictures as it has room for.

    Args:
        view: what it shows.
        command: how it was started; shown in the page.
    """
    gallery = relabelling_gallery(view.outcomes, view.variants, view.annotators, view.names)
    context = {
        "title": view.title,
        "verdict": verdict(view),
        "scope": scope_sentences(view),
        "decided": decider_sentence(view.agreement, view.names),
        "people": annotator_lines(view),
        "confusion": confusion_table(view.agreement),
        "changes": label_change_table(changes_title(view), view.changes),
        "rates": queue_rate_table(view.queue_rates),
        "objects": object_change_table(view.outcomes),
        "command": command,
    }
    return render_with_gallery("relabelling.html.j2", gallery, view.images, **context)
