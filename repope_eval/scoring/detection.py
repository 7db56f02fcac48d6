"""How often a model sees an object that is there, and how often one that is not, as DASH-B's authors count it.

They are the figures of `eval_utils.py` (repository YanNeu/DASH-B): each divides by all answered
questions of its kind, so that an answer with neither yes nor no in it is a wrong one. The figures of
`confusion.py` leave such answers out under the same protocol, and are higher where there are some.

There are two intervals for two questions. How would the model do on other images of these objects? There images are
drawn, those of either label separately, as they were collected. How would it do on other objects? There objects are
drawn, with all of their images; objects differ so much in difficulty that these intervals are several times as wide.

Percentiles over so few objects lie too close together. Instead, the standard deviation of the replicates, on the scale
of the logit, is taken n / (n - 1) times in square, and t of n - 1 degrees of freedom times to either side (B. Efron and
R. J. Tibshirani, "An Introduction to the Bootstrap", 1993, chapter 12). Where the errors, or the right answers, are of
few objects, the interval is the gamma one over objects.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from math import isnan, sqrt

import numpy as np

from repope_eval.records import Answer, LabelSet, Question
from repope_eval.scoring.bootstrap import Cells, answered_counts, counts_by_image, mean_over, replicated
from repope_eval.scoring.confusion import OUTCOMES, figure_values
from repope_eval.scoring.estimates import Estimate
from repope_eval.scoring.intervals import (
    Sample,
    estimates,
    gamma_estimate,
    is_large,
    sampled,
    student_interval,
)
from repope_eval.scoring.protocols import Protocol

ALL_OBJECTS = "all objects"
"""The name, beside those of the objects, for all questions together."""

DETECTION_FIGURES: Mapping[str, str] = {
    "acc": "accuracy",
    "tnr": "tnr",
    "tpr": "recall",
    "harmonic_mean": "harmonic_mean",
}
"""The names in `figure_values` of the figures of a `Detection`."""

DETECTION_TITLES: Mapping[str, str] = {
    "acc": "ACC",
    "tnr": "TNR",
    "tpr": "TPR",
    "harmonic_mean": "harmonic mean",
}

FEWEST_OBJECTS = 50
"""With fewer objects, an interval over objects holds too seldom."""
FEWEST_OBJECT_EVENTS = 15
"""With the errors of fewer objects (`number_of_events`), one by Student's t holds too seldom."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Detection:
    """DASH-B's figures, of all questions or of one object's; undefined where there is nothing to divide by."""

    estimates: Mapping[str, Estimate]
    """By figure, with intervals over images of these objects. acc: the share of right answers among all answers. tnr:
    the share read as no among the answers about images that lack the object. tpr: the share read as yes among those
    about images that show it. harmonic_mean: 2 TPR TNR / (TPR + TNR)."""
    n_positives: int
    """Answered questions with label yes."""
    n_negatives: int
    n_unparsed: int
    """Answers that the protocol reads as neither yes nor no, which are wrong ones here."""
    object_estimates: Mapping[str, Estimate] = field(default_factory=dict)
    """The same figures with intervals over objects; empty for a single object."""


def detection(
    labels: Mapping[Question, bool], answers: Mapping[Question, Answer], protocol: Protocol
) -> Detection:
    """The figures of all answered questions."""
    whole = _detection(labels, answers, protocol)
    return replace(
        whole, object_estimates=_estimates_over_objects(whole, labels, answers, _counting_unparsed(protocol))
    )


def detection_by_object(
    labels: Mapping[Question, bool], answers: Mapping[Question, Answer], protocol: Protocol
) -> dict[str, Detection]:
    """The figures of each object's questions, in the order of the labels."""
    return {
        name: _detection(of_object, answers, protocol)
        for name, of_object in _labels_by_object(labels).items()
    }


def _labels_by_object(labels: Mapping[Question, bool]) -> dict[str, dict[Question, bool]]:
    by_object: dict[str, dict[Question, bool]] = {}
    for question, label in labels.items():
        by_object.setdefault(question.object, {})[question] = label
    return by_object


