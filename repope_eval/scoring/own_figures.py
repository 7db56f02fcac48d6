"""The figures that some benchmarks have of their own, beside those of all benchmarks, in a form that all pages show.

Those of AMBER are its authors'. "No" is the positive class: precision is the share of right noes among the noes said,
recall that among the noes due. Each is rounded to a tenth of a percent, and F1 is made of the rounded ones, with 0.0001
(for existence 0.001) added to its denominator. A row counts as often as it stands in the file, if it has an answer. An
answer counts as right only if it is exactly "Yes" or "No"; the same figures of what a protocol reads stand beside them.

Their code begins every whole that it divides by with 0.001 (`data/metrics.txt`), so that it prints 0.0 where there is
nothing to divide by; here, such a figure is undefined. With many rows, the 0.001 changes no tenth of a percent.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from repope_eval.benchmarks.benchmark import Benchmark, OwnKind, OwnSection
from repope_eval.benchmarks.sources import label_set_phrase, label_set_title
from repope_eval.records import Answer, LabelSet, Question, Variant
from repope_eval.scoring.detection import (
    ALL_OBJECTS,
    DETECTION_TITLES,
    Detection,
    detection,
    detection_by_object,
)
from repope_eval.scoring.estimates import Estimate, Interval
from repope_eval.scoring.intervals import wilson
from repope_eval.scoring.protocols import PROTOCOLS, Protocol, Reading, remembering
from repope_eval.scoring.score_document import certainty, figure_phrase, plain
from repope_eval.settings import config
from repope_eval.wording import counted

Answers = Mapping[Question, Answer]
"""What a model said, by question."""


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
    answers: Answers,
    protocol: Protocol,
) -> dict[str, GroupsRight]:
    """How many groups are right under each label set; empty where there are no groups."""
    return {each.name: _groups_right(groups, each, answers, protocol) for each in label_sets if groups}


def _groups_right(
    groups: Mapping[Question, str],
    label_set: LabelSet,
    answers: Answers,
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

AMBER_TITLES: Mapping[str, str] = {
    "accuracy": "accuracy",
    "precision": "precision",
    "recall": "recall",
    "f1": "F1",
}
"""The figures of `AmberFigures`."""


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
            return dict.fromkeys(AMBER_TITLES, "no row has an answer")
        reasons = {}
        if self.precision is None:
            reasons["precision"] = reasons["f1"] = "nothing was answered no"
        if self.recall is None:
            reasons["recall"] = reasons["f1"] = "no answered row has the label no"
        return reasons


def read_exactly(response: str) -> Reading:
    """An answer as AMBER's authors read it: exactly "Yes" or "No", and otherwise neither."""
    return {"Yes": True, "No": False}.get(response)


