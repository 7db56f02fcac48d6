"""The tables of figures that some benchmarks have beside those of all: DASH-B's, AMBER's, and those of groups."""

from collections.abc import Mapping

from repope_eval.records import label_set_title
from repope_eval.reporting.figure_texts import FIGURE_TITLES, UNDEFINED
from repope_eval.reporting.run_tables import MOST_OBJECTS
from repope_eval.reporting.tables import (
    Cell,
    Column,
    Field,
    Table,
    estimate_field,
    number_field,
    table,
    text_field,
)
from repope_eval.scoring.amber import AmberFigures
from repope_eval.scoring.detection import Detection
from repope_eval.scoring.estimates import Estimate
from repope_eval.scoring.groups import GroupsRight

DETECTION_TITLES: Mapping[str, str] = {
    "acc": "ACC",
    "tnr": "TNR",
    "tpr": "TPR",
    "harmonic_mean": "harmonic mean",
}


def detection_table(detections: Mapping[str, Detection]) -> Table:
    """DASH-B's figures: of all questions, with the intervals of either kind, and of each object's."""
    rows = [(name, found, found.estimates) for name, found in detections.items()]
    over_objects = [
        (f"{name}, drawn over objects", found, found.over_objects)
        for name, found in detections.items()
        if any(one.interval for one in found.over_objects.values())
    ]

    def field(name: str) -> Field[tuple[str, Detection, Mapping[str, Estimate]]]:
        return estimate_field(DETECTION_TITLES[name], lambda row: row[2][name])

    return table(
        "DASH-B's figures, with 95 % intervals: right answers among all, among those about images without and with "
        "the object, and the harmonic mean of these two",
        [
            text_field("object", lambda row: row[0]),
            number_field("questions", lambda row: str(row[1].n_positives + row[1].n_negatives)),
            *(field(name) for name in DETECTION_TITLES),
        ],
        rows[:1] + over_objects + rows[1:],
        most=MOST_OBJECTS,
    )


def groups_table(groups: Mapping[str, GroupsRight]) -> Table:
    """How many groups of questions have right answers alone, by label set."""
    return table(
        "Groups of questions that are all answered right, with 95 % intervals",
        [
            text_field("labels", lambda row: label_set_title(row[0])),
            number_field("groups", lambda row: str(row[1].n)),
            number_field("all right", lambda row: str(row[1].n_right)),
            estimate_field("share", lambda row: row[1].share),
        ],
        list(groups.items()),
    )


def amber_table(figures: Mapping[str, Mapping[str, AmberFigures]]) -> Table:
    """AMBER's own figures, a row for each way of reading an answer and each dimension."""
    rows = [
        (way, dimension, found)
        for way, by_dimension in figures.items()
        for dimension, found in by_dimension.items()
    ]

    def field(title: str, name: str) -> Field[tuple[str, str, AmberFigures]]:
        def cell(row: tuple[str, str, AmberFigures]) -> Cell:
            value = getattr(row[2], name)
            if value is None:
                return Cell(text=UNDEFINED, note=row[2].reasons[name])
            return Cell(text=f"{value:.1f}")

        return Field(Column(title=title), cell)

    return table(
        "AMBER's own figures in percent, “no” being the positive class, rounded as its authors do",
        [
            text_field("answers read as", lambda row: row[0]),
            text_field("dimension", lambda row: row[1]),
            number_field("rows", lambda row: str(row[2].n)),
            *(field(FIGURE_TITLES[name], name) for name in ("accuracy", "precision", "recall", "f1")),
        ],
        rows,
        starts_group=lambda row: row[1] == "all",
    )
