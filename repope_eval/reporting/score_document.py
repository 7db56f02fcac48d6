"""`scores.json`: the scores of a run as a document."""

import dataclasses
from typing import Any

from repope_eval.scoring.scores import Scores


def score_document(scores: Scores) -> dict[str, Any]:
    """The document of a run's scores; undefined figures are null."""
    return {
        "model": scores.model,
        "bench": scores.bench,
        "protocol": scores.protocol,
        "scores": {
            label_set: {
                variant: dataclasses.asdict(figures) | {"ci95": dict(scores.intervals[label_set][variant])}
                for variant, figures in by_variant.items()
            }
            for label_set, by_variant in scores.figures.items()
        },
    }
