"""`report.html`: a self-contained page about a run, and the figures of the page as files."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from repope_eval.records import Answer, Variant
from repope_eval.reporting import benchmark_tables, remarks, run_tables
from repope_eval.reporting.citations import citations
from repope_eval.reporting.figure_texts import UNDEFINED, clipped, label_set_phrase, label_set_title
from repope_eval.reporting.gallery import PAGE_BYTES, illustrated, make_gallery
from repope_eval.reporting.headline import Completeness, headline
from repope_eval.reporting.score_table import interval_table, reason_lines, score_table, what_f1_hides
from repope_eval.reporting.tables import Table
from repope_eval.reporting.templates import render
from repope_eval.scoring.amber import AmberFigures
from repope_eval.scoring.bootstrap import FEWEST_IMAGES
from repope_eval.scoring.detection import Detection
from repope_eval.scoring.evidence import Evidence
from repope_eval.scoring.groups import GroupsRight
from repope_eval.scoring.intervals import FEWEST_EVENTS, INTERVAL_FIGURES
from repope_eval.scoring.protocol_readings import Disagreement
from repope_eval.scoring.protocols import PROTOCOLS
from repope_eval.scoring.relabelling_effect import Effect, TurnedVerdict
from repope_eval.scoring.resolutions import Missing, Resolution
from repope_eval.scoring.scores import Scores

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
    """What is known of a run, for its page and its document. The page has no section for what is empty."""

    scores: Scores
    """The scores under the run's own protocol, with any number of label sets."""
    settings: Mapping[str, Any]
    """The settings by dotted key."""
    completeness: Completeness | None = None
    """How many questions are answered, where that is known."""
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
    effects: Sequence[Effect] = ()
    """What the relabelling did, by variant."""
    object_effects: Sequence[Effect] = ()
    """What the relabelling did, by object."""
    verdicts: Sequence[TurnedVerdict] = ()
    """The verdicts in the gallery: turned ones, removed ones, and remaining errors."""
    evidence: Mapping[str, Mapping[Variant, Evidence]] = field(default_factory=dict)
    """The figures that need no threshold, by label set and variant."""
    detections: Mapping[str, Detection] = field(default_factory=dict)
    """DASH-B's own figures: first of all questions, then of each object."""
    groups: Mapping[str, GroupsRight] = field(default_factory=dict)
    """How many groups of questions are right, by label set."""
    amber: Mapping[str, Mapping[str, AmberFigures]] = field(default_factory=dict)
    """AMBER's own figures by dimension, for each way of reading an answer."""
    resolutions: Mapping[Variant, Resolution] = field(default_factory=dict)
    """F1 for what the ambiguous questions might be, by variant."""
    missing: Mapping[str, Mapping[Variant, Missing]] = field(default_factory=dict)
    """F1 for what might have been answered to questions without a readable answer, by label set and variant."""
    other_protocols: Sequence[Scores] = ()
    """The scores of the same answers under other protocols."""
    disagreements: Sequence[Disagreement] = ()
    unparsed: Sequence[Answer] = ()
    """Answers in which the run's protocol finds neither yes nor no."""
    readings: str = ""
    """How many answers other protocols read otherwise, in a sentence."""
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
    charts = {chart.name: chart for chart in _charts(view)}
    context = {
        "view": view,
        "scores": scores,
        "headline": headline(
            scores, view.object_effects, next(iter(view.detections.values()), None), view.completeness
        ),
        "titles": [label_set_title(name) for name in scores.cells],
        "phrases": [label_set_phrase(name) for name in scores.cells],
        "tables": _tables(view),
        "reasons": reason_lines(scores),
        "remarks": {
            "f1_parts": remarks.f1_parts_remark(scores),
            "clustering": remarks.clustering_remark(scores.f1_width_ratios),
            "ambiguity": remarks.ambiguity_remark(view.resolutions),
            "detection": remarks.detection_remark(view.detections),
        },
        "fewest": (FEWEST_IMAGES, FEWEST_EVENTS),
        "charts": charts,
        "rules": {one.protocol: PROTOCOLS[one.protocol].rule for one in (scores, *view.other_protocols)},
        "settings": _shown(view.settings),
        "facts": _shown(view.facts),
        "seconds": {stage: f"{spent:.1f} s" for stage, spent in view.seconds.items()},
        "citations": citations(str(view.settings.get("bench.source"))),
    }
    gallery = make_gallery(view.verdicts) if view.verdicts else None
    html = render("report.html.j2", gallery=gallery, **context)
    if gallery is not None and view.images:
        gallery = illustrated(gallery, view.images, PAGE_BYTES - len(html.encode()))
        html = render("report.html.j2", gallery=gallery, **context)
    figures = {f"{chart.name}.svg": chart.svg for chart in charts.values()}
    figures |= {f"{chart.name}.pdf": chart.pdf for chart in charts.values()}
    return RunPage(html=html, figures=figures)


def _tables(view: RunView) -> dict[str, Table]:
    """The tables that have rows, by name."""
    phrases = [label_set_phrase(name) for name in view.scores.cells]
    tables = {
        "scores": score_table(view.scores),
        "balanced": interval_table(
            BALANCED_CAPTION,
            view.scores,
            what_f1_hides(view.scores),
        ),
        "intervals": interval_table("The figures, and their 95 % intervals", view.scores, INTERVAL_FIGURES),
        "effects": run_tables.effect_table(view.effects, phrases),
        "objects": run_tables.object_table(view.object_effects, _effect_titles(view.scores)),
        "detections": benchmark_tables.detection_table(view.detections),
        "groups": benchmark_tables.groups_table(view.groups),
        "amber": benchmark_tables.amber_table(view.amber),
        "resolutions": run_tables.resolution_table(view.resolutions, phrases[-1]),
        "missing": run_tables.missing_table(view.missing),
        "evidence": run_tables.evidence_table(view.evidence),
        "protocols": run_tables.protocol_table((view.scores, *view.other_protocols)),
        "disagreements": run_tables.disagreement_table(view.disagreements),
        "unparsed": run_tables.unparsed_table(view.unparsed),
    }
    return {name: table for name, table in tables.items() if table.rows}


def _charts(view: RunView) -> list["Chart"]:
    from repope_eval.reporting.charts.counts import counts_chart
    from repope_eval.reporting.charts.detections import detection_charts
    from repope_eval.reporting.charts.errors import objects_charts, relabelling_chart
    from repope_eval.reporting.charts.precision_recall import precision_recall_chart
    from repope_eval.reporting.charts.reliability import reliability_chart

    charts = [counts_chart(view.scores), precision_recall_chart(view.scores)]
    if view.effects:
        charts.append(relabelling_chart(view.effects, [label_set_phrase(name) for name in view.scores.cells]))
    if view.object_effects:
        charts += objects_charts(view.object_effects, _effect_titles(view.scores))
    charts += detection_charts(view.detections)
    if view.evidence:
        charts.append(reliability_chart(view.evidence))
    return charts


def _effect_titles(scores: Scores) -> list[str]:
    """The titles of the two label sets that effects are between, or of the only one."""
    return [label_set_title(name) for name in scores.cells][:2]


def _shown(values: Mapping[str, Any]) -> dict[str, str]:
    """Settings and facts as text: lists have no brackets, and what is not set is a dash."""
    return {key: clipped(_text(value), LONGEST_SETTING) for key, value in values.items()}


def _text(value: Any) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(str(item) for item in value)
    return UNDEFINED if value is None else str(value)