def _counting_unparsed(protocol: Protocol) -> Protocol:
    """The same readings, with unparsed answers counted as wrong ones everywhere."""
    return replace(protocol, unparsed="not_yes")


def _detection(
    labels: Mapping[Question, bool], answers: Mapping[Question, Answer], protocol: Protocol
) -> Detection:
    names = tuple(DETECTION_FIGURES.values())
    sample = sampled([LabelSet("", {"": labels})], answers, _counting_unparsed(protocol), names)
    of_totals = figure_values(sample.totals[0], sample.protocol)
    values = {name: None if isnan(of_totals[name]) else float(of_totals[name]) for name in names}
    undefined = {name: _undefined_reason(name, sample) for name, value in values.items() if value is None}
    by_name = estimates(sample, (0,), values, undefined)
    n_of = dict(zip(OUTCOMES, sample.totals[0].astype(np.int64).tolist(), strict=True))
    return Detection(
        estimates={figure: by_name[name] for figure, name in DETECTION_FIGURES.items()},
        n_positives=n_of["tp"] + n_of["fn"] + n_of["unparsed_yes"],
        n_negatives=n_of["tn"] + n_of["fp"] + n_of["unparsed_no"],
        n_unparsed=n_of["unparsed_yes"] + n_of["unparsed_no"],
    )


def _estimates_over_objects(
    whole: Detection, labels: Mapping[Question, bool], answers: Mapping[Question, Answer], protocol: Protocol
) -> dict[str, Estimate]:
    """The figures of all questions with their intervals over objects."""
    of_objects = [
        counts_by_image([LabelSet("", {"": of_object})], {q.image for q in of_object}, answers, protocol)
        for of_object in _labels_by_object(labels).values()
    ]
    counts = np.array([of_object.sum(axis=0) for of_object in of_objects]).reshape(-1, 1, len(OUTCOMES))
    answered = answered_counts(counts)
    values = {figure: whole.estimates[figure].value for figure in DETECTION_FIGURES}
    if len(answered) < FEWEST_OBJECTS:
        reason = f"fewer than {FEWEST_OBJECTS} objects have answers"
        return {figure: Estimate(value=value, reason=reason) for figure, value in values.items()}
    drawn = replicated(answered, protocol, tuple(DETECTION_FIGURES.values()))
    sample = Sample(counts=answered, totals=answered.sum(axis=0), drawn=drawn, protocol=protocol)
    return {
        figure: Estimate(reason=whole.estimates[figure].reason)
        if value is None
        else estimate_over_objects(sample, DETECTION_FIGURES[figure], value, (0,))
        for figure, value in values.items()
    }


def estimate_over_objects(sample: Sample, name: str, value: float, cells: Cells) -> Estimate:
    """A figure of `figure_values` with its interval, from a sample of objects instead of images."""
    if is_large(sample, name, cells, FEWEST_OBJECTS, FEWEST_OBJECT_EVENTS):
        drawn = mean_over(sample.drawn[name], cells)
        # There is no logit where the figure, or a replicate of it, is 0, 1 or undefined.
        if 0 < value < 1 and ((drawn > 0) & (drawn < 1)).all():
            n = len(sample.counts)
            error = float(np.log(drawn / (1 - drawn)).std()) * sqrt(n / (n - 1))
            return Estimate(value=value, interval=student_interval(value, error, n - 1))
    return replace(gamma_estimate(sample, name, cells), value=value, method=None)


def _undefined_reason(figure: str, sample: Sample) -> str:
    """Why a figure has nothing to divide by."""
    tp, fp, tn, fn, unparsed_yes, unparsed_no, _ = sample.totals[0]
    if not sample.totals[0, :-1].any():
        return "no question has an answer"
    if figure != "recall" and not tn + fp + unparsed_no:
        return "no question with label no has an answer"
    if not tp + fn + unparsed_yes:
        return "no question with label yes has an answer"
    return "the true positive and the true negative rate are both 0"
