"""The table of scores: each variant under every label set, and what changed between two."""

import dataclasses
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import groupby
from typing import TypeVar

from repope_eval.benchmarks.sources import label_set_title
from repope_eval.records import Variant
from repope_eval.reporting.figure_texts import (
    BALANCED_TITLES,
    COUNT_TITLES,
    F1_PART_TITLES,
    FIGURE_TITLES,
    PARTIAL,
    UNDEFINED,
    change_interval_text,
    change_text,
    count_text,
    figure_interval_text,
    figure_text,
    mean_count_text,
)
from repope_eval.reporting.tables import Cell, Column, Field, Table, number_field, table, text_field
from repope_eval.scoring.bootstrap import MEAN
from repope_eval.scoring.confusion import Figures
from repope_eval.scoring.estimates import Estimate
from repope_eval.scoring.protocol_scores import is_few, n_counted
from repope_eval.scoring.protocols import PROTOCOLS
from repope_eval.scoring.scores import Scores
from repope_eval.settings.config import Protocol

Content = TypeVar("Content")

POPE_FIGURES = ("f1", "accuracy", "precision", "recall", "yes_ratio")
"""What POPE's own tables show; F1 comes first, since a phone has room for little more."""
_F1_FIGURES = ("f1", "f1_balanced")
_PARTIAL_NOTE = (
    f"{PARTIAL}: F1 leaves out more than 1 % of the questions, which have no answer or none that reads as yes or no. "
    "These may be the harder ones."
)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ScoreRow:
    """The figures of one variant under one label set, or their differences between two label sets."""

    variant: Variant
    labels: str
    """The label set's title, or `change`."""
    estimates: Mapping[str, Estimate]
    """The figures, or their differences, by name."""
    figures: Figures | None
    """All figures; None of a change."""
    is_first: bool = False
    """Whether it is the first row of its variant."""
    is_partial: bool = False
    """Whether F1 leaves out more than 1 % of the questions."""

    @property
    def is_change(self) -> bool:
        """Whether it holds differences."""
        return self.figures is None

    def figure(self, name: str) -> str:
        """A figure, or the difference of one; F1 has a mark where it is partial, and is none where nothing was read."""
        if self._is_unread_f1(name) or self._is_mean_count(name):
            return UNDEFINED
        mark = PARTIAL if name == "f1" and self.is_partial else ""
        return self._figure_text(name, self.estimates[name].value) + mark

    def interval(self, name: str) -> str:
        """The 95 % interval of a figure, `85.1–89.3`; empty where there is none."""
        interval = self.estimates[name].interval
        if interval is None or self._is_unread_f1(name) or self._is_mean_count(name):
            return ""
        return (change_interval_text if self.is_change else figure_interval_text)(name, interval)

    def _is_unread_f1(self, name: str) -> bool:
        """Whether it is an F1 of answers none of which was read: a 0 would say something of the model."""
        return name in _F1_FIGURES and self.figures is not None and self.figures.is_unread

    def _is_mean_count(self, name: str) -> bool:
        """Whether it is a count of a mean over variants, which counts nothing."""
        return self.variant == MEAN and name in COUNT_TITLES

    def _figure_text(self, name: str, value: float | None) -> str:
        if name in COUNT_TITLES:
            return mean_count_text(value, is_change=self.is_change)
        return (change_text if self.is_change else figure_text)(name, value)

    def count(self, name: str) -> str:
        """A number of questions or answers; it has no difference, and no mean over variants."""
        if self.variant == MEAN:
            return UNDEFINED
        return "" if self.figures is None else mean_count_text(getattr(self.figures, name))


def variant_count_text(variant: Variant, value: float) -> str:
    """A count of a variant, or its mean over draws; of the mean over variants one where it is a whole number."""
    return (count_text if variant == MEAN else mean_count_text)(value)


def score_rows(scores: Scores) -> Iterator[ScoreRow]:
    """The rows of each variant, and of the distinct questions of all: one a label set, then the differences."""
    for part in scores.parts:
        for variant, cells in groupby(cells_by_variant(part.cells), key=lambda row: row[0]):
            for index, (_, name, cell) in enumerate(cells):
                yield ScoreRow(
                    variant=variant,
                    labels=label_set_title(name),
                    estimates=cell.estimates,
                    figures=cell.figures,
                    is_first=index == 0,
                    is_partial=leaves_out(cell.figures, scores.protocol),
                )
            if change := part.changes.get(variant):
                yield ScoreRow(variant=variant, labels="change", estimates=change.estimates, figures=None)


def leaves_out(figures: Figures, protocol: Protocol) -> bool:
    """Whether there is an F1 of less than 99 % of the labelled questions, for want of an answer that can be read."""
    if figures.f1 is None or figures.is_unread:
        return False
    number = n_counted(figures.n_answered, figures.n_unparsed, PROTOCOLS[protocol])
    return is_few(number, figures.n_questions)


def cells_by_variant(
    by_label_set: Mapping[str, Mapping[Variant, Content]],
) -> list[tuple[Variant, str, Content]]:
    """The contents of a mapping by label set and variant, with the label sets of a variant one after another."""
    variants = dict.fromkeys(variant for of_label_set in by_label_set.values() for variant in of_label_set)
    return [
        (variant, name, by_label_set[name][variant])
        for variant in variants
        for name in by_label_set
        if variant in by_label_set[name]
    ]


