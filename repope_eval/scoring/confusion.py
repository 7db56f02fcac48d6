"""Confusion counts of one label set and variant, and the figures made of them."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from repope_eval.scoring.protocols import Protocol, Reading

Values = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Confusion:
    """How often each label met each reading."""

    tp: int = 0
    """Label yes, read as yes."""
    fp: int = 0
    """Label no, read as yes."""
    tn: int = 0
    fn: int = 0
    unparsed_yes: int = 0
    """Label yes, answered, but neither yes nor no was read."""
    unparsed_no: int = 0
    unanswered: int = 0
    """Labelled questions without an answer."""


OUTCOMES = tuple(field.name for field in dataclasses.fields(Confusion))
"""The outcomes of a labelled question, in the order of counts kept as arrays."""

OUTCOME_OF: Mapping[tuple[bool, Reading], str] = {
    (True, True): "tp",
    (False, True): "fp",
    (False, False): "tn",
    (True, False): "fn",
    (True, None): "unparsed_yes",
    (False, None): "unparsed_no",
}
"""The outcome of an answered question, by its label and what is read from its answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """The figures of one label set and variant; None where one is undefined (nothing to divide by).

    Counts are whole numbers, except in a mean over variants.
    """

    tp: float
    fp: float
    tn: float
    fn: float
    precision: float | None
    recall: float | None
    f1: float | None
    accuracy: float | None
    balanced_accuracy: float | None
    tnr: float | None
    """True negative rate: how many of the questions with label no are answered no."""
    yes_ratio: float | None
    f1_balanced: float | None
    """F1 if half of the questions had label yes, at the same recall and false positive rate."""
    mcc: float | None
    """Matthews correlation coefficient of labels and readings, between -1 and 1."""
    n_questions: float
    n_answered: float
    n_unparsed: float

    @property
    def n_unanswered(self) -> float:
        """Questions without an answer."""
        return self.n_questions - self.n_answered

    @property
    def is_unread(self) -> bool:
        """Whether there are answers, and none of them is a yes or a no: their F1 would say nothing of the model."""
        return is_unread(self.n_answered, self.n_unparsed)


def is_unread(n_answered: float, n_unparsed: float) -> bool:
    """Whether there are answers, and none of them is a yes or a no."""
    return 0 < n_answered == n_unparsed


_FIELDS = tuple(field.name for field in dataclasses.fields(Figures))


def figures(confusion: Confusion, protocol: Protocol) -> Figures:
    """The figures that counts come to; the protocol says what becomes of unparsed answers (see `Protocol.unparsed`)."""
    counts = np.array([getattr(confusion, name) for name in OUTCOMES], dtype=np.float64)
    values = figure_values(counts, protocol)
    return Figures(**{name: _figure_number(name, float(values[name])) for name in _FIELDS})


