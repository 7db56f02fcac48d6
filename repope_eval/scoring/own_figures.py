"""The figures that some benchmarks have of their own, as their authors compute them, beside those of all benchmarks.

"No" is the positive class: precision is the share of right noes among the noes said, recall that among the noes due.
Each is rounded to a tenth of a percent, and F1 is made of the rounded ones, with 0.0001 (for existence 0.001) added to
its denominator. A row counts as often as it stands in the file, if it has an answer. An answer counts as right only if
it is exactly "Yes" or "No"; the same figures of what a protocol reads stand beside them.

Their code begins every whole that it divides by with 0.001 (`data/metrics.txt`), so that it prints 0.0 where there is
nothing to divide by; here, such a figure is undefined. Of many rows, the 0.001 changes no tenth of a percent.

They are those of its authors' `eval_utils.py` (repository YanNeu/DASH-B): each figure divides by all answered
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

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from math import isnan, sqrt

import numpy as np

from repope_eval.benchmarks.benchmark import Benchmark
from repope_eval.records import Answer, LabelSet, Question, Variant
from repope_eval.scoring.bootstrap import (
    Cells,
    Estimate,
    counts_by_image,
    mean_over,
    of_answered_images,
    replicated,
)
from repope_eval.scoring.confusion import OUTCOMES, figure_values
from repope_eval.scoring.intervals import (
    Sample,
    estimates,
    gamma_estimate,
    is_large,
    sampled,
    student_interval,
    wilson,
)
from repope_eval.scoring.protocols import PROTOCOLS, Protocol, Reading, remembering
from repope_eval.settings import config


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupsRight:
    """How many groups a model has right, under one label set."""

    n: int
    """Number of groups whose questions all have a label and an answer."""
    n_right: int
    """Number of those of which every answer is read as its label; an unparsed answer is a wrong one."""
    share: Estimate
    """n_right / n, with Wilson's score interval: groups are drawn independently of one another."""


def groups_right(
    groups: Mapping[Question, str],
    label_sets: tuple[LabelSet, ...],
    answers: Mapping[Question, Answer],
    protocol: Protocol,
) -> dict[str, GroupsRight]:
    """How many groups are right under each label set; empty where there are no groups.

    Args:
        groups: the group of each question that has one.
        label_sets: what is taken as true.
        answers: what the model said.
        protocol: how yes or no is read from an answer.
    """
    return {each.name: _groups_right(groups, each, answers, protocol) for each in label_sets if groups}


def _groups_right(
    groups: Mapping[Question, str],
    label_set: LabelSet,
    answers: Mapping[Question, Answer],
    protocol: Protocol,
) -> GroupsRight:
    read = remembering(protocol).read
    labels = label_set.distinct
    right: dict[str, bool] = {}
    incomplete: set[str] = set()
    for question, group in groups.items():
        if question in labels and question in answers:
            is_right = read(answers[question].response) is labels[question]
            right[group] = right.get(group, True) and is_right
        else:
            incomplete.add(group)
    complete = [is_right for group, is_right in right.items() if group not in incomplete]
    n, n_right = len(complete), sum(complete)
    if not n:
        share = Estimate(reason="no group has an answer to all of its questions")
    else:
        share = Estimate(value=n_right / n, interval=wilson(n_right, n))
    return GroupsRight(n=n, n_right=n_right, share=share)


DIMENSIONS: Mapping[str, tuple[Variant, ...]] = {
    "all": ("existence", "state", "number", "action", "relation"),
    "existence": ("existence",),
    "attribute": ("state", "number", "action"),
    "state": ("state",),
    "number": ("number",),
    "action": ("action",),
    "relation": ("relation",),
}
"""The dimensions that are reported, and the variants that each consists of."""


EXACT = "exactly Yes or No"
"""The name of the authors' way of reading an answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AmberFigures:
    """The figures of one dimension in percent; None where there is nothing to divide by."""

    n: int
    """Number of rows that have an answer."""
    accuracy: float | None
    precision: float | None
    recall: float | None
    f1: float | None

    @property
    def reasons(self) -> dict[str, str]:
        """Why figures are undefined, by name."""
        if not self.n:
            return dict.fromkeys(("accuracy", "precision", "recall", "f1"), "no row has an answer")
        found = {}
        if self.precision is None:
            found["precision"] = found["f1"] = "nothing was answered no"
        if self.recall is None:
            found["recall"] = found["f1"] = "no answered row has the label no"
        return found


def read_exactly(response: str) -> Reading:
    """An answer as AMBER's authors read it: exactly "Yes" or "No", and otherwise neither."""
    return {"Yes": True, "No": False}.get(response)


def amber_figures(
    ids: Mapping[Variant, Mapping[int | str, Question]],
    labels: Mapping[Variant, Mapping[Question, bool]],
    answers: Mapping[Question, Answer],
    read: Callable[[str], Reading],
) -> dict[str, AmberFigures]:
    """The figures of each dimension whose variants are all there.

    Args:
        ids: the questions of each variant by the ids of their rows.
        labels: of each variant, whether the answer to a question is yes.
        answers: what the model said.
        read: how yes or no is read from an answer's text.
    """
    rows = {
        variant: [
            (labels[variant][question], read(answers[question].response))
            for question in questions.values()
            if question in answers
        ]
        for variant, questions in ids.items()
    }
    return {
        name: _figures(
            [row for part in parts for row in rows[part]], 0.001 if name == "existence" else 0.0001
        )
        for name, parts in DIMENSIONS.items()
        if set(parts) <= set(rows)
    }


