"""Confusion counts of one label set and variant, and the figures made of them."""

from collections.abc import Mapping
from dataclasses import dataclass

from repope_eval.records import Answer, Question
from repope_eval.scoring.protocols import Protocol, Reading


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

    @property
    def n_answered(self) -> int:
        """Labelled questions with an answer."""
        return self.tp + self.fp + self.tn + self.fn + self.unparsed_yes + self.unparsed_no


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
    n_questions: float
    n_answered: float
    n_unparsed: float


def count(
    labels: Mapping[Question, bool], answers: Mapping[Question, Answer], protocol: Protocol
) -> Confusion:
    """Counts of the labelled questions' answers, read by a protocol."""
    counts = dict.fromkeys(("tp", "fp", "tn", "fn", "unparsed_yes", "unparsed_no", "unanswered"), 0)
    for question, label in labels.items():
        answer = answers.get(question)
        outcome = "unanswered" if answer is None else _outcome(label, protocol.read(answer.response))
        counts[outcome] += 1
    return Confusion(**counts)


_OUTCOMES: Mapping[tuple[bool, Reading], str] = {
    (True, True): "tp",
    (False, True): "fp",
    (False, False): "tn",
    (True, False): "fn",
    (True, None): "unparsed_yes",
    (False, None): "unparsed_no",
}


def _outcome(label: bool, reading: Reading) -> str:
    return _OUTCOMES[label, reading]


def figures(confusion: Confusion, protocol: Protocol) -> Figures:
    """The figures of counts, unparsed answers treated as the protocol does (see `Protocol.unparsed`).

    precision = tp / (tp + fp); recall = tp / (tp + fn); f1 = 2 tp / (2 tp + fp + fn), undefined where
    precision or recall is; tnr = tn / (tn + fp); balanced accuracy = (recall + tnr) / 2.
    """
    tp, fp, tn, fn = confusion.tp, confusion.fp, confusion.tn, confusion.fn
    negatives = tn + fp
    answered = counted = tp + fp + tn + fn
    if protocol.unparsed != "dropped":
        counted = answered = confusion.n_answered
    if protocol.unparsed == "not_yes":
        fn += confusion.unparsed_yes
        negatives += confusion.unparsed_no
    precision, recall, tnr = _ratio(tp, tp + fp), _ratio(tp, tp + fn), _ratio(tn, negatives)
    labelled_yes = confusion.tp + confusion.fn + confusion.unparsed_yes
    return Figures(
        tp=tp,
        fp=fp,
        tn=tn,
        fn=fn,
        precision=precision,
        recall=recall,
        f1=None if precision is None or recall is None else _ratio(2 * tp, 2 * tp + fp + fn),
        accuracy=_ratio(tp + tn, counted),
        balanced_accuracy=None if recall is None or tnr is None else (recall + tnr) / 2,
        tnr=tnr,
        yes_ratio=_ratio(labelled_yes if protocol.yes_ratio_of == "labels" else tp + fp, answered),
        n_questions=confusion.n_answered + confusion.unanswered,
        n_answered=confusion.n_answered,
        n_unparsed=confusion.unparsed_yes + confusion.unparsed_no,
    )


def _ratio(part: int, whole: int) -> float | None:
    return part / whole if whole else None
