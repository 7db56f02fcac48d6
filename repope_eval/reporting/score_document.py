"""`scores.json`: the scores of a run as a document."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from repope_eval.records import Variant
from repope_eval.scoring.detection import ALL_OBJECTS, Detection
from repope_eval.scoring.evidence import Evidence
from repope_eval.scoring.relabelling_effect import Effect
from repope_eval.scoring.resolutions import Missing, Resolution
from repope_eval.scoring.scores import DISTINCT, Scores


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
        **_changes(scores),
    }
    if scores.distinct is not None:
        distinct = _cells(scores.distinct)
        document["distinct"] = {name: by_variant[DISTINCT] for name, by_variant in distinct.items()}
    return document | (
        {"protocols": {other.protocol: _cells(other) for other in (scores, *others)}} if others else {}
    )


def detection_document(detections: Mapping[str, Detection]) -> dict[str, Any]:
    """What `scores.json` holds of DASH-B besides: its figures of all questions, and under `objects` each object's."""
    if not detections:
        return {}
    documents = {name: dataclasses.asdict(found) for name, found in detections.items()}
    whole = documents.pop(ALL_OBJECTS)
    for name in ("ci95_objects", "reasons_objects"):
        for document in documents.values():
            del document[name]
    questions = {"ci95": "these objects on other images", "ci95_objects": "other objects"}
    return {"dash_b": whole | {"intervals_for": questions, "objects": documents}}


def evidence_document(evidence: Mapping[str, Mapping[Variant, Evidence]]) -> dict[str, Any]:
    """What `scores.json` holds of the scores that need no threshold, by label set and variant."""
    if not evidence:
        return {}
    cells = {
        label_set: {variant: dataclasses.asdict(found) for variant, found in by_variant.items()}
        for label_set, by_variant in evidence.items()
    }
    return {"evidence": cells}


def left_out_document(
    resolutions: Mapping[Variant, Resolution], missing: Mapping[str, Mapping[Variant, Missing]]
) -> dict[str, Any]:
    """What `scores.json` holds of F1 if the questions that it leaves out counted, by variant."""
    ambiguous = {variant: dataclasses.asdict(found) for variant, found in resolutions.items()}
    unread = {
        label_set: {variant: dataclasses.asdict(found) for variant, found in by_variant.items()}
        for label_set, by_variant in missing.items()
    }
    return ({"ambiguous": ambiguous} if ambiguous else {}) | {"missing": unread}


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
                "ci95_method": dict(scores.methods[label_set][variant]),
                "reasons": dict(scores.reasons[label_set][variant]),
            }
            for variant, figures in by_variant.items()
        }
        for label_set, by_variant in scores.figures.items()
    }


def _changes(scores: Scores) -> dict[str, Any]:
    """From the first label set to the second, by variant, distinct questions last."""
    changes = {**scores.changes, **(scores.distinct.changes if scores.distinct is not None else {})}
    if not changes:
        return {}
    return {
        "change": {
            variant: {
                **change.values,
                "f1_by_labels": change.f1_by_labels,
                "f1_by_prevalence": change.f1_by_prevalence,
                "yes_shares": change.yes_shares,
                "ci95": dict(change.intervals),
                "reasons": dict(change.reasons),
            }
            for variant, change in changes.items()
        }
    }
