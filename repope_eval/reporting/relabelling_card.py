"""The card of a relabelling in Markdown: who labelled what and when, by which rule, how far they agree."""

from collections.abc import Mapping
from dataclasses import replace

from repope_eval.reporting.label_changes import label_change_table
from repope_eval.reporting.relabelling_tables import confusion_table, queue_rate_table
from repope_eval.reporting.relabelling_view import (
    RelabellingView,
    annotator_lines,
    changes_title,
    decider_sentence,
    verdict,
)
from repope_eval.reporting.table_exports import markdown, markdown_text
from repope_eval.reporting.tables import Field, table, text_field

RULE = """\
- Both annotators give the same label, yes or no: it replaces the original one.
- At least one of them says ambiguous: the question is removed.
- One says yes and the other no: the decider's label counts, and ambiguous removes the question."""


def _changes(view: RelabellingView) -> str:
    """What changed of the settled questions; of a queue's, also how many labels are wrong by part, estimated."""
    changes = f"{changes_title(view)}:\n\n{markdown(label_change_table('', view.changes))}"
    if not view.queue_rates:
        return changes
    rates = queue_rate_table(view.queue_rates)
    return f"{changes}\n{rates.caption}:\n\n{markdown(replace(rates, caption=''))}"


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
    people = "\n".join(f"- {role}: {markdown_text(line)}" for role, line in annotator_lines(view).items())
    sections = {
        "": markdown_text(verdict(view)),
        "Licence": "Licence of the labels: (fill in)\n\nThe licences of questions and images stay what they are.",
        "Who labelled, and when": people,
        "Rule": RULE,
        "Agreement": markdown(confusion_table(view.agreement))
        + (f"\n{markdown_text(decided)}" if decided else ""),
        "Label changes": _changes(view),
        "Files": markdown(table("", of_file, list(hashes.items()))),
    }
    parts = [f"# Relabelling of {markdown_text(view.title)}"]
    parts += [f"## {title}\n\n{text}".removeprefix("## \n\n") for title, text in sections.items()]
    return "\n\n".join(part.strip() for part in parts) + "\n"
