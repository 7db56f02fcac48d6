"""The tables of a run's page, beside that of its scores."""

from collections.abc import Callable, Iterator, Mapping, Sequence

from repope_eval.records import Answer, Variant
from repope_eval.reporting.score_table import COUNT_COLUMNS, LABEL_SET_TITLES
from repope_eval.reporting.tables import Table, amount_text, clipped, ratio_text, table
from repope_eval.scoring.bootstrap import INTERVAL_FIGURES
from repope_eval.scoring.detection import Detection
from repope_eval.scoring.evidence import Evidence
from repope_eval.scoring.protocol_readings import Disagreement
from repope_eval.scoring.protocols import Reading
from repope_eval.scoring.relabelling_effect import Effect
from repope_eval.scoring.scores import Scores

FIGURE_TITLES: Mapping[str, str] = {
    **COUNT_COLUMNS,
    "precision": "precision",
    "recall": "recall",
    "f1": "F1",
    "accuracy": "accuracy",
    "balanced_accuracy": "balanced accuracy",
    "tnr": "TNR",
    "yes_ratio": "yes ratio",
    "f1_balanced": "F1 at 50 % yes",
    "mcc": "MCC",
}
DETECTION_TITLES: Mapping[str, str] = {
    "acc": "ACC",
    "tnr": "TNR",
    "tpr": "TPR",
    "harmonic_mean": "harmonic mean",
}
MOST_RESPONSES = 150
"""Rows of a table of responses, which may be long."""
_LONGEST_TEXT = 160
"""Characters of a text in it."""

_FATES: Mapping[str, Callable[[Effect], int]] = {
    "FP → TP, the label's error": lambda effect: effect.fp_to_tp,
    "FN → TN, the label's error": lambda effect: effect.fn_to_tn,
    "TP → FP, a hit by luck": lambda effect: effect.tp_to_fp,
    "TN → FN, a hit by luck": lambda effect: effect.tn_to_fn,
    "TP removed as ambiguous": lambda effect: effect.removed[0],
    "FP removed as ambiguous": lambda effect: effect.removed[1],
    "TN removed as ambiguous": lambda effect: effect.removed[2],
    "FN removed as ambiguous": lambda effect: effect.removed[3],
}
_READINGS: Mapping[Reading, str] = {True: "yes", False: "no", None: "neither"}
_Cell = tuple[Variant, str]
"""A variant, and the name of a label set."""


def label_set_title(name: str) -> str:
    """A label set's name as it is written."""
    return LABEL_SET_TITLES.get(name, name)


def interval_table(scores: Scores) -> Table:
    """Every figure with its 95 % interval."""

    def cells(cell: _Cell) -> Iterator[str]:
        variant, label_set = cell
        yield variant
        yield label_set_title(label_set)
        intervals = scores.intervals[label_set][variant]
        for name in INTERVAL_FIGURES:
            text = amount_text if name in COUNT_COLUMNS else ratio_text
            yield text(getattr(scores.figures[label_set][variant], name), intervals.get(name))

    return table(
        "Every figure, and its 95 % interval by a bootstrap over images",
        ("variant", "labels", *(FIGURE_TITLES[name] for name in INTERVAL_FIGURES)),
        _by_variant(scores.figures),
        lambda cell: tuple(cells(cell)),
        n_texts=2,
    )


def reason_lines(scores: Scores) -> tuple[str, ...]:
    """Why figures or intervals are missing: a line for each reason, with all it is the reason of."""
    by_reason: dict[str, dict[str, list[str]]] = {}
    for label_set, by_variant in scores.reasons.items():
        for variant, reasons in by_variant.items():
            for figure, reason in reasons.items():
                place = f"{variant}, {label_set_title(label_set)}"
                title = FIGURE_TITLES.get(figure, figure)
                by_reason.setdefault(reason, {}).setdefault(place, []).append(title)
    return tuple(
        f"{'; '.join(f'{place}: {_listed(titles)}' for place, titles in places.items())}: {reason}"
        for reason, places in by_reason.items()
    )


def effect_table(effects: Sequence[Effect]) -> Table:
    """What the relabelling did to the parsed answers: a row for each fate, a column for each variant."""
    return table(
        "Answers by what they were under POPE and what they are under RePOPE",
        ("answers", *(effect.group for effect in effects)),
        tuple(_FATES.items()),
        lambda fate: (fate[0], *_texts(*(fate[1](effect) for effect in effects))),
    )


def object_table(effects: Sequence[Effect], titles: Sequence[str]) -> Table:
    """Errors by object, under one label set or two; those with the most under the last come first."""
    last = 1 if len(titles) > 1 else 0

    def n_errors(effect: Effect) -> int:
        counts = effect.after if last else effect.before
        return counts[1] + counts[3]

    def cells(effect: Effect) -> tuple[str, ...]:
        counts = (effect.before, effect.after)[: last + 1]
        moved = (effect.fp_to_tp, effect.fn_to_tn, effect.tp_to_fp, effect.tn_to_fn, sum(effect.removed))
        return (
            clipped(effect.group, 80),
            *_texts(*(count[1] for count in counts), *(count[3] for count in counts)),
            *(_texts(*moved) if last else ()),
        )

    moves = ("FP → TP", "FN → TN", "TP → FP", "TN → FN", "removed") if last else ()
    return table(
        "Errors by object; each distinct question counts once",
        ("object", *(f"FP, {title}" for title in titles), *(f"FN, {title}" for title in titles), *moves),
        sorted(effects, key=lambda effect: (-n_errors(effect), effect.group)),
        cells,
    )


