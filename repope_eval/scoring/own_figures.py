"""The figures that some benchmarks have of their own, as their authors compute them, beside those of all benchmarks."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from repope_eval.benchmarks.benchmark import Benchmark
from repope_eval.records import Answer, Question
from repope_eval.scoring.amber import EXACT, AmberFigures, amber_figures, read_exactly
from repope_eval.scoring.detection import ALL_OBJECTS, Detection, detection, detection_by_object
from repope_eval.scoring.protocols import PROTOCOLS
from repope_eval.settings import config


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnFigures:
    """A benchmark's own figures; those of the others are empty."""

    detections: Mapping[str, Detection] = field(default_factory=dict)
    """DASH-B's: first of all questions, then of each object's."""
    amber: Mapping[str, Mapping[str, AmberFigures]] = field(default_factory=dict)
    """AMBER's by dimension: of answers as its authors read them, then as the protocol does."""


def own_figures(
    benchmark: Benchmark, answers: Mapping[Question, Answer], protocol: config.Protocol
) -> OwnFigures:
    """The figures of the benchmark whose label set has its name: `dash_b` or `amber`."""
    labels = {each.name: each.variants for each in benchmark.label_sets}
    rule = PROTOCOLS[protocol]
    if "dash_b" in labels:
        (of_questions,) = labels["dash_b"].values()
        of_all = detection(of_questions, answers, rule)
        return OwnFigures(
            detections={ALL_OBJECTS: of_all, **detection_by_object(of_questions, answers, rule)}
        )
    if "amber" in labels:
        ways = {EXACT: read_exactly, protocol: rule.read}
        return OwnFigures(
            amber={
                way: amber_figures(benchmark.ids, labels["amber"], answers, read)
                for way, read in ways.items()
            }
        )
    return OwnFigures()
