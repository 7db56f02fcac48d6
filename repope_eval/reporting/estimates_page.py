"""A self-contained page of estimates: what each run would score under true labels, and how sure that is."""

from repope_eval.reporting.estimates_view import EstimatedRun, EstimatesView
from repope_eval.reporting.figure_texts import FIGURE_TITLES, interval_text, ratio_text
from repope_eval.reporting.tables import Cell, Field, Table, table, text_field, value_field
from repope_eval.reporting.templates import render
from repope_eval.scoring.estimation import FIGURES


def render_estimates_page(view: EstimatesView) -> str:
    """The page, which needs no file and no network."""
    from repope_eval.reporting.charts.estimates import estimates_chart  # drawing takes a while to import

    return render(
        "estimates.html.j2", view=view, estimates=_estimates_table(view), chart=estimates_chart(view)
    )


def _estimates_table(view: EstimatesView) -> Table:
    """A row for each run and variant."""

    def is_first(row: EstimatedRun) -> bool:
        return row.variant == view.rows[0].variant

    fields: list[Field[EstimatedRun]] = [
        text_field("run", lambda row: row.run, stays=True),
        text_field("variant", lambda row: row.variant),
        value_field("looked at", _looked),
        value_field("F1, old labels", lambda row: _ratio(row.old["f1"].value)),
        *(_figure_field(name) for name in FIGURES),
        value_field("width of F1's interval", lambda row: _ratio(row.true["f1"].width)),
        value_field(f"width with {view.n_more:,} more labels", lambda row: _ratio(row.true["f1"].more)),
    ]
    return table("", fields, view.rows, starts_group=is_first)


def _figure_field(name: str) -> Field[EstimatedRun]:
    """A figure under true labels, its interval below it."""

    def cell(row: EstimatedRun) -> Cell:
        found = row.true[name]
        note = found.reason if found.ci95 is None else interval_text(found.ci95)
        return Cell(text=ratio_text(found.value), values=(found.value,), note=note)

    return value_field(FIGURE_TITLES[name], cell)


def _looked(row: EstimatedRun) -> Cell:
    return Cell(text=f"{row.n_looked:,} of {row.n_questions:,}", values=(row.n_looked,))


def _ratio(value: float | None) -> Cell:
    return Cell(text=ratio_text(value), values=(value,))
