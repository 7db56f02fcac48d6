"""The tables of a run's page, beside that of its scores."""

from collections.abc import Callable, Iterator, Mapping, Sequence

from repope_eval.records import Variant
from repope_eval.reporting.score_table import BALANCED_COLUMNS, COUNT_COLUMNS, LABEL_SET_TITLES
from repope_eval.reporting.tables import Table, amount_text, change_with_interval, clipped, ratio_text, table
from repope_eval.scoring.detection import Detection
from repope_eval.scoring.evidence import Evidence
from repope_eval.scoring.intervals import INTERVAL_FIGURES
from repope_eval.scoring.relabelling_effect import Effect
from repope_eval.scoring.resolutions import Missing, Resolution
from repope_eval.scoring.scores import Scores

FIGURE_TITLES: Mapping[str, str] = {
    **COUNT_COLUMNS,
    "precision": "precision",
    "recall": "recall",
    "f1": "F1",
    "accuracy": "accuracy",
    "tnr": "TNR",
    "yes_ratio": "yes ratio",
    **BALANCED_COLUMNS,
}
DETECTION_TITLES: Mapping[str, str] = {
    "acc": "ACC",
    "tnr": "TNR",
    "tpr": "TPR",
    "harmonic_mean": "harmonic mean",
}
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
Cell = tuple[Variant, str]
"""A variant, and the name of a label set."""


def label_set_title(name: str) -> str:
    """A label set's name as it is written."""
    return LABEL_SET_TITLES.get(name, name)


def interval_table(scores: Scores) -> Table:
    """Every figure with its 95 % interval, what changes between two label sets, and the same of distinct questions."""
    return _figure_table("Every figure, and its 95 % interval", scores, INTERVAL_FIGURES)


def balanced_table(scores: Scores) -> Table:
    """The figures that say what F1 hides, in the same rows."""
    caption = "What does not go with the share of questions with label yes as F1 does, with 95 % intervals"
    return _figure_table(caption, scores, tuple(BALANCED_COLUMNS))


def _figure_table(caption: str, scores: Scores, names: Sequence[str]) -> Table:
    parts = [scores] if scores.distinct is None else [scores, scores.distinct]
    return table(
        caption,
        ("variant", "labels", *(FIGURE_TITLES[name] for name in names)),
        [row for part in parts for row in _interval_rows(part, names)],
        lambda row: row,
        n_texts=2,
    )


def _interval_rows(scores: Scores, names: Sequence[str]) -> Iterator[tuple[str, ...]]:
    cells = by_variant(scores.figures)
    for place, (variant, label_set) in enumerate(cells):
        figures, intervals = scores.figures[label_set][variant], scores.intervals[label_set][variant]
        texts = (
            (amount_text if name in COUNT_COLUMNS else ratio_text)(
                getattr(figures, name), intervals.get(name)
            )
            for name in names
        )
        yield variant, label_set_title(label_set), *texts
        is_last = place + 1 == len(cells) or cells[place + 1][0] != variant
        if is_last and variant in scores.changes:
            change = scores.changes[variant]
            differences = (
                change_with_interval(name, change.values[name], change.intervals[name]) for name in names
            )
            yield variant, "change", *differences


def reason_lines(scores: Scores) -> tuple[str, ...]:
    """Why figures or intervals are missing: a line for each reason, with all it is the reason of."""
    by_reason: dict[str, dict[str, list[str]]] = {}
    for part in (scores, scores.distinct):
        for place, reasons in _reasons(part) if part is not None else ():
            for figure, reason in reasons.items():
                title = FIGURE_TITLES.get(figure, figure)
                by_reason.setdefault(reason, {}).setdefault(place, []).append(title)
    return tuple(
        f"{'; '.join(f'{place}: {_listed(titles)}' for place, titles in places.items())}: {reason}"
        for reason, places in by_reason.items()
    )


