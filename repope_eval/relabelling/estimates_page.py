"""A page of what runs would score under true labels, and how sure that is, with its chart; drawing needs matplotlib."""

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from repope_eval.relabelling.estimates_view import MOST_NAMED, EstimatedRun, EstimatesView
from repope_eval.relabelling.estimation import EstimatedDifference
from repope_eval.reporting.charts.drawing import (
    Chart,
    add_axes,
    draw,
    label,
    label_set_legend,
    mark_with_interval,
    name_rows,
    part_rows,
    write_in_percent,
)
from repope_eval.reporting.figure_texts import (
    UNDEFINED,
    change_interval_text,
    change_text,
    figure_interval_text,
    percent_text,
    shortened_names,
)
from repope_eval.reporting.tables import (
    Cell,
    Column,
    Field,
    Table,
    number_field,
    table,
    text_field,
    value_field,
)
from repope_eval.reporting.templates import render

_ROW, _HEAD, _FOOT = 0.34, 0.42, 0.34
"""Heights in inches of a run, of the legend, and of the axis."""
_LONGEST = 27
_APART = 0.36
"""The distance of the two marks of a run, in rows."""

_RUNS: Field[EstimatedRun] = text_field("run", lambda row: row.run, stays=True)
"""The first column of tables of runs."""
_RUNS_AND_VARIANTS: Field[EstimatedRun] = Field(
    Column(title="run, variant", is_text=True, stays=True), lambda row: Cell(text=row.run, note=row.variant)
)
"""The first column of tables by variant; a phone has room for a single one beside three metrics."""


def estimates_chart(view: EstimatesView) -> Chart:
    """A row for each run: a mark for each of the two, with the 95 % interval of the estimate."""
    rows = view.headline
    variant = rows[0].variant
    return draw(
        "estimates",
        f"{view.lead_title}, {variant}",
        f"{view.lead_title} by the old labels and under true ones ({variant}). "
        "Lines are the 95 % intervals of the estimates.",
        _HEAD + len(rows) * _ROW + _FOOT,
        lambda figure: _paint_chart(figure, rows, view.lead),
    )


def _paint_chart(figure: Figure, rows: Sequence[EstimatedRun], name: str) -> None:
    names = [label(name) for name in shortened_names([row.run for row in rows], _LONGEST)]
    left = 0.2 + 0.075 * max(map(len, names))
    axes = add_axes(figure, left, _FOOT, 0.2, len(rows) * _ROW + _FOOT)
    for place, row in enumerate(rows):
        _paint_row(axes, row, name, place)
    name_rows(axes, names)
    part_rows(axes, len(names), 0.4)
    axes.margins(x=0.08)
    axes.locator_params(axis="x", nbins=5)
    write_in_percent(axes.xaxis)
    label_set_legend(figure, ("old labels", "true labels, estimated"), 0.3, markersize=5, linewidth=1.2)


def _paint_row(axes: Axes, row: EstimatedRun, name: str, place: int) -> None:
    true = row.true[name]
    # The old labels' interval is over images, and would invite a comparison with one over the questions looked at.
    for index, (value, interval) in enumerate(((row.old[name].value, None), (true.value, true.ci95))):
        if value is not None:
            mark_with_interval(axes, value, interval, place + (index - 0.5) * _APART, index, 5, 1.2)


def render_estimates_page(view: EstimatesView, command: str) -> str:
    """The page, which needs no file and no network.

    Args:
        view: what it shows.
        command: how it was started; shown in the page.
    """
    return render(
        "estimates.html.j2",
        view=view,
        estimates=_leads_table(view),
        others=_others_table(view, _RUNS, view.headline) if len(view.titles) > 1 else None,
        labels=_labels_table(view),
        pairs=_pairs_table(view) if view.places else None,
        by_variant=_tables_by_variant(view) if len(view.variants) > 1 else (),
        is_printed=len(view.headline) <= MOST_NAMED,
        chart=estimates_chart(view),
        command=command,
    )


def _leads_table(view: EstimatesView) -> Table:
    """The leading figure of each run, the best first, with the places that chance leaves open."""

    places = view.places

    def place_cell(row: EstimatedRun) -> Cell:
        place = places.get(row.run)
        if place is None:
            return Cell(text=UNDEFINED, values=(None,))
        return Cell(text=str(place.place), values=(place.place,), note=f"{place.best} to {place.worst}")

    place_fields = [value_field("place", place_cell)] if places else []
    fields = [_RUNS, *place_fields, *_lead_fields(view)]
    return table(f"{view.lead_title} ({view.variants[-1]})", fields, view.headline)