def partial_note(scores: Scores) -> str | None:
    """What the mark of an F1 says; None where none has it."""
    return _PARTIAL_NOTE if any(row.is_partial for row in score_rows(scores)) else None


_QUESTIONS: Field[ScoreRow] = number_field("questions", lambda row: row.count("n_questions"))
_LACKING = {"n_unanswered": "no answer", "n_unparsed": "unparsed"}


def over_draws(scores: Scores) -> str:
    """What a title adds where figures and counts are means over several draws; else nothing."""
    return f", means over {scores.n_draws} draws" if scores.n_draws > 1 else ""


def score_table(caption: str, scores: Scores) -> Table:
    """POPE's own table, each variant under each label set, in percent, with the interval of F1."""
    (f1,) = _figure_fields(("f1",), with_intervals=True)
    return _table(caption, scores, [f1, *_figure_fields(POPE_FIGURES[1:])])


def count_table(caption: str, scores: Scores) -> Table:
    """The counts that those figures come from; there is none of a mean over variants."""
    return _table(caption, scores, _count_fields(scores), left_out=MEAN)


def console_table(scores: Scores) -> Table:
    """The counts, and beside them what F1 does not say."""
    title = "Counts, and metrics in percent that F1 does not show (MCC is a coefficient)"
    return _table(
        f"{title}{over_draws(scores)}",
        scores,
        [*_count_fields(scores), *_figure_fields(what_f1_hides(scores))],
    )


def _count_fields(scores: Scores) -> list[Field[ScoreRow]]:
    return [*_figure_fields(COUNT_TITLES), _QUESTIONS, *_lacking_fields(scores)]


def _lacking_fields(scores: Scores) -> list[Field[ScoreRow]]:
    """The columns of what has no answer or none that is read, without those that are zeros from top to bottom."""
    rows = list(score_rows(scores))
    return [
        number_field(title, partial(_count_text, name))
        for name, title in _LACKING.items()
        if {row.count(name) for row in rows} - {"", "0", UNDEFINED}
    ]


def _count_text(name: str, row: ScoreRow) -> str:
    return row.count(name)


def what_f1_hides(scores: Scores) -> tuple[str, ...]:
    """The figures that say what F1 does not; where a variant has no label yes, the true negative rate is all it has."""
    has_no_yes = any(
        counts.tp + counts.fn + counts.unparsed_yes == 0 < counts.tn + counts.fp
        for of_variants in scores.confusions.values()
        for counts in of_variants.values()
    )
    return (*(("tnr",) if has_no_yes else ()), *BALANCED_TITLES)


def _figure_fields(names: Iterable[str], *, with_intervals: bool = False) -> list[Field[ScoreRow]]:
    def field(name: str) -> Field[ScoreRow]:
        def cell(row: ScoreRow) -> Cell:
            return Cell(text=row.figure(name), note=row.interval(name) if with_intervals else "")

        return Field(Column(title=FIGURE_TITLES[name]), cell)

    return [field(name) for name in names]


def _table(
    caption: str, scores: Scores, fields: Sequence[Field[ScoreRow]], *, left_out: Variant | None = None
) -> Table:
    """A table with these columns behind variant and labels, in which the name of a variant is written once.

    Args:
        left_out: the variant that has no rows in it.
    """
    return table(
        caption,
        [
            text_field("variant", lambda row: row.variant if row.is_first else ""),
            text_field("labels", lambda row: row.labels, stays=True),
            *fields,
        ],
        [row for row in score_rows(scores) if row.variant != left_out],
        n_naming=2,
        mark=lambda row: "change" if row.is_change else "",
        starts_group=lambda row: row.is_first,
    )


def interval_table(caption: str, scores: Scores, names: Iterable[str]) -> Table:
    """A table of some figures with their 95 % intervals, in the same rows."""
    return _table(caption, scores, _figure_fields(names, with_intervals=True))


def reason_lines(scores: Scores) -> tuple[str, ...]:
    """Why figures or intervals are missing: one line for each reason, with all that it explains."""
    shown = {**FIGURE_TITLES, **F1_PART_TITLES}
    by_reason: dict[str, dict[str, list[str]]] = {}
    for where, estimates in _placed_estimates(scores):
        for figure, estimate in estimates.items():
            if estimate.reason:
                titles = by_reason.setdefault(estimate.reason, {}).setdefault(where, [])
                titles.append(shown.get(figure, figure))
    return tuple(f"{_listed_titles(titles)}: {reason}" for reason, titles in by_reason.items())


def _listed_titles(titles: Mapping[str, Sequence[str]]) -> str:
    return "; ".join(f"{where}: {', '.join(figures)}" for where, figures in titles.items())


def _placed_estimates(scores: Scores) -> Iterator[tuple[str, Mapping[str, Estimate]]]:
    """All estimates, with where they are in words."""
    for part in scores.parts:
        for label_set, of_variants in part.cells.items():
            for variant, cell in of_variants.items():
                yield f"{variant}, {label_set_title(label_set)}", cell.estimates
        for variant, change in part.changes.items():
            yield f"{variant}, change", change.estimates
            yield f"{variant}, parts of F1's change", change.f1_parts
