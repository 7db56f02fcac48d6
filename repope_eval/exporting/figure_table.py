"""The table of a run's figures in Markdown: a row for each variant under each label set."""

from collections.abc import Sequence

from repope_eval.exporting.scored_run import ScoredCell, ScoredRun
from repope_eval.records import label_set_title
from repope_eval.reporting.figure_texts import FIGURE_TITLES, count_text, figure_text, interval_text
from repope_eval.reporting.table_exports import markdown
from repope_eval.reporting.tables import Field, number_field, table, text_field
from repope_eval.scoring.estimates import Estimate

FIGURES = ("f1", "precision", "recall", "accuracy", "tnr", "yes_ratio", "f1_balanced")
"""The figures that the table has; F1 has its interval beside it."""

_WITH_INTERVAL = "f1"


def figure_table(run: ScoredRun) -> str:
    """The table; a dash stands for what is undefined."""
    fields: list[Field[ScoredCell]] = [
        number_field("questions", lambda cell: count_text(cell.n_questions)),
        number_field("answered", lambda cell: count_text(cell.n_answered)),
        number_field("neither yes nor no", lambda cell: count_text(cell.n_unparsed)),
    ]
    for name in FIGURES:
        fields.append(_value_field(name))
        if name == _WITH_INTERVAL:
            fields.append(_interval_field(name))
    return _by_variant(run, fields)


def interval_table(run: ScoredRun) -> str:
    """The 95 % intervals of the other figures, in the same rows."""
    return _by_variant(run, [_interval_field(name) for name in FIGURES if name != _WITH_INTERVAL])


def _by_variant(run: ScoredRun, fields: Sequence[Field[ScoredCell]]) -> str:
    """A table with those columns, the label sets of a variant below one another."""
    naming: tuple[Field[ScoredCell], ...] = (
        text_field("variant", lambda cell: cell.variant),
        text_field("labels", lambda cell: label_set_title(cell.label_set)),
    )
    variants = list(dict.fromkeys(cell.variant for cell in run.cells))
    cells = sorted(run.cells, key=lambda cell: variants.index(cell.variant))
    return markdown(table("", [*naming, *fields], cells))


def _value_field(name: str) -> Field[ScoredCell]:
    return number_field(FIGURE_TITLES[name], lambda cell: figure_text(name, _of(cell, name).value))


def _interval_field(name: str) -> Field[ScoredCell]:
    return number_field(f"{FIGURE_TITLES[name]}, 95 %", lambda cell: interval_text(_of(cell, name).interval))


def _of(cell: ScoredCell, name: str) -> Estimate:
    return cell.figures.get(name, Estimate())