def _reasons(scores: Scores) -> Iterator[tuple[str, Mapping[str, str]]]:
    """Where something is missing, and the reasons by figure."""
    for label_set, of_set in scores.reasons.items():
        for variant, reasons in of_set.items():
            yield f"{variant}, {label_set_title(label_set)}", reasons
    for variant, change in scores.changes.items():
        yield f"{variant}, change", change.reasons


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
    """DASH-B's figures: of all questions, with either interval, and of each object's."""
    rows = [(name, found, found.ci95) for name, found in detections.items()]
    over_objects = [
        (f"{name}, drawn over objects", found, found.ci95_objects)
        for name, found in detections.items()
        if any(found.ci95_objects.values())
    ]
    return table(
        "DASH-B's figures, with 95 % intervals: right answers among all, among those about images without and with "
        "the object, and the harmonic mean of these two",
        ("object", "questions", *DETECTION_TITLES.values()),
        rows[:1] + over_objects + rows[1:],
        lambda row: (
            row[0],
            str(row[1].n_positives + row[1].n_negatives),
            *(ratio_text(getattr(row[1], name), row[2][name]) for name in DETECTION_TITLES),
        ),
    )


def resolution_table(resolutions: Mapping[Variant, Resolution]) -> Table:
    """F1 over what the removed, ambiguous questions might be."""
    return table(
        "F1 under RePOPE, by what the ambiguous questions are taken for",
        ("variant", "ambiguous", "removed", "all no", "all yes", "at worst", "at best"),
        tuple(resolutions.items()),
        lambda item: (
            item[0],
            amount_text(item[1].n_ambiguous),
            *map(ratio_text, (item[1].removed, item[1].all_no, item[1].all_yes)),
            *map(ratio_text, (item[1].lowest, item[1].highest)),
        ),
    )


def missing_table(missing: Mapping[str, Mapping[Variant, Missing]]) -> Table:
    """F1 over what unanswered and unread questions might have been answered."""

    def cells(cell: Cell) -> tuple[str, ...]:
        variant, label_set = cell
        found = missing[label_set][variant]
        counts = (amount_text(found.n_unanswered), amount_text(found.n_unparsed))
        values = map(ratio_text, (found.f1, found.lowest, found.highest))
        return variant, label_set_title(label_set), *counts, *values

    return table(
        "F1, and what it would be were all unanswered and unparsed questions answered wrongly, or rightly",
        ("variant", "labels", "no answer", "unparsed", "F1", "at worst", "at best"),
        by_variant(missing),
        cells,
        n_texts=2,
    )


def evidence_table(evidence: Mapping[str, Mapping[Variant, Evidence]]) -> Table:
    """The figures that need no threshold, with their intervals."""

    def cells(cell: Cell) -> tuple[str, ...]:
        variant, label_set = cell
        shown = evidence[label_set][variant]
        return (
            variant,
            label_set_title(label_set),
            str(shown.n),
            ratio_text(shown.auroc, shown.auroc_interval),
            ratio_text(shown.average_precision, shown.average_precision_interval),
            ratio_text(shown.brier, shown.brier_interval),
            ratio_text(shown.ece_debiased, shown.ece_debiased_interval),
            ratio_text(shown.ece),
            ratio_text(shown.best_f1, shown.best_f1_interval),
            ratio_text(shown.best_threshold),
        )

    return table(
        "What the confidence in yes tells, with 95 % intervals",
        (
            *("variant", "labels", "questions", "AUROC", "average precision", "Brier score"),
            *("ECE, debiased", "ECE", "best F1, an upper bound", "at confidence"),
        ),
        by_variant(evidence),
        cells,
        n_texts=2,
    )


def by_variant(figures: Mapping[str, Mapping[Variant, object]]) -> list[Cell]:
    """Each variant under every label set that has it, one under the other."""
    variants = dict.fromkeys(variant for by_variant in figures.values() for variant in by_variant)
    return [(variant, name) for variant in variants for name in figures if variant in figures[name]]


def _texts(*counts: int) -> tuple[str, ...]:
    return tuple(str(count) for count in counts)


def _listed(titles: Sequence[str]) -> str:
    return ", ".join(titles)
