"""`compare.json`: a comparison as a JSON document."""

import dataclasses
from collections.abc import Mapping
from typing import Any

from repope_eval.reporting.comparison_verdict import verdict
from repope_eval.reporting.comparison_view import ComparedLabels, ComparisonView
from repope_eval.scoring.differences import Difference
from repope_eval.scoring.gap import Gap
from repope_eval.scoring.paired_answers import DIFFERING, PairedAnswer
from repope_eval.scoring.protocols import Reading

_READINGS: Mapping[Reading, str | None] = {True: "yes", False: "no", None: None}


def comparison_document(view: ComparisonView) -> dict[str, Any]:
    """The document; undefined figures are null. Questions that differ stand in it one by one."""
    return {
        "verdict": verdict(view),
        "bench": view.bench,
        "protocol": view.protocol,
        "a": dataclasses.asdict(view.a),
        "b": dataclasses.asdict(view.b),
        "labels": [_labels(each) for each in view.labels],
        "answers": dataclasses.asdict(view.tally),
        "read_differently": [
            {**dataclasses.asdict(each), "readings": _words(each.readings)} for each in view.read_differently
        ],
        "settings": {
            group.name: {
                "state": group.state,
                "differ": {pair.key: [pair.a, pair.b] for pair in group.pairs},
            }
            for group in view.settings
        },
        "questions": [_question(pair) for pair in view.pairs if pair.kind in DIFFERING],
    }


def _labels(labels: ComparedLabels) -> dict[str, Any]:
    return {
        "a": labels.a,
        "b": labels.b,
        "common": labels.common,
        "headline": labels.headline,
        "variants": {
            variant: {
                **{figure: _gap(gap) for figure, gap in of_figure.items()},
                "chance": _chance(labels.chance[variant]),
            }
            for variant, of_figure in labels.gaps.items()
        },
        "protocols": {
            variant: {
                each.protocol: {"a": dataclasses.asdict(each.a), "b": dataclasses.asdict(each.b)}
                for each in of_variant
            }
            for variant, of_variant in labels.protocols.items()
        },
    }


def _gap(gap: Gap) -> dict[str, Any]:
    return {
        "gap": gap.value,
        "parts": {cause: part.value for cause, part in gap.parts.items()},
        "parts_ci95": {cause: part.interval for cause, part in gap.parts.items()},
        "parts_by_order": {cause: part.by_order for cause, part in gap.parts.items()},
        "parts_reason": {cause: part.reason or None for cause, part in gap.parts.items()},
        "a": dataclasses.asdict(gap.a),
        "b": dataclasses.asdict(gap.b),
    }


def _chance(found: Difference) -> dict[str, Any]:
    return {
        "value": found.value,
        "ci95": found.interval,
        "p": found.p,
        "n_questions": found.n_questions,
        "n_images": found.n_images,
        "n_differing": found.n_differing,
        "reason": found.reason,
    }


def _question(pair: PairedAnswer) -> dict[str, Any]:
    return {
        "image": pair.question.image,
        "question": pair.question.text,
        "variants": pair.variants,
        "kind": pair.kind,
        "label": _READINGS[pair.label],
        "a": pair.a.response if pair.a else None,
        "b": pair.b.response if pair.b else None,
        "read": [_READINGS[each] for each in pair.own],
        "read_alike": [_READINGS[each] for each in pair.common],
    }


def _words(readings: Mapping[Any, Reading]) -> dict[str, str | None]:
    return {protocol: _READINGS[reading] for protocol, reading in readings.items()}