def _lead_fields(view: EstimatesView) -> list[Field[EstimatedRun]]:
    """The leading figure by the old labels and under true ones, and the change."""
    title = view.lead_title
    return _change_fields(view.lead, f"{title}, old labels", f"{title}, true labels", "change in points")


def _others_table(
    view: EstimatesView, names: Field[EstimatedRun], rows: Sequence[EstimatedRun], parted: str = ""
) -> Table:
    """The same of the other metrics, side by side: by the old labels, under true ones, and the change.

    Args:
        view: the estimates.
        names: the first column.
        rows: the runs, or the runs in every variant.
        parted: how the rows are parted, in words.
    """
    variants = view.variants
    fields = [
        field
        for figure, title in list(view.titles.items())[1:]
        for field in _change_fields(figure, f"{title}, old", "true", "change")
    ]
    return table(
        f"Precision, recall and accuracy{parted}, by the old labels and under true ones",
        [names, *fields],
        rows,
        starts_group=lambda row: len(variants) > 1 and row.variant == variants[0],
    )


def _tables_by_variant(view: EstimatesView) -> Sequence[Table]:
    """Every run in every variant: the leading figure with the labels it rests on, and the other metrics."""
    first = view.variants[0]
    leads = table(
        f"{view.lead_title} by variant",
        [_RUNS_AND_VARIANTS, *_lead_fields(view), *_label_fields(view)],
        view.rows,
        starts_group=lambda row: row.variant == first,
    )
    if len(view.titles) == 1:
        return [leads]
    return [leads, _others_table(view, _RUNS_AND_VARIANTS, view.rows, " by variant")]


def _labels_table(view: EstimatesView) -> Table:
    """How many questions people looked at, and how wide the leading figure's interval is and would be."""
    return table(
        f"Questions looked at, and the width of {view.lead_title}'s interval in points",
        [_RUNS, *_label_fields(view)],
        view.headline,
    )


def _label_fields(view: EstimatesView) -> list[Field[EstimatedRun]]:
    """The questions looked at, and how wide the leading figure's interval is and would be with more."""
    return [
        value_field("looked at", _looked_cell),
        value_field(
            f"width of {view.lead_title}'s interval", lambda row: _ratio_cell(row.true[view.lead].width)
        ),
        value_field(
            f"width with {view.n_more:,} more labels",
            lambda row: _ratio_cell(row.true[view.lead].width_with(view.n_more)),
        ),
    ]


def _pairs_table(view: EstimatesView) -> Table:
    """Every two runs, the better one first: how far apart they are by the old labels and under true ones."""
    place = {run: each.place for run, each in view.places.items()}

    def points(value: float | None) -> str:
        return change_text(view.lead, value)

    def true_cell(each: EstimatedDifference) -> Cell:
        value = each.estimate
        note = value.reason if value.ci95 is None else change_interval_text(view.lead, value.ci95)
        return Cell(text=points(value.value), values=(value.value,), note=note)

    return table(
        f"{view.lead_title} of one run less that of another, in points",
        [
            text_field("run", lambda each: each.first, stays=True),
            text_field("less", lambda each: each.second),
            number_field("old labels", lambda each: points(view.old_difference(each))),
            value_field("true labels", true_cell),
            text_field("more than chance", lambda each: "yes" if each.is_sure else "no"),
        ],
        sorted(view.headline_differences, key=lambda each: (place[each.first], place[each.second])),
    )


def _change_fields(figure: str, old: str, true: str, change: str) -> list[Field[EstimatedRun]]:
    """A metric by the old labels, under true labels, and the difference, each with its interval below it."""

    def old_cell(row: EstimatedRun) -> Cell:
        value = row.old[figure]
        note = value.reason if value.interval is None else figure_interval_text(figure, value.interval)
        return Cell(text=percent_text(value.value), values=(value.value,), note=note)

    def true_cell(row: EstimatedRun) -> Cell:
        value = row.true[figure]
        note = value.reason if value.ci95 is None else figure_interval_text(figure, value.ci95)
        return Cell(text=percent_text(value.value), values=(value.value,), note=note)

    def change_cell(row: EstimatedRun) -> Cell:
        value = row.change(figure)
        note = "" if value.interval is None else change_interval_text(figure, value.interval)
        return Cell(text=change_text(figure, value.value), values=(value.value,), note=note)

    return [value_field(old, old_cell), value_field(true, true_cell), value_field(change, change_cell)]


def _looked_cell(row: EstimatedRun) -> Cell:
    return Cell(text=f"{row.n_looked:,} of {row.n_questions:,}", values=(row.n_looked,))


def _ratio_cell(value: float | None) -> Cell:
    return Cell(text=percent_text(value), values=(value,))
