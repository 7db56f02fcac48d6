"""DASH-B's figures: accuracy, true negative and true positive rate, and the harmonic mean of the two.

As its authors' `eval_utils.py` has them (repository YanNeu/DASH-B): each figure divides by all answered
questions of its kind, so that an answer with neither yes nor no in it is a wrong one. The figures of
`confusion.py` leave such answers out under the same protocol, and are higher where there are some.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from repope_eval.records import Answer, Question
from repope_eval.scoring.bootstrap import REPLICATES, Interval, drawn_weights, interval_of
from repope_eval.scoring.protocols import Protocol

ALL_OBJECTS = "all objects"
"""Stands beside the objects' names for all questions together."""

DETECTION_FIGURES = ("acc", "tnr", "tpr", "harmonic_mean")

_COUNTS = ("positives", "true_positives", "negatives", "true_negatives")
"""The last axis of counts: what the figures are made of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Detection:
    """DASH-B's figures, of the whole or of one object; None where there is nothing to divide by."""

    acc: float | None
    """Right answers among all answers."""
    tnr: float | None
    """Those read as no, among the answers about images that lack the object."""
    tpr: float | None
    """Those read as yes, among the answers about images that show the object."""
    harmonic_mean: float | None
    """2 TPR TNR / (TPR + TNR)."""
    n_positives: int
    """Answered questions with label yes."""
    n_negatives: int
    n_unparsed: int
    """Answers that the protocol reads as neither yes nor no; wrong ones here."""
    ci95: Mapping[str, Interval]
    """95 % intervals by a bootstrap over images, by figure; None where the figure is undefined in a replicate."""
    reasons: Mapping[str, str]
    """Why a figure or its interval is None; only of those that are."""


def detection(
    labels: Mapping[Question, bool], answers: Mapping[Question, Answer], protocol: Protocol
) -> Detection:
    """The figures of all answered questions."""
    return _detections(labels, answers, protocol, {"": list(labels)})[""]


def detection_by_object(
    labels: Mapping[Question, bool], answers: Mapping[Question, Answer], protocol: Protocol
) -> dict[str, Detection]:
    """The figures of each object's questions, in the order of the labels; all on the same drawn images."""
    groups: dict[str, list[Question]] = {}
    for question in labels:
        groups.setdefault(question.object, []).append(question)
    return _detections(labels, answers, protocol, groups)


def _detections(
    labels: Mapping[Question, bool],
    answers: Mapping[Question, Answer],
    protocol: Protocol,
    groups: Mapping[str, list[Question]],
) -> dict[str, Detection]:
    """The figures of each group of questions, with intervals over the images of all groups together."""
    answered = [question for question in labels if question in answers]
    images = {image: place for place, image in enumerate(dict.fromkeys(q.image for q in answered))}
    readings = {question: protocol.read(answers[question].response) for question in answered}
    counts = np.zeros((len(images), len(groups), len(_COUNTS)))
    for place, questions in enumerate(groups.values()):
        for question in questions:
            if question in readings:
                right = readings[question] is labels[question]
                outcome = (1, right, 0, 0) if labels[question] else (0, 0, 1, right)
                counts[images[question.image], place] += outcome
    figures = _figures(counts.sum(axis=0))
    drawn = _replicates(counts)
    found = {}
    for place, (name, questions) in enumerate(groups.items()):
        values = {figure: float(figures[figure][place]) for figure in DETECTION_FIGURES}
        of_group = {figure: drawn[figure][:, place] for figure in DETECTION_FIGURES}
        totals = counts[:, place].sum(axis=0)
        unparsed = sum(question in readings and readings[question] is None for question in questions)
        found[name] = _detection(values, of_group, totals, unparsed)
    return found


def _detection(
    values: Mapping[str, float],
    drawn: Mapping[str, NDArray[np.float64]],
    totals: NDArray[np.float64],
    n_unparsed: int,
) -> Detection:
    ci95 = {figure: interval_of(drawn[figure]) for figure in DETECTION_FIGURES}
    reasons = {}
    for figure in DETECTION_FIGURES:
        if np.isnan(values[figure]):
            reasons[figure] = _undefined(figure, totals)
        elif ci95[figure] is None:
            reasons[figure] = _no_interval(drawn[figure])
    return Detection(
        **{figure: None if np.isnan(value) else value for figure, value in values.items()},
        n_positives=int(totals[_COUNTS.index("positives")]),
        n_negatives=int(totals[_COUNTS.index("negatives")]),
        n_unparsed=n_unparsed,
        ci95=ci95,
        reasons=reasons,
    )


def _figures(counts: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
    """The figures of counts [..., 4], NaN where there is nothing to divide by."""
    positives, true_positives, negatives, true_negatives = np.moveaxis(counts, -1, 0)
    tpr, tnr = _ratio(true_positives, positives), _ratio(true_negatives, negatives)
    return {
        "acc": _ratio(true_positives + true_negatives, positives + negatives),
        "tnr": tnr,
        "tpr": tpr,
        "harmonic_mean": _ratio(2 * tpr * tnr, tpr + tnr),
    }


def _replicates(counts: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
    """Each figure in each replicate, [replicates, groups]; one replicate of NaN where there is none."""
    n_images, n_groups, _ = counts.shape
    if n_images < 2:
        return {figure: np.full((1, n_groups), np.nan) for figure in DETECTION_FIGURES}
    flat = counts.reshape(n_images, -1)
    parts = [
        _figures((weights @ flat).reshape(len(weights), n_groups, len(_COUNTS)))
        for weights in drawn_weights(n_images, REPLICATES)
    ]
    return {figure: np.concatenate([part[figure] for part in parts]) for figure in DETECTION_FIGURES}


def _undefined(figure: str, totals: NDArray[np.float64]) -> str:
    positives, true_positives, negatives, true_negatives = totals
    if positives + negatives == 0:
        return "no question has an answer"
    if negatives == 0 and figure != "tpr":
        return "no question with label no has an answer"
    if positives == 0:
        return "no question with label yes has an answer"
    assert true_positives == true_negatives == 0
    return "the true positive and the true negative rate are both 0"


def _no_interval(drawn: NDArray[np.float64]) -> str:
    if len(drawn) < 2:
        return "a single image has answers: nothing to draw from"
    return f"undefined in {int(np.isnan(drawn).sum())} of {len(drawn)} replicates"


def _ratio(part: NDArray[np.float64], whole: NDArray[np.float64]) -> NDArray[np.float64]:
    ratio: NDArray[np.float64] = np.full(np.shape(whole), np.nan)
    np.divide(part, whole, out=ratio, where=np.asarray(whole) > 0)
    return ratio