def figure_values(counts: Values, protocol: Protocol) -> dict[str, Values]:
    """The fields of `Figures`, `harmonic_mean` and `yes_share`, for any number of counts at once, NaN where undefined.

    Precision, recall, tnr, accuracy and yes ratio are those of `shares`, but precision is undefined also where no
    question has label yes, since it would be 0 whatever the model says; f1 = 2 tp / (2 tp + fp + fn), undefined where
    precision or recall is; balanced accuracy = (recall + tnr) / 2; harmonic_mean (DASH-B's) is that of recall and tnr.
    yes_share is the share with label yes of the questions that F1 counts, positives and negatives; f1_balanced is F1
    where it is 1/2 (see `f1_at`).
    mcc = (tp tn - fp fn) / sqrt((tp + fp) (tp + fn) (tn + fp) (tn + fn)), undefined where a factor is 0
    (B. W. Matthews, "Comparison of the Predicted and Observed Secondary Structure of T4 Phage Lysozyme",
    Biochimica et Biophysica Acta 405 (1975), 442-451), where answers that are not read as yes count as no if
    f1 counts them.

    Args:
        counts: [..., outcomes], the last axis in the order of `OUTCOMES`.
        protocol: the protocol, which says what becomes of unparsed answers.
    """
    tp, fp, tn, fn, unparsed_yes, unparsed_no, unanswered = np.moveaxis(counts, -1, 0)
    n_unparsed = unparsed_yes + unparsed_no
    n_answered = tp + fp + tn + fn + n_unparsed
    of_whole = shares(counts, protocol)
    precision, recall, tnr, accuracy, yes_ratio = (
        ratio(*of_whole[name]) for name in ("precision", "recall", "tnr", "accuracy", "yes_ratio")
    )
    positives, negatives = of_whole["recall"][1], of_whole["tnr"][1]
    precision = np.where(np.isnan(recall), np.nan, precision)
    f1 = np.where(np.isnan(precision), np.nan, ratio(2 * tp, tp + fp + positives))
    said_no = positives - tp + negatives - fp
    margins = np.sqrt((tp + fp) * positives * negatives * said_no)
    return {
        "tp": tp,
        "fp": fp,
        "tn": tn,
        "fn": of_whole["fn"][0],
        "precision": precision,
        "recall": recall,
        "f1": f1,
        "accuracy": accuracy,
        "balanced_accuracy": (recall + tnr) / 2,
        "tnr": tnr,
        "yes_ratio": yes_ratio,
        "f1_balanced": np.where(np.isnan(f1), np.nan, f1_at(np.array(0.5), recall, ratio(fp, negatives))),
        "mcc": ratio(tp * (negatives - fp) - fp * (positives - tp), margins),
        "harmonic_mean": ratio(2 * recall * tnr, recall + tnr),
        "yes_share": ratio(positives, positives + negatives),
        "n_questions": n_answered + unanswered,
        "n_answered": n_answered,
        "n_unparsed": n_unparsed,
    }


def f1_at(yes_share: Values, recall: Values, false_positive_rate: Values) -> Values:
    """F1 if this share of the questions, q, had label yes, elementwise: 2 q recall / (q recall + q + (1 - q) fpr).

    That is the harmonic mean of recall and of precision, which at q is q recall / (q recall + (1 - q) fpr).
    """
    true_positives = yes_share * recall
    return ratio(2 * true_positives, true_positives + yes_share + (1 - yes_share) * false_positive_rate)


Share = tuple[Values, Values]
"""A number of questions, and the number of questions that it is a share of."""


def shares(counts: Values, protocol: Protocol) -> dict[str, Share]:
    """What is divided by what in each figure that is a share of some questions; arguments as in `figure_values`.

    precision = tp / (tp + fp); recall = tp / positives; tnr = tn / negatives; accuracy = (tp + tn) / counted;
    yes_ratio = read as yes / counted. A count is a share of the answered questions with its label. F1 is no share;
    Jaccard's index J = tp / (tp + fp + fn), of which it is 2 J / (1 + J), stands in its place.
    """
    tp, fp, tn, fn, unparsed_yes, unparsed_no, _ = np.moveaxis(counts, -1, 0)
    labelled_yes, labelled_no = tp + fn + unparsed_yes, tn + fp + unparsed_no
    counted = tp + fp + tn + fn if protocol.unparsed == "dropped" else labelled_yes + labelled_no
    positives, negatives = tp + fn, tn + fp
    if protocol.unparsed == "not_yes":
        fn, positives, negatives = fn + unparsed_yes, labelled_yes, labelled_no
    said_yes = labelled_yes if protocol.yes_ratio_of == "labels" else tp + fp
    return {
        "tp": (tp, labelled_yes),
        "fp": (fp, labelled_no),
        "tn": (tn, labelled_no),
        "fn": (fn, labelled_yes),
        "precision": (tp, tp + fp),
        "recall": (tp, positives),
        "f1": (tp, fp + positives),
        "accuracy": (tp + tn, counted),
        "tnr": (tn, negatives),
        "yes_ratio": (said_yes, counted),
    }


def ratio(part: Values, whole: Values) -> Values:
    """One number divided by another, elementwise; NaN where there is nothing to divide by."""
    quotients: Values = np.full(np.broadcast_shapes(np.shape(part), np.shape(whole)), np.nan)
    np.divide(part, whole, out=quotients, where=np.asarray(whole) > 0)
    return quotients


_COUNTS = frozenset(("tp", "fp", "tn", "fn", "n_questions", "n_answered", "n_unparsed"))


def _figure_number(name: str, value: float) -> Any:
    if name in _COUNTS:
        return int(value)
    return None if np.isnan(value) else value
