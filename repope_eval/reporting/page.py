"""`report.html`: a self-contained page about a run, and the figures of the page as files."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from repope_eval.benchmarks.sources import citations_of, label_set_phrase, label_set_title
from repope_eval.reporting import headline as remarks
from repope_eval.reporting import run_tables
from repope_eval.reporting.draw_tables import changing_table, draw_table, draws_remark
from repope_eval.reporting.figure_texts import UNDEFINED, clipped
from repope_eval.reporting.gallery import make_gallery, render_with_gallery
from repope_eval.reporting.headline import headline
from repope_eval.reporting.score_table import (
    count_table,
    interval_table,
    over_draws,
    partial_note,
    reason_lines,
    score_table,
    what_f1_hides,
)
from repope_eval.reporting.tables import Table
from repope_eval.scoring.bootstrap import FEWEST_IMAGES
from repope_eval.scoring.caption_scores import CaptionScores
from repope_eval.scoring.intervals import FEWEST_EVENTS, INTERVAL_FIGURES
from repope_eval.scoring.object_rates import ObjectRates, object_rates
from repope_eval.scoring.own_figures import OwnFigures
from repope_eval.scoring.protocols import PROTOCOLS
from repope_eval.scoring.scores import Scores
from repope_eval.settings import config
from repope_eval.settings.fields import fields_by_key

if TYPE_CHECKING:  # drawing needs matplotlib, which takes a while to import
    from repope_eval.reporting.charts.drawing import Chart

BALANCED_CAPTION = (
    "With 95 % intervals: F1 at 50 % yes and balanced accuracy, which do not depend on the share of questions with "
    "label yes, and MCC, which does"
)
LONGEST_SETTING = 5_000
"""The longest setting or fact that is shown, in characters."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunView:
    """What the page of a run shows: its scores, and how they came about. It has no section for what is empty."""

    scores: Scores | CaptionScores
    settings: Mapping[str, Any]
    """The settings by dotted key."""
    measures: str = ""
    """What the benchmark's figures tell of a model, and what they cannot."""
    facts: Mapping[str, Any] = field(default_factory=dict)
    """Further facts about the run, by title."""
    doubts: Sequence[str] = ()
    """What was found of the answers that makes them doubtful, a line each."""
    seconds: Mapping[str, float] = field(default_factory=dict)
    """The seconds that each stage took."""
    prompt: str | None = None
    """The prompt of one question; None if the answers came from elsewhere."""
    images: Mapping[str, Path] | None = None
    """The image files that exist, by the names of the images."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunPage:
    """A finished page with its figures."""

    html: str
    figures: Mapping[str, bytes]
    """The contents of the figure files by name: each chart as SVG and as PDF."""


def render_run_page(view: RunView) -> RunPage:
    """Draws the charts of a run and makes its page, which needs no file and no network."""
    scores = view.scores
    assert isinstance(scores, Scores), "captions have a page of their own"
    own = [_own_part(one) for one in scores.own]
    rates = object_rates(scores.object_effects, list(scores.cells))
    drawn = [*_charts(scores, rates), *chain.from_iterable(part.charts for part in own)]
    charts = {chart.name: chart for chart in drawn}
    context = {
        **run_context(view),
        "scores": scores,
        "headline": headline(scores),
        "titles": [label_set_title(name) for name in scores.cells],
        "phrases": [label_set_phrase(name) for name in scores.cells],
        "tables": _tables(scores, rates),
        "own": own,
        "reasons": reason_lines(scores),
        "remarks": {
            "partial": partial_note(scores),
            "draws": draws_remark(scores),
            "f1_parts": remarks.f1_parts_remark(scores),
            "clustering": remarks.clustering_remark(scores.f1_width_ratios),
            "ambiguity": remarks.ambiguity_remark(scores.resolutions),
            "readings": remarks.readings_remark(scores.read_otherwise, scores.protocol, scores.n_answered),
        },
        "fewest": (FEWEST_IMAGES, FEWEST_EVENTS),
        "charts": charts,
        "rules": {one.protocol: PROTOCOLS[one.protocol].rule for one in (scores, *scores.other_protocols)},
    }
    gallery = make_gallery(scores.verdicts) if scores.verdicts else None
    html = render_with_gallery("report.html.j2", gallery, view.images, **context)
    figures = {f"{chart.name}.svg": chart.svg for chart in charts.values()}
    figures |= {f"{chart.name}.pdf": chart.pdf for chart in charts.values()}
    return RunPage(html=html, figures=figures)


def run_context(view: RunView) -> dict[str, Any]:
    """What the sections about the run itself show, on the page of any kind of run."""
    at_defaults = _settings_at_defaults(view.settings)
    others = {key: value for key, value in view.settings.items() if key not in at_defaults}
    return {
        "view": view,
        "settings": _shown_settings(others),
        "defaults": _shown_settings(at_defaults),
        "facts": _shown_settings(view.facts),
        "seconds": {stage: f"{spent:.1f} s" for stage, spent in view.seconds.items()},
        "citations": citations_of(str(view.settings.get("bench.source"))),
    }


@dataclass(frozen=True, slots=True)
class _OwnPart:
    """What the page shows of figures that the benchmark has of its own."""

    figures: OwnFigures
    table: Table
    charts: Sequence["Chart"]


def _own_part(figures: OwnFigures) -> _OwnPart:
    from repope_eval.reporting.charts.detections import detection_charts

    table = run_tables.own_table(figures.table, figures.section.caption)
    return _OwnPart(figures, table, detection_charts(figures.detections))


def _tables(scores: Scores, rates: ObjectRates) -> dict[str, Table]:
    """The tables that have rows, by name."""
    phrases = [label_set_phrase(name) for name in scores.cells]
    over = over_draws(scores)
    tables = {
        "scores": score_table(f"In percent, with the 95 % interval of F1{over}", scores),
        "counts": count_table(f"Counts{over}", scores),
        "balanced": interval_table(
            BALANCED_CAPTION,
            scores,
            what_f1_hides(scores),
        ),
        "intervals": interval_table(f"The figures, and their 95 % intervals{over}", scores, INTERVAL_FIGURES),
        "effects": run_tables.effect_table(scores.effects, phrases),
        "objects": run_tables.object_table(scores.object_effects, rates),
        "resolutions": run_tables.resolution_table(scores.resolutions, phrases[-1]),
        "missing": run_tables.missing_table(scores.missing),
        "evidence": run_tables.evidence_table(scores.evidence),
        "protocols": run_tables.protocol_table((scores, *scores.other_protocols)),
        "disagreements": run_tables.disagreement_table(scores.disagreements),
        "unparsed": run_tables.unparsed_table(scores.unparsed),
        "draws": draw_table(scores),
        "changing": changing_table(scores),
    }
    return {name: table for name, table in tables.items() if table.rows}


def _charts(scores: Scores, rates: ObjectRates) -> list["Chart"]:
    from repope_eval.reporting.charts.errors import objects_charts, relabelling_chart
    from repope_eval.reporting.charts.figures import counts_chart, precision_recall_chart, reliability_chart

    charts = [counts_chart(scores), precision_recall_chart(scores)]
    if scores.effects:
        charts.append(relabelling_chart(scores.effects, [label_set_phrase(name) for name in scores.cells]))
    charts += objects_charts(rates)
    if scores.evidence:
        charts.append(reliability_chart(scores.evidence))
    return charts


def _settings_at_defaults(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The settings whose value is what it is where nobody gives one; a key that is unknown here has no default."""
    records = [fields_by_key(record) for record in (config.ScoreSettings, config.RunSettings)]
    return {
        key: value
        for key, value in settings.items()
        if any(key in fields and _is_default(value, fields[key].default) for fields in records)
    }


def _is_default(value: Any, default: Any) -> bool:
    """Whether a value as files hold it is the default of a field; lists are tuples there."""
    return bool((tuple(value) if isinstance(value, list) else value) == default)


def _shown_settings(values: Mapping[str, Any]) -> dict[str, str]:
    """Settings and facts as text: lists have no brackets, and what is not set is a dash."""
    return {key: clipped(_setting_text(value), LONGEST_SETTING) for key, value in values.items()}


def _setting_text(value: Any) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(str(item) for item in value)
    return UNDEFINED if value is None else str(value)
