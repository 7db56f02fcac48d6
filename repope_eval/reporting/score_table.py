"""The table of scores as rows of text: each variant under every label set, and what changed between two."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from repope_eval.records import Variant
from repope_eval.scoring.bootstrap import Interval
from repope_eval.scoring.scores import Scores

LABEL_SET_TITLES = {"pope": "POPE", "repope": "RePOPE", "dash_b": "DASH-B"}
UNDEFINED = "–"

COUNT_COLUMNS: Mapping[str, str] = {"tp": "TP", "fp": "FP", "tn": "TN", "fn": "FN"}
RATIO_COLUMNS: Mapping[str, str] = {"precision": "precision", "recall": "recall", "f1": "F1"}
COLUMNS: Mapping[str, str] = {**COUNT_COLUMNS, **RATIO_COLUMNS}
"""Fields of `Figures` that are shown, with their titles."""
BALANCED_COLUMNS: Mapping[str, str] = {
    "f1_balanced": "F1 at 50 % yes",
    "balanced_accuracy": "balanced accuracy",
    "mcc": "MCC",
}
"""Those beside them that say what F1 hides, since it goes with the share of questions with label yes."""


@dataclass(frozen=True, slots=True)
class TableRow:
    """One line of the table, all in text."""

    variant: Variant
    labels: str
    """POPE, RePOPE, or `change`."""
    n_questions: str
    no_answer: str
    """Labelled questions without an answer."""
    unparsed: str
    """Answers in which the protocol finds neither yes nor no."""
    cells: tuple[str, ...]
    """One for each of `COLUMNS`."""
    f1_interval: str
    """Its 95 % interval, `0.8512 to 0.8933`; of a difference with signs."""
    f1_interval_short: str
    """The same where columns are few: `.8512–.8933`."""
    balanced: tuple[str, ...]
    """One for each of `BALANCED_COLUMNS`."""


def score_rows(scores: Scores) -> Iterator[TableRow]:
    """For each variant, and for the distinct questions of all: a row under each label set, and one of differences."""
    yield from _rows(scores)
    if scores.distinct is not None:
        yield from _rows(scores.distinct)


def _rows(scores: Scores) -> Iterator[TableRow]:
    label_sets = list(scores.figures)
    for variant in scores.figures[label_sets[0]]:
        for label_set in label_sets:
            figures, interval = (
                scores.figures[label_set][variant],
                scores.intervals[label_set][variant]["f1"],
            )
            yield TableRow(
                variant,
                LABEL_SET_TITLES.get(label_set, label_set),
                count_text(figures.n_questions),
                count_text(figures.n_questions - figures.n_answered),
                count_text(figures.n_unparsed),
                tuple(cell_text(name, getattr(figures, name)) for name in COLUMNS),
                interval_text(interval),
                _short_interval_text(interval),
                tuple(cell_text(name, getattr(figures, name)) for name in BALANCED_COLUMNS),
            )
        if variant in scores.changes:
            change = scores.changes[variant]
            interval = change.intervals["f1"]
            yield TableRow(
                variant,
                "change",
                "",
                "",
                "",
                tuple(change_text(name, change.values[name]) for name in COLUMNS),
                _ends(interval, lambda end: change_text("f1", end), " to "),
                _ends(interval, lambda end: change_text("f1", end).replace("0.", ".", 1), " to "),
                tuple(change_text(name, change.values[name]) for name in BALANCED_COLUMNS),
            )


def interval_text(interval: Interval) -> str:
    """An interval of a ratio: `0.8512 to 0.8933`."""
    return _ends(interval, lambda end: f"{end:.4f}", " to ")


def _short_interval_text(interval: Interval) -> str:
    return _ends(interval, lambda end: f"{end:.4f}".removeprefix("0"), "–")


def _ends(interval: Interval, text: Callable[[float], str], between: str) -> str:
    return UNDEFINED if interval is None else between.join(map(text, interval))


def cell_text(name: str, value: float | None) -> str:
    """A figure as it is shown: counts whole (a mean's with one decimal), ratios with four."""
    if value is None:
        return UNDEFINED
    return count_text(value) if name in COUNT_COLUMNS else f"{value:.4f}"


def count_text(value: float) -> str:
    """A count; with one decimal where it is a mean that is no whole number."""
    return f"{value:.0f}" if value == int(value) else f"{value:.1f}"


def change_text(name: str, difference: float | None) -> str:
    """A difference of a figure with its sign; without one where it rounds to nothing."""
    if difference is None:
        return UNDEFINED
    text = cell_text(name, abs(difference))
    if float(text) == 0:
        return "0" if name in COUNT_COLUMNS else text
    return ("+" if difference > 0 else "−") + text
