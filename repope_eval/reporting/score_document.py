"""`scores.json`: the scores of a run as a document."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from repope_eval.records import Variant
from repope_eval.scoring.detection import ALL_OBJECTS, Detection
from repope_eval.scoring.evidence import Evidence
from repope_eval.scoring.relabelling_effect import Effect
from repope_eval.scoring.scores import Scores


def score_document(scores: Scores, others: Sequence[Scores] = ()) -> dict[str, Any]:
    """The document of a run's scores; undefined figures and intervals are null, and `reasons` says why.

    Args:
        scores: under the protocol that counts.
        others: of the same answers under other protocols, which stand by name under `protocols`.
    """
    document = {
        "model": scores.model,
        "bench": scores.bench,
        "protocol": scores.protocol,
        "n_images": scores.n_images,
        "scores": _cells(scores),
    }
    return document | (
        {"protocols": {other.protocol: _cells(other) for other in (scores, *others)}} if others else {}
    )


def detection_document(detections: Mapping[str, Detection]) -> dict[str, Any]:
    """What `scores.json` holds of DASH-B besides: its figures of all questions, and under `objects` each object's."""
    if not detections:
        return {}
    objects = {name: dataclasses.asdict(found) for name, found in detections.items() if name != ALL_OBJECTS}
    return {"dash_b": dataclasses.asdict(detections[ALL_OBJECTS]) | {"objects": objects}}


def evidence_document(evidence: Mapping[str, Mapping[Variant, Evidence]]) -> dict[str, Any]:
    """What `scores.json` holds of the scores that need no threshold, by label set and variant."""
    if not evidence:
        return {}
    cells = {
        label_set: {variant: dataclasses.asdict(found) for variant, found in by_variant.items()}
        for label_set, by_variant in evidence.items()
    }
    return {"evidence": cells}


def effect_document(effects: Sequence[Effect], object_effects: Sequence[Effect]) -> dict[str, Any]:
    """What `scores.json` holds of what the relabelling did, by variant and by object."""
    if not effects:
        return {}
    return {
        "relabelling": {
            "variants": [dataclasses.asdict(effect) for effect in effects],
            "objects": [dataclasses.asdict(effect) for effect in object_effects],
        }
    }


def _cells(scores: Scores) -> dict[str, Any]:
    return {
        label_set: {
            variant: dataclasses.asdict(figures)
            | {
                "ci95": dict(scores.intervals[label_set][variant]),
                "reasons": dict(scores.reasons[label_set][variant]),
            }
            for variant, figures in by_variant.items()
        }
        for label_set, by_variant in scores.figures.items()
    }