def _figures(rows: list[tuple[bool, Reading]], added: float) -> AmberFigures:
    """The figures of rows of label and reading."""
    said_no = [label for label, reading in rows if reading is False]
    due_no = [reading for label, reading in rows if not label]
    precision = _percent(said_no.count(False), len(said_no))
    recall = _percent(due_no.count(False), len(due_no))
    f1 = None
    if precision is not None and recall is not None:
        f1 = round(2 * precision / 100 * recall / 100 / (precision / 100 + recall / 100 + added) * 100, 1)
    right = sum(label is reading for label, reading in rows)
    return AmberFigures(
        n=len(rows), accuracy=_percent(right, len(rows)), precision=precision, recall=recall, f1=f1
    )


def _percent(part: int, whole: int) -> float | None:
    return round(part / whole * 100, 1) if whole else None


ALL_OBJECTS = "all objects"
"""The name, beside those of the objects, for all questions together."""

DETECTION_FIGURES: Mapping[str, str] = {
    "acc": "accuracy",
    "tnr": "tnr",
    "tpr": "recall",
    "harmonic_mean": "harmonic_mean",
}
"""The names in `figure_values` of the figures of a `Detection`."""
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
    over_objects: Mapping[str, Estimate] = field(default_factory=dict)
    """The same figures with intervals over objects; empty for a single object."""


def detection(
    labels: Mapping[Question, bool], answers: Mapping[Question, Answer], protocol: Protocol
) -> Detection:
    """The figures of all answered questions."""
    whole = _detection(labels, answers, protocol)
    return replace(whole, over_objects=_over_objects(whole, labels, answers, _counting_unparsed(protocol)))


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
    of_totals = figure_values(sample.totals[0], sample.protocol)
    values = {name: None if isnan(of_totals[name]) else float(of_totals[name]) for name in names}
    undefined = {name: _undefined(name, sample) for name, value in values.items() if value is None}
    found = estimates(sample, (0,), values, undefined)
    n_of = dict(zip(OUTCOMES, sample.totals[0].astype(np.int64).tolist(), strict=True))
    return Detection(
        estimates={figure: found[name] for figure, name in DETECTION_FIGURES.items()},
        n_positives=n_of["tp"] + n_of["fn"] + n_of["unparsed_yes"],
        n_negatives=n_of["tn"] + n_of["fp"] + n_of["unparsed_no"],
        n_unparsed=n_of["unparsed_yes"] + n_of["unparsed_no"],
    )


def _over_objects(
    whole: Detection, labels: Mapping[Question, bool], answers: Mapping[Question, Answer], protocol: Protocol
) -> dict[str, Estimate]:
    """The figures of all questions with their intervals over objects."""
    of_objects = [
        counts_by_image([LabelSet("", {"": of_object})], {q.image for q in of_object}, answers, protocol)
        for of_object in _by_object(labels).values()
    ]
    counts = np.array([of_object.sum(axis=0) for of_object in of_objects]).reshape(-1, 1, len(OUTCOMES))
    answered = of_answered_images(counts)
    values = {figure: whole.estimates[figure].value for figure in DETECTION_FIGURES}
    if len(answered) < FEWEST_OBJECTS:
        reason = f"fewer than {FEWEST_OBJECTS} objects have answers"
        return {figure: Estimate(value=value, reason=reason) for figure, value in values.items()}
    drawn = replicated(answered, protocol, tuple(DETECTION_FIGURES.values()))
    sample = Sample(counts=answered, totals=answered.sum(axis=0), drawn=drawn, protocol=protocol)
    return {
        figure: Estimate(reason=whole.estimates[figure].reason)
        if value is None
        else over_other_objects(sample, DETECTION_FIGURES[figure], value, (0,))
        for figure, value in values.items()
    }


def over_other_objects(sample: Sample, name: str, value: float, cells: Cells) -> Estimate:
    """A figure of `figure_values` with its interval, from a sample of objects instead of images."""
    if is_large(sample, name, cells, FEWEST_OBJECTS, FEWEST_OBJECT_EVENTS):
        drawn = mean_over(sample.drawn[name], cells)
        # There is no logit where the figure, or a replicate of it, is 0, 1 or undefined.
        if 0 < value < 1 and ((drawn > 0) & (drawn < 1)).all():
            n = len(sample.counts)
            error = float(np.log(drawn / (1 - drawn)).std()) * sqrt(n / (n - 1))
            return Estimate(value=value, interval=student_interval(value, error, n - 1))
    return replace(gamma_estimate(sample, name, cells), value=value, method=None)


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


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnFigures:
    """A benchmark's own figures; those of the others are empty."""

    detections: Mapping[str, Detection] = field(default_factory=dict)
    """DASH-B's: first of all questions, then of each object's."""
    amber: Mapping[str, Mapping[str, AmberFigures]] = field(default_factory=dict)
    """AMBER's by dimension: of answers as its authors read them, then as the protocol does."""


def own_figures(
    benchmark: Benchmark, answers: Mapping[Question, Answer], protocol: config.Protocol
) -> OwnFigures:
    """The figures of the benchmark whose label set has its name: `dash_b` or `amber`."""
    labels = {each.name: each.variants for each in benchmark.label_sets}
    rule = PROTOCOLS[protocol]
    if "dash_b" in labels:
        (of_questions,) = labels["dash_b"].values()
        of_all = detection(of_questions, answers, rule)
        return OwnFigures(
            detections={ALL_OBJECTS: of_all, **detection_by_object(of_questions, answers, rule)}
        )
    if "amber" in labels:
        ways = {EXACT: read_exactly, protocol: rule.read}
        return OwnFigures(
            amber={
                way: amber_figures(benchmark.ids, labels["amber"], answers, read)
                for way, read in ways.items()
            }
        )
    return OwnFigures()
