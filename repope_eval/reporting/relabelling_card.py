"""The card of a relabelling in Markdown: who labelled what and when, by which rule, how far they agree."""

from collections.abc import Mapping

from repope_eval.benchmarks.annotators import Annotator
from repope_eval.reporting.label_changes import label_change_table
from repope_eval.reporting.relabelling_tables import confusion_table
from repope_eval.reporting.relabelling_view import RelabellingView, decider_sentence, verdict_sentences
from repope_eval.reporting.table_exports import markdown, markdown_text
from repope_eval.reporting.tables import Field, table, text_field
from repope_eval.wording import counted

RULE = """\
- Both annotators give the same label, yes or no: it replaces the original one.
- At least one of them says ambiguous: the question is removed.
- One says yes and the other no: the decider's label counts, and ambiguous removes the question."""
_ROLES = ("first annotator", "second annotator", "decider")


def relabelling_card(view: RelabellingView, hashes: Mapping[str, str]) -> str:
    """The card, with a line for the licence that its authors fill in.

    Args:
        view: the relabelling.
        hashes: SHA-256 of each file that was read or written, by its name.
    """
    decided = decider_sentence(view.agreement, view.names)
    of_file: list[Field[tuple[str, str]]] = [
        text_field("file", lambda row: row[0]),
        text_field("SHA-256", lambda row: row[1]),
    ]
    people = "\n".join(
        f"- {role}: {markdown_text(name)}, {_work(annotator)}"
        for role, name, annotator in zip(_ROLES, view.names, view.annotators, strict=False)
    )
    sections = {
        "": " ".join(map(markdown_text, verdict_sentences(view))),
        "Licence": "Licence of the labels: (fill in)\n\nThe licences of questions and images stay what they are.",
        "Who labelled, and when": people,
        "Rule": RULE,
        "Agreement": markdown(confusion_table(view.agreement, *view.names[:2]))
        + (f"\n{markdown_text(decided)}" if decided else ""),
        "Label changes": markdown(label_change_table("", view.changes)),
        "Files": markdown(table("", of_file, list(hashes.items()))),
    }
    parts = [f"# Relabelling of {markdown_text(view.title)}"]
    parts += [f"## {title}\n\n{text}".removeprefix("## \n\n") for title, text in sections.items()]
    return "\n\n".join(part.strip() for part in parts) + "\n"


def _work(annotator: Annotator) -> str:
    """How many labels somebody gave, and between which days."""
    number = counted(len(annotator.annotations), "label", ",")
    if annotator.times is None:
        return f"{number}, at a time that the file does not say"
    first, last = (f"{time:%Y-%m-%d %H:%M %Z}" for time in annotator.times)
    return f"{number}, from {first} to {last}"
