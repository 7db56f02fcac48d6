"""The table of scores as rows of text: each variant under every label set, and what changed between two."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from repope_eval.records import Variant
from repope_eval.scoring.bootstrap import Interval
from repope_eval.scoring.confusion import Figures
from repope_eval.scoring.scores import Scores

LABEL_SET_TITLES = {"pope": "POPE", "repope": "RePOPE", "dash_b": "DASH-B"}
UNDEFINED = "–"

COUNT_COLUMNS: Mapping[str, str] = {"tp": "TP", "fp": "FP", "tn": "TN", "fn": "FN"}
RATIO_COLUMNS: Mapping[str, str] = {"precision": "precision", "recall": "recall", "f1": "F1"}
COLUMNS: Mapping[str, str] = {**COUNT_COLUMNS, **RATIO_COLUMNS}
"""Fields of `Figures` that are shown, with their titles."""


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
    """Its 95 % interval by a bootstrap over images, `0.8512 to 0.8933`; nothing in a row of differences."""
    f1_interval_short: str
    """The same where columns are few: `.8512–.8933`."""


def score_rows(scores: Scores) -> Iterator[TableRow]:
    """For each variant: a row under each label set, and a row of differences where there are two."""
    label_sets = list(scores.figures)
    for variant in scores.figures[label_sets[0]]:
        of_variant = [scores.figures[label_set][variant] for label_set in label_sets]
        for label_set, figures in zip(label_sets, of_variant, strict=True):
            yield TableRow(
                variant,
                LABEL_SET_TITLES.get(label_set, label_set),
                count_text(figures.n_questions),
                count_text(figures.n_questions - figures.n_answered),
                count_text(figures.n_unparsed),
                tuple(cell_text(name, getattr(figures, name)) for name in COLUMNS),
                interval_text(scores.intervals[label_set][variant]["f1"]),
                _short_interval_text(scores.intervals[label_set][variant]["f1"]),
            )
        if len(of_variant) == 2:
            before, after = of_variant
            changes = tuple(_change(name, before, after) for name in COLUMNS)
            yield TableRow(variant, "change", "", "", "", changes, "", "")


def interval_text(interval: Interval) -> str:
    """An interval of a ratio: `0.8512 to 0.8933`."""
    return UNDEFINED if interval is None else f"{interval[0]:.4f} to {interval[1]:.4f}"


def _short_interval_text(interval: Interval) -> str:
    return UNDEFINED if interval is None else "–".join(f"{end:.4f}".removeprefix("0") for end in interval)


def cell_text(name: str, value: float | None) -> str:
    """A figure as it is shown: counts whole (a mean's with one decimal), ratios with four."""
    if value is None:
        return UNDEFINED
    return count_text(value) if name in COUNT_COLUMNS else f"{value:.4f}"


def count_text(value: float) -> str:
    """A count; with one decimal where it is a mean that is no whole number."""
    return f"{value:.0f}" if value == int(value) else f"{value:.1f}"


def _change(name: str, before: Figures, after: Figures) -> str:
    """A difference with its sign; without one where it rounds to nothing."""
    old, new = getattr(before, name), getattr(after, name)
    if old is None or new is None:
        return UNDEFINED
    difference = new - old
    text = cell_text(name, abs(difference))
    if float(text) == 0:
        return "0" if name in COUNT_COLUMNS else text
    return ("+" if difference > 0 else "−") + text
