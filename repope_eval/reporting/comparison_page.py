"""`compare.html`: a self-contained page about the gap between two results."""

from typing import TYPE_CHECKING

from repope_eval.reporting.comparison_gallery import comparison_gallery
from repope_eval.reporting.comparison_tables import (
    causes_table,
    gap_table,
    protocol_run_table,
    read_differently_table,
    result_table,
    settings_table,
    tally_table,
)
from repope_eval.reporting.comparison_verdict import paper_sentence, verdict
from repope_eval.reporting.comparison_view import ComparisonView
from repope_eval.reporting.gallery import PAGE_BYTES, illustrated
from repope_eval.reporting.templates import render
from repope_eval.scoring.protocols import PROTOCOLS
from repope_eval.scoring.shared_ground import GAP_FIGURES

if TYPE_CHECKING:  # drawing needs matplotlib, which takes a while to import
    from repope_eval.reporting.charts.drawing import Chart


def render_comparison_page(view: ComparisonView, command: str) -> str:
    """The page, which needs no file and no network; as many pictures as it has room for.

    Args:
        view: the comparison.
        command: how it was started; shown in the page.
    """
    gallery = comparison_gallery(view.pairs)
    protocols = dict.fromkeys((view.a.protocol, view.b.protocol, view.protocol))
    context = {
        "view": view,
        "verdict": verdict(view),
        "paper_sentence": paper_sentence(view),
        "results": result_table(view),
        "causes": [causes_table(view, labels) for labels in reversed(view.labels)],
        "gaps": gap_table(view, has_orders=False),
        "every_gap": gap_table(view, GAP_FIGURES),
        "chart": _chart(view),
        "tally": tally_table(view),
        "settings": settings_table(view.settings),
        "protocols": protocol_run_table(view),
        "readings": read_differently_table(view.read_differently),
        "rules": {protocol: PROTOCOLS[protocol].rule for protocol in protocols},
        "command": command,
    }
    html = render("comparison.html.j2", gallery=gallery, **context)
    if view.images:
        gallery = illustrated(gallery, view.images, PAGE_BYTES - len(html.encode()))
        html = render("comparison.html.j2", gallery=gallery, **context)
    return html


def _chart(view: ComparisonView) -> "Chart | None":
    """The chart of the causes; None where the gap cannot be taken apart."""
    from repope_eval.reporting.charts.causes import causes_chart

    labels = view.labels[-1]
    gap = labels.gaps[labels.headline]["f1"]
    values = (gap.value, *(part.value for part in gap.parts.values()))
    return None if None in values else causes_chart(view)
