"""`scores.json`: the scores of a run as a JSON document."""

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from repope_eval.reporting.page import RunView
from repope_eval.scoring.bootstrap import DISTINCT
from repope_eval.scoring.calibration import CALIBRATION_FIGURES
from repope_eval.scoring.detection import ALL_OBJECTS, Detection
from repope_eval.scoring.estimates import Estimate
from repope_eval.scoring.evidence import Evidence
from repope_eval.scoring.scores import Change, Scores


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
    if view.groups:
        document["groups"] = {
            name: {
                "n": found.n,
                "n_right": found.n_right,
                "share": found.share.value,
                "share_ci95": found.share.interval,
            }
            for name, found in view.groups.items()
        }
    if view.amber:
        document["amber"] = {
            way: {name: _plain(found) | {"reasons": found.reasons} for name, found in by_dimension.items()}
            for way, by_dimension in view.amber.items()
        }
    if view.evidence:
        document["evidence"] = {
            name: {variant: _evidence(found) for variant, found in by_variant.items()}
            for name, by_variant in view.evidence.items()
        }
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
    over_objects = _certainty(detections[ALL_OBJECTS].over_objects, "ci95", "reasons")
    objects = {name: _detection(found) for name, found in detections.items()}
    return objects.pop(ALL_OBJECTS) | {
        **{f"{part}_objects": by_figure for part, by_figure in over_objects.items()},
        "intervals_for": {"ci95": "these objects on other images", "ci95_objects": "other objects"},
        "objects": objects,
    }


def _detection(found: Detection) -> dict[str, Any]:
    return {
        **{figure: one.value for figure, one in found.estimates.items()},
        **{field: getattr(found, field) for field in ("n_positives", "n_negatives", "n_unparsed")},
        **_certainty(found.estimates, "ci95", "ci95_method", "reasons"),
    }


def _evidence(found: Evidence) -> dict[str, Any]:
    """The figures, each before its interval; those of calibration come first."""

    def figures(names: Iterable[str]) -> dict[str, Any]:
        by_figure: dict[str, Any] = {}
        for name in names:
            one = found.estimates[name]
            by_figure |= {name: one.value, f"{name}_interval": one.interval}
        return by_figure

    return {
        **figures(CALIBRATION_FIGURES),
        "n": found.n,
        **figures(name for name in found.estimates if name not in CALIBRATION_FIGURES),
        "best_threshold": found.best_threshold,
        "reliability": [dataclasses.asdict(each) for each in found.reliability],
        **_certainty(found.estimates, "reasons"),
    }


def _cells(scores: Scores) -> dict[str, Any]:
    return {
        label_set: {
            variant: dataclasses.asdict(cell.figures)
            | _certainty(cell.estimates, "ci95", "ci95_method", "reasons")
            for variant, cell in by_variant.items()
        }
        for label_set, by_variant in scores.cells.items()
    }


def _certainty(estimates: Mapping[str, Estimate], *parts: str) -> dict[str, Any]:
    """How sure figures are, in mappings by figure; in the reasons are only those of a null."""
    found = {
        "ci95": {figure: one.interval for figure, one in estimates.items()},
        "ci95_method": {figure: one.method for figure, one in estimates.items()},
        "reasons": {figure: one.reason for figure, one in estimates.items() if one.reason},
    }
    return {part: found[part] for part in parts}


def _changes(scores: Scores) -> dict[str, Any]:
    """What changes from the first label set to the second, by variant, distinct questions last."""
    found = {
        variant: {
            **{figure: one.value for figure, one in change.estimates.items()},
            "f1_parts": f1_parts_document(change),
            "yes_shares": change.yes_shares,
            **_certainty(change.estimates, "ci95", "reasons"),
        }
        for part in scores.parts
        for variant, change in part.changes.items()
    }
    return {"change": found} if found else {}


def f1_parts_document(change: Change) -> dict[str, Any]:
    """What F1's change is made of, by the names of the parts; `reason` says why a value or an interval is null."""
    return {
        part: {"value": found.value, "ci95": found.interval, "reason": found.reason or None}
        for part, found in change.f1_parts.items()
    }