def detection_table(detections: Mapping[str, Detection]) -> Table:
    """DASH-B's figures: of all questions, and of each object's."""
    return table(
        "DASH-B's figures, with 95 % intervals: right answers among all, among those about images without and with "
        "the object, and the harmonic mean of these two",
        ("object", "questions", *DETECTION_TITLES.values()),
        tuple(detections.items()),
        lambda item: (
            item[0],
            str(item[1].n_positives + item[1].n_negatives),
            *(ratio_text(getattr(item[1], name), item[1].ci95[name]) for name in DETECTION_TITLES),
        ),
    )


def evidence_table(evidence: Mapping[str, Mapping[Variant, Evidence]]) -> Table:
    """The figures that need no threshold, with their intervals."""

    def cells(cell: _Cell) -> tuple[str, ...]:
        variant, label_set = cell
        shown = evidence[label_set][variant]
        return (
            variant,
            label_set_title(label_set),
            str(shown.n),
            ratio_text(shown.auroc, shown.auroc_interval),
            ratio_text(shown.average_precision, shown.average_precision_interval),
            ratio_text(shown.ece, shown.ece_interval),
            ratio_text(shown.best_f1, shown.best_f1_interval),
            ratio_text(shown.best_threshold),
        )

    return table(
        "What the confidence in yes tells, with 95 % intervals",
        ("variant", "labels", "questions", "AUROC", "average precision", "ECE", "best F1", "at confidence"),
        _by_variant(evidence),
        cells,
        n_texts=2,
    )


def protocol_table(scores: Sequence[Scores]) -> Table:
    """F1 of the same answers under each protocol, and what else the reading decides."""
    rows = [
        (one, variant, label_set)
        for variant, label_set in (_by_variant(scores[0].figures) if scores else ())
        for one in scores
    ]

    def cells(row: tuple[Scores, Variant, str]) -> tuple[str, ...]:
        one, variant, label_set = row
        figures = one.figures[label_set][variant]
        interval = one.intervals[label_set][variant].get("f1")
        return (
            variant,
            label_set_title(label_set),
            one.protocol,
            amount_text(figures.n_unparsed),
            *(amount_text(getattr(figures, name)) for name in COUNT_COLUMNS),
            ratio_text(figures.precision),
            ratio_text(figures.recall),
            ratio_text(figures.f1, interval),
            ratio_text(figures.yes_ratio),
        )

    columns = ("unparsed", *COUNT_COLUMNS.values(), "precision", "recall", "F1", "yes ratio")
    caption = "The same answers under each protocol"
    return table(caption, ("variant", "labels", "protocol", *columns), rows, cells, n_texts=3)


def disagreement_table(disagreements: Sequence[Disagreement]) -> Table:
    """Responses that the protocols do not read alike."""
    protocols = list(disagreements[0].readings) if disagreements else []

    def cells(one: Disagreement) -> tuple[str, ...]:
        readings = (f"{_READINGS[one.readings[name]]}: {_cut(one.reasons[name])}" for name in protocols)
        image, question = (_cut(text) for text in one.example)
        return _cut(one.response), *readings, f"{question} ({image})", str(one.n_answers)

    return table(
        "Responses that the protocols read differently, and why",
        ("response", *protocols, "the first question", "answers"),
        disagreements,
        cells,
        most=MOST_RESPONSES,
        n_texts=2 + len(protocols),
        wraps=True,
    )


def unparsed_table(answers: Sequence[Answer]) -> Table:
    """Answers in which the run's protocol finds neither yes nor no."""
    return table(
        "Answers in which the protocol finds neither yes nor no",
        ("image", "question", "response"),
        answers,
        lambda answer: (
            _cut(answer.question.image),
            _cut(answer.question.text),
            _cut(answer.response),
        ),
        most=MOST_RESPONSES,
        n_texts=3,
        wraps=True,
    )


def _by_variant(figures: Mapping[str, Mapping[Variant, object]]) -> list[_Cell]:
    """Each variant under every label set that has it, one under the other."""
    variants = dict.fromkeys(variant for by_variant in figures.values() for variant in by_variant)
    return [(variant, name) for variant in variants for name in figures if variant in figures[name]]


def _texts(*counts: int) -> tuple[str, ...]:
    return tuple(str(count) for count in counts)


def _listed(titles: Sequence[str]) -> str:
    return ", ".join(titles)


def _cut(text: str) -> str:
    return clipped(text, _LONGEST_TEXT)