def amber_figures(
    ids: Mapping[Variant, Mapping[int | str, Question]],
    labels: Mapping[Variant, Mapping[Question, bool]],
    answers: Answers,
    read: Callable[[str], Reading],
) -> dict[str, AmberFigures]:
    """The figures of each dimension whose variants are all there.

    Args:
        ids: the questions of each variant by the ids of their rows.
        labels: of each variant, whether the answer to a question is yes.
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
        name: _figures_of_rows(
            [row for part in parts for row in rows[part]], 0.001 if name == "existence" else 0.0001
        )
        for name, parts in DIMENSIONS.items()
        if set(parts) <= set(rows)
    }


def _figures_of_rows(rows: list[tuple[bool, Reading]], added: float) -> AmberFigures:
    """The figures of rows of label and reading."""
    said_no = [label for label, reading in rows if reading is False]
    due_no = [reading for label, reading in rows if not label]
    precision = _rounded_percent(said_no.count(False), len(said_no))
    recall = _rounded_percent(due_no.count(False), len(due_no))
    f1 = None
    if precision is not None and recall is not None:
        f1 = round(2 * precision / 100 * recall / 100 / (precision / 100 + recall / 100 + added) * 100, 1)
    right = sum(label is reading for label, reading in rows)
    return AmberFigures(
        n=len(rows), accuracy=_rounded_percent(right, len(rows)), precision=precision, recall=recall, f1=f1
    )


def _rounded_percent(part: int, whole: int) -> float | None:
    return round(part / whole * 100, 1) if whole else None


@dataclass(frozen=True, slots=True)
class Percent:
    """A figure in percent, as its authors round it."""

    value: float | None
    reason: str
    """Why there is none; empty where there is one."""


FigureCell = str | int | Estimate | Percent | Interval
"""What stands in a cell of a table of figures; None is a missing interval."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FigureTable:
    """A table of figures, whatever they are."""

    columns: Sequence[str]
    """The titles of the columns."""
    rows: Sequence[Sequence[FigureCell]]
    n_words: int = 1
    """How many columns hold words, which come first; with several, the rows with one first word are a group."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnFigures:
    """Figures that a benchmark has of its own, in the form that page, console and files show without knowing them."""

    section: OwnSection
    document: Mapping[str, Any]
    """Their part of `scores.json`."""
    headline: Mapping[str, Estimate]
    """Those that stand first, by title, where the section leads."""
    scope: str
    """What these are over."""
    clause: str
    """What these say, as a part of a sentence."""
    phrase: str
    """These as a paper prints them."""
    table: FigureTable
    narrow_table: FigureTable | None = None
    """What the console shows in the place of a table that it has no room for."""
    remark: str = ""
    """What the intervals of the table are about."""
    detections: Mapping[str, Detection] = field(default_factory=dict)
    """What its charts show: the shares of all objects together, and of each; empty of figures without charts."""


def own_figures(benchmark: Benchmark, answers: Answers, protocol: config.Protocol) -> tuple[OwnFigures, ...]:
    """The figures that the benchmark says it has of its own, as far as there is something to count."""
    figures = (KINDS[section.kind](section, benchmark, answers, protocol) for section in benchmark.own)
    return tuple(one for one in figures if one is not None)


def _own_detections(
    section: OwnSection, benchmark: Benchmark, answers: Answers, protocol: config.Protocol
) -> OwnFigures:
    labels, rule = benchmark.label_sets[-1].distinct, PROTOCOLS[protocol]
    whole = detection(labels, answers, rule)
    return shown_detections(section, {ALL_OBJECTS: whole, **detection_by_object(labels, answers, rule)})


def shown_detections(section: OwnSection, detections: Mapping[str, Detection]) -> OwnFigures:
    """The figures of all objects and of each; all of them together have a row for each kind of interval."""
    whole = detections[ALL_OBJECTS]
    titled = {DETECTION_TITLES[name]: one for name, one in whole.estimates.items()}

    def row(name: str, of_object: Detection, shown: Mapping[str, Estimate]) -> Sequence[FigureCell]:
        return (name, of_object.n_positives + of_object.n_negatives, *shown.values())

    first, *others = (row(name, of_object, of_object.estimates) for name, of_object in detections.items())
    second = [row(f"{ALL_OBJECTS}, drawn over objects", whole, whole.object_estimates)]
    has_second = any(one.interval for one in whole.object_estimates.values())
    return OwnFigures(
        section=section,
        document=_detections_document(detections),
        headline=titled,
        scope="over all answered questions",
        clause=_seen_clause(whole),
        phrase=" and ".join(figure_phrase(title, titled[title]) for title in ("TNR", "TPR")),
        table=FigureTable(
            columns=("object", "questions", *titled), rows=[first, *(second if has_second else ()), *others]
        ),
        narrow_table=FigureTable(
            columns=(section.title, "", "other images, 95 %", "other objects, 95 %"),
            rows=[
                (title, replace(one, interval=None), one.interval, over_objects.interval)
                for (title, one), over_objects in zip(
                    titled.items(), whole.object_estimates.values(), strict=True
                )
            ],
        ),
        remark="The intervals in the table's first row say how the model might do on other images of these objects; "
        "those in the second, for which objects are drawn, on other objects."
        if has_second
        else "",
        detections=detections,
    )


def _seen_clause(of_objects: Detection) -> str:
    """How often the model says yes about images with the object, and about images without it."""
    with_object, right_without = (of_objects.estimates[name].value for name in ("tpr", "tnr"))
    without = None if right_without is None else 1 - right_without
    said = [
        f"in {100 * share:.1f} % of the images that {verb} it"
        for share, verb in ((with_object, "show"), (without, "lack"))
        if share is not None
    ]
    return f"the model sees the object {' and '.join(said)}" if said else "no answer can be scored"


def _detections_document(detections: Mapping[str, Detection]) -> dict[str, Any]:
    """The figures of all questions, with those of each object under `objects`."""
    objects = {
        name: {
            **{figure: one.value for figure, one in of_object.estimates.items()},
            **{count: getattr(of_object, count) for count in ("n_positives", "n_negatives", "n_unparsed")},
            **certainty(of_object.estimates, "ci95", "ci95_method", "reasons"),
        }
        for name, of_object in detections.items()
    }
    over_objects = certainty(detections[ALL_OBJECTS].object_estimates, "ci95", "reasons")
    return objects.pop(ALL_OBJECTS) | {
        **{f"{part}_objects": by_figure for part, by_figure in over_objects.items()},
        "intervals_for": {"ci95": "these objects on other images", "ci95_objects": "other objects"},
        "objects": objects,
    }


def _own_groups(
    section: OwnSection, benchmark: Benchmark, answers: Answers, protocol: config.Protocol
) -> OwnFigures | None:
    by_label_set = groups_right(benchmark.groups, benchmark.label_sets, answers, PROTOCOLS[protocol])
    if not by_label_set:
        return None
    name, last = list(by_label_set.items())[-1]
    n_groups = counted(last.n, "group", ",")
    return OwnFigures(
        section=section,
        document={
            label_set: {
                "n": one.n,
                "n_right": one.n_right,
                "share": one.share.value,
                "share_ci95": one.share.interval,
            }
            for label_set, one in by_label_set.items()
        },
        headline={
            f"groups right under {label_set_phrase(label_set)}": one.share
            for label_set, one in by_label_set.items()
        },
        scope=f"over {n_groups}",
        clause=f"all answers are right in {last.n_right:,} of {n_groups}",
        phrase=f"{figure_phrase('groups right', last.share)} under {label_set_phrase(name)}",
        table=FigureTable(
            columns=("labels", "groups", "all right", "share"),
            rows=[
                (label_set_title(label_set), one.n, one.n_right, one.share)
                for label_set, one in by_label_set.items()
            ],
        ),
    )


def _own_amber(
    section: OwnSection, benchmark: Benchmark, answers: Answers, protocol: config.Protocol
) -> OwnFigures:
    labels = benchmark.label_sets[-1].variants
    ways = {EXACT: read_exactly, protocol: PROTOCOLS[protocol].read}
    figures = {way: amber_figures(benchmark.ids, labels, answers, read) for way, read in ways.items()}
    dimension, first = next(iter(figures[EXACT].items()))
    over = "all dimensions" if dimension == "all" else dimension
    f1 = Estimate(value=None if first.f1 is None else first.f1 / 100, reason=first.reasons.get("f1", ""))
    return OwnFigures(
        section=section,
        document={
            way: {
                name: plain(dimension_figures) | {"reasons": dimension_figures.reasons}
                for name, dimension_figures in by_dimension.items()
            }
            for way, by_dimension in figures.items()
        },
        headline={"F1 of “no”": f1},
        scope=f"{over}, {counted(first.n, 'row', ',')}",
        clause=f"answers count that are {EXACT}",
        phrase=f"{figure_phrase('F1 of “no”', f1)} of answers that are {EXACT}, {over}",
        table=FigureTable(
            columns=("answers read as", "dimension", "rows", *AMBER_TITLES.values()),
            rows=[
                (
                    way,
                    name,
                    dimension_figures.n,
                    *(
                        Percent(getattr(dimension_figures, each), dimension_figures.reasons.get(each, ""))
                        for each in AMBER_TITLES
                    ),
                )
                for way, by_dimension in figures.items()
                for name, dimension_figures in by_dimension.items()
            ],
            n_words=2,
        ),
    )


Kind = Callable[[OwnSection, Benchmark, Answers, config.Protocol], OwnFigures | None]
"""What makes figures of a benchmark's answers; None where there is nothing to count."""

KINDS: Mapping[OwnKind, Kind] = {
    "dash_b": _own_detections,
    "groups": _own_groups,
    "amber": _own_amber,
}
