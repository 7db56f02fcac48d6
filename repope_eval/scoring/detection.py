"""DASH-B's figures: accuracy, true negative and true positive rate, and the harmonic mean of the two.

They are those of its authors' `eval_utils.py` (repository YanNeu/DASH-B): each figure divides by all answered
questions of its kind, so that an answer with neither yes nor no in it is a wrong one. The figures of
`confusion.py` leave such answers out under the same protocol, and are higher where there are some.

There are two intervals for two questions. How would the model do on other images of these objects? There images are
drawn, those of either label separately, as they were collected. How would it do on other objects? There objects are
drawn, with all of their images; objects differ so much in difficulty that these intervals are several times as wide.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from math import isnan

import numpy as np

from repope_eval.records import Answer, LabelSet, Question
from repope_eval.scoring.bootstrap import (
    Interval,
    counts_by_image,
    interval_of,
    of_answered_images,
    replicated,
)
from repope_eval.scoring.confusion import OUTCOMES, figure_values
from repope_eval.scoring.intervals import Method, Sample, estimates, sampled
from repope_eval.scoring.protocols import Protocol

ALL_OBJECTS = "all objects"
"""The name, beside those of the objects, for all questions together."""

DETECTION_FIGURES: Mapping[str, str] = {
    "acc": "accuracy",
    "tnr": "tnr",
    "tpr": "recall",
    "harmonic_mean": "harmonic_mean",
}
"""The names in `figure_values` of the fields of `Detection`."""
FEWEST_OBJECTS = 50
"""With fewer objects, an interval over objects holds too seldom."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Detection:
    """DASH-B's figures, of all questions or of one object's; None where there is nothing to divide by."""

    acc: float | None
    """The share of right answers among all answers."""
    tnr: float | None
    """The share read as no among the answers about images that lack the object."""
    tpr: float | None
    """The share read as yes among the answers about images that show the object."""
    harmonic_mean: float | None
    """2 TPR TNR / (TPR + TNR)."""
    n_positives: int
    """Answered questions with label yes."""
    n_negatives: int
    n_unparsed: int
    """Answers that the protocol reads as neither yes nor no, which are wrong ones here."""
    ci95: Mapping[str, Interval]
    """95 % intervals over images of these objects, by figure."""
    ci95_method: Mapping[str, Method | None]
    """How each of these intervals was made."""
    reasons: Mapping[str, str]
    """Why a figure or its interval is None; only of those that are."""
    ci95_objects: Mapping[str, Interval] = field(default_factory=dict)
    """95 % intervals over objects, by figure; empty for a single object."""
    reasons_objects: Mapping[str, str] = field(default_factory=dict)
    """Why a figure has no interval over objects."""


def detection(
    labels: Mapping[Question, bool], answers: Mapping[Question, Answer], protocol: Protocol
) -> Detection:
    """The figures of all answered questions."""
    over_objects, reasons = _over_objects(labels, answers, _counting_unparsed(protocol))
    whole = _detection(labels, answers, protocol)
    return replace(whole, ci95_objects=over_objects, reasons_objects=reasons)


def detection_by_object(
    labels: Mapping[Question, bool], answers: Mapping[Question, Answer], protocol: Protocol
) -> dict[str, Detection]:
    """The figures of each object's questions, in the order of the labels."""
    return {name: _detection(of_object, answers, protocol) for name, of_object in _by_object(labels).items()}


def _by_object(labels: Mapping[Question, bool]) -> dict[str, dict[Question, bool]]:
    found: dict[str, dict[Question, bool]] = {}
    for question, label in labels.items():
        found.setdefault(question.object, {})[question] = label
    return found


def _counting_unparsed(protocol: Protocol) -> Protocol:
    """The same readings, with unparsed answers counted as wrong ones everywhere."""
    return replace(protocol, unparsed="not_yes")


def _detection(
    labels: Mapping[Question, bool], answers: Mapping[Question, Answer], protocol: Protocol
) -> Detection:
    names = tuple(DETECTION_FIGURES.values())
    sample = sampled([LabelSet("", {"": labels})], answers, _counting_unparsed(protocol), names)
    values = figure_values(sample.totals[0], sample.protocol)
    undefined = {name: _undefined(name, sample) for name in names if isnan(values[name])}
    found = estimates(sample, (0,), undefined, names)
    n_of = dict(zip(OUTCOMES, sample.totals[0].astype(np.int64).tolist(), strict=True))
    acc, tnr, tpr, harmonic_mean = (None if name in undefined else float(values[name]) for name in names)
    by_field = {field: found[name] for field, name in DETECTION_FIGURES.items()}
    return Detection(
        acc=acc,
        tnr=tnr,
        tpr=tpr,
        harmonic_mean=harmonic_mean,
        n_positives=n_of["tp"] + n_of["fn"] + n_of["unparsed_yes"],
        n_negatives=n_of["tn"] + n_of["fp"] + n_of["unparsed_no"],
        n_unparsed=n_of["unparsed_yes"] + n_of["unparsed_no"],
        ci95={field: one.interval for field, one in by_field.items()},
        ci95_method={field: one.method for field, one in by_field.items()},
        reasons={field: one.reason for field, one in by_field.items() if one.reason},
    )


def _over_objects(
    labels: Mapping[Question, bool], answers: Mapping[Question, Answer], protocol: Protocol
) -> tuple[dict[str, Interval], dict[str, str]]:
    """The intervals over objects, and why there is none, by figure."""
    of_objects = [
        counts_by_image([LabelSet("", {"": of_object})], {q.image for q in of_object}, answers, protocol)
        for of_object in _by_object(labels).values()
    ]
    counts = np.array([of_object.sum(axis=0) for of_object in of_objects]).reshape(-1, 1, len(OUTCOMES))
    answered = of_answered_images(counts)
    if len(answered) < FEWEST_OBJECTS:
        reason = f"fewer than {FEWEST_OBJECTS} objects have answers"
        return dict.fromkeys(DETECTION_FIGURES), dict.fromkeys(DETECTION_FIGURES, reason)
    drawn = replicated(answered, protocol, tuple(DETECTION_FIGURES.values()))
    found = {field: interval_of(drawn[name][:, 0]) for field, name in DETECTION_FIGURES.items()}
    undefined = "undefined in some of the replicates"
    return found, {field: undefined for field, interval in found.items() if interval is None}


def _undefined(figure: str, sample: Sample) -> str:
    """Why a figure has nothing to divide by."""
    tp, fp, tn, fn, unparsed_yes, unparsed_no, _ = sample.totals[0]
    if not sample.totals[0, :-1].any():
        return "no question has an answer"
    if figure != "recall" and not tn + fp + unparsed_no:
        return "no question with label no has an answer"
    if not tp + fn + unparsed_yes:
        return "no question with label yes has an answer"
    return "the true positive and the true negative rate are both 0"
