"""What the exported figures are called and mean; all are better the higher they are."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """A figure as other programs describe it."""

    id: str
    """In common use, or else with this program's name before it."""
    title: str
    meaning: str
    lowest: float = 0.0
    highest: float = 1.0


METRICS: Mapping[str, Metric] = {
    "f1": Metric(id="f1", title="F1", meaning="harmonic mean of precision and recall"),
    "precision": Metric(id="precision", title="precision", meaning="share of the answers yes that are right"),
    "recall": Metric(
        id="recall", title="recall", meaning="share of the questions with label yes that are answered yes"
    ),
    "accuracy": Metric(id="accuracy", title="accuracy", meaning="share of the answers that are right"),
    "tnr": Metric(
        id="specificity",
        title="true negative rate",
        meaning="share of the questions with label no that are answered no",
    ),
    "balanced_accuracy": Metric(
        id="balanced_accuracy",
        title="balanced accuracy",
        meaning="mean of recall and the true negative rate",
    ),
    "f1_balanced": Metric(
        id="repope_eval.f1_balanced",
        title="F1 at 50 % yes",
        meaning="F1 if half of the questions had label yes, at the same recall and false positive rate",
    ),
    "mcc": Metric(
        id="matthews_correlation",
        title="Matthews correlation coefficient",
        meaning="correlation of labels and answers",
        lowest=-1.0,
    ),
}
"""The figures by their names in `scores.json`. The yes ratio is none of them: neither more nor less of it is better."""

POSITIVE = "positive means that the right answer is yes"
"""Which of the two answers precision and recall are about; asked about an object, that it is in the image."""
