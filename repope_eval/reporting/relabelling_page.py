"""A self-contained page about a relabelling: what changed, how far the annotators agree, and the questions."""

from repope_eval.reporting.gallery import PAGE_BYTES, illustrated
from repope_eval.reporting.label_changes import label_change_table
from repope_eval.reporting.relabelling_gallery import relabelling_gallery
from repope_eval.reporting.relabelling_tables import confusion_table, object_change_table, queue_rate_table
from repope_eval.reporting.relabelling_view import (
    RelabellingView,
    annotator_lines,
    changes_title,
    decider_sentence,
    verdict,
)
from repope_eval.reporting.templates import render


def render_relabelling_page(view: RelabellingView) -> str:
    """The page, which needs no file and no network; as many pictures as it has room for."""
    gallery = relabelling_gallery(view.outcomes, view.variants, view.annotators, view.names)
    context = {
        "title": view.title,
        "verdict": verdict(view),
        "decided": decider_sentence(view.agreement, view.names),
        "people": annotator_lines(view),
        "confusion": confusion_table(view.agreement),
        "changes": label_change_table(changes_title(view), view.changes),
        "rates": queue_rate_table(view.queue_rates),
        "objects": object_change_table(view.outcomes),
    }
    html = render("relabelling.html.j2", gallery=gallery, **context)
    if view.images:
        gallery = illustrated(gallery, view.images, PAGE_BYTES - len(html.encode()))
        html = render("relabelling.html.j2", gallery=gallery, **context)
    return html
