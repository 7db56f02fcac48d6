"""The tables of a run's page about how answers are read: under each protocol, and where none can be read."""

from collections.abc import Mapping, Sequence

from repope_eval.records import Answer, Variant
from repope_eval.reporting.run_tables import by_variant, label_set_title
from repope_eval.reporting.score_table import COUNT_COLUMNS
from repope_eval.reporting.tables import Table, amount_text, clipped, ratio_text, table
from repope_eval.scoring.protocol_readings import Disagreement
from repope_eval.scoring.protocols import Reading
from repope_eval.scoring.scores import Scores

MOST_RESPONSES = 150
"""Rows of a table of responses, which may be long."""
_LONGEST_TEXT = 160
"""Characters of a text in it."""
_READINGS: Mapping[Reading, str] = {True: "yes", False: "no", None: "neither"}


def protocol_table(scores: Sequence[Scores]) -> Table:
    """F1 of the same answers under each protocol, and what else the reading decides."""
    rows = [
        (one, variant, label_set)
        for variant, label_set in (by_variant(scores[0].figures) if scores else ())
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


def _cut(text: str) -> str:
    return clipped(text, _LONGEST_TEXT)
