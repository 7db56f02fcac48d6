"""The tables of a relabelling: what both annotators said, and which objects' labels changed."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from repope_eval.benchmarks.agreement import Agreement
from repope_eval.benchmarks.pope_file import ANNOTATOR_LABELS
from repope_eval.benchmarks.relabelling import Outcome
from repope_eval.records import Label
from repope_eval.reporting.figure_texts import clipped
from repope_eval.reporting.relabelling_view import percent_text
from repope_eval.reporting.tables import Field, Table, number_field, table, text_field
from repope_eval.scoring.queue_rates import QueueRate

MOST_OBJECTS = 500
"""Rows of the table of objects."""


def confusion_table(agreement: Agreement) -> Table:
    """What both said: a row for each label of the first annotator, a column for each of the second."""

    def field(of_second: Label) -> Field[Label]:
        return number_field(
            f"second: {of_second}", lambda of_first: str(agreement.counts.get((of_first, of_second), 0))
        )

    return table(
        "What the two annotators said",
        [
            text_field("", lambda of_first: f"first: {of_first}", stays=True),
            *(field(label) for label in ANNOTATOR_LABELS),
        ],
        ANNOTATOR_LABELS,
    )


def queue_rate_table(rates: Sequence[QueueRate]) -> Table:
    """How many labels are wrong in each part of a queue: what was chosen and what was drawn stand apart."""
    return table(
        "Wrong labels by part of the queue, estimated, with 95 % intervals; a dispute is half a flip",
        [
            text_field("questions", lambda rate: rate.part, stays=True),
            text_field("label", lambda rate: rate.label),
            number_field("number", lambda rate: f"{rate.n_questions:,}"),
            number_field("looked at", lambda rate: f"{rate.n_looked:,}"),
            number_field("flipped", lambda rate: percent_text(rate.flipped)),
            number_field("ambiguous", lambda rate: percent_text(rate.ambiguous)),
        ],
        rates,
        n_naming=2,
        starts_group=lambda rate: rate.label == "yes",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _ObjectChange:
    """What became of the settled questions about one object."""

    name: str
    n_settled: int
    n_to_no: int
    n_to_yes: int
    n_ambiguous: int

    @property
    def n_changed(self) -> int:
        return self.n_to_no + self.n_to_yes + self.n_ambiguous


def object_change_table(outcomes: Sequence[Outcome]) -> Table:
    """How many labels changed of each object, those with the most first; objects without a change have no row."""
    by_object: defaultdict[str, list[Outcome]] = defaultdict(list)
    for outcome in outcomes:
        if outcome.label is not None:
            by_object[outcome.row.question.object].append(outcome)
    changes = [_object_change(name, of_object) for name, of_object in by_object.items()]
    return table(
        "Label changes by object of the settled questions; each distinct question counts once",
        [
            text_field("object", lambda change: clipped(change.name, 80), stays=True),
            number_field("questions", lambda change: str(change.n_settled)),
            number_field("yes → no", lambda change: str(change.n_to_no)),
            number_field("no → yes", lambda change: str(change.n_to_yes)),
            number_field("ambiguous", lambda change: str(change.n_ambiguous)),
            number_field("changed", lambda change: f"{100 * change.n_changed / change.n_settled:.1f} %"),
        ],
        sorted(
            (change for change in changes if change.n_changed),
            key=lambda change: (-change.n_changed, change.name),
        ),
        most=MOST_OBJECTS,
    )


def _object_change(name: str, outcomes: Sequence[Outcome]) -> _ObjectChange:
    moves = [(outcome.row.label, outcome.label) for outcome in outcomes]
    return _ObjectChange(
        name=name,
        n_settled=len(moves),
        n_to_no=moves.count(("yes", "no")),
        n_to_yes=moves.count(("no", "yes")),
        n_ambiguous=sum(after == "ambiguous" for _, after in moves),
    )
