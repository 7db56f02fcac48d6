"""`scores.json`: the scores of a run as a JSON document."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from repope_eval.reporting.page import RunView
from repope_eval.scoring.detection import ALL_OBJECTS, Detection
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


def run_document(view: RunView) -> dict[str, Any]:
    """The document of a run: its scores, and whatever else was found of its answers."""
    document = score_document(view.scores, view.other_protocols)
    if view.detections:
        document["dash_b"] = _detections(view.detections)
    if view.evidence:
        document["evidence"] = _plain(view.evidence)
    if view.effects:
        document["relabelling"] = {
            "variants": [_plain(effect) for effect in view.effects],
            "objects": [_plain(effect) for effect in view.object_effects],
        }
    if view.resolutions:
        document["ambiguous"] = _plain(view.resolutions)
    return document | {"missing": _plain(view.missing)}


def _plain(found: Any) -> Any:
    """A record as a mapping, or a mapping of such records."""
    if isinstance(found, Mapping):
        return {name: _plain(part) for name, part in found.items()}
    return dataclasses.asdict(found)


def _detections(detections: Mapping[str, Detection]) -> dict[str, Any]:
    """DASH-B's figures of all questions, with those of each object under `objects`."""
    objects = _plain(detections)
    whole: dict[str, Any] = objects.pop(ALL_OBJECTS)
    for of_object in objects.values():
        del of_object["ci95_objects"], of_object["reasons_objects"]
    questions = {"ci95": "these objects on other images", "ci95_objects": "other objects"}
    return whole | {"intervals_for": questions, "objects": objects}


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
    """What changes from the first label set to the second, by variant, distinct questions last."""
    changes = {**scores.changes, **(scores.distinct.changes if scores.distinct is not None else {})}
    fields = ("f1_by_labels", "f1_by_prevalence", "yes_shares")
    found = {
        variant: {
            **change.values,
            **{field: getattr(change, field) for field in fields},
            "ci95": dict(change.intervals),
            "reasons": dict(change.reasons),
        }
        for variant, change in changes.items()
    }
    return {"change": found} if found else {}
