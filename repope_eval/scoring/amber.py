"""AMBER's figures as its authors' `inference.py` (repository junyangwang0410/AMBER) computes them.

"No" is the positive class: precision is the share of right noes among the noes said, recall that among the noes due.
Each is rounded to a tenth of a percent, and F1 is made of the rounded ones, with 0.0001 (for existence 0.001) added to
its denominator. A row counts as often as it stands in the file, if it has an answer. An answer counts as right only if
it is exactly "Yes" or "No"; the same figures of what a protocol reads stand beside them.

Their code begins every whole that it divides by with 0.001 (`data/metrics.txt`), so that it prints 0.0 where there is
nothing to divide by; here, such a figure is undefined. Of many rows, the 0.001 changes no tenth of a percent.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from repope_eval.records import Answer, Question, Variant
from repope_eval.scoring.protocols import Reading

DIMENSIONS: Mapping[str, tuple[Variant, ...]] = {
    "all": ("existence", "state", "number", "action", "relation"),
    "existence": ("existence",),
    "attribute": ("state", "number", "action"),
    "state": ("state",),
    "number": ("number",),
    "action": ("action",),
    "relation": ("relation",),
}
"""The dimensions that are reported, and the variants that each consists of."""


EXACT = "exactly Yes or No"
"""The name of the authors' way of reading an answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AmberFigures:
    """The figures of one dimension in percent; None where there is nothing to divide by."""

    n: int
    """Number of rows that have an answer."""
    accuracy: float | None
    precision: float | None
    recall: float | None
    f1: float | None

    @property
    def reasons(self) -> dict[str, str]:
        """Why figures are undefined, by name."""
        if not self.n:
            return dict.fromkeys(("accuracy", "precision", "recall", "f1"), "no row has an answer")
        found = {}
        if self.precision is None:
            found["precision"] = found["f1"] = "nothing was answered no"
        if self.recall is None:
            found["recall"] = found["f1"] = "no answered row has the label no"
        return found


def read_exactly(response: str) -> Reading:
    """An answer as AMBER's authors read it: exactly "Yes" or "No", and otherwise neither."""
    return {"Yes": True, "No": False}.get(response)


def amber_figures(
    ids: Mapping[Variant, Mapping[int | str, Question]],
    labels: Mapping[Variant, Mapping[Question, bool]],
    answers: Mapping[Question, Answer],
    read: Callable[[str], Reading],
) -> dict[str, AmberFigures]:
    """The figures of each dimension whose variants are all there.

    Args:
        ids: the questions of each variant by the ids of their rows.
        labels: of each variant, whether the answer to a question is yes.
        answers: what the model said.
        read: how yes or no is read from an answer's text.
    """
    rows = {
        variant: [
            (labels[variant][question], read(answers[question].response))
            for question in questions.values()
            if question in answers
        ]
        for variant, questions in ids.items()
    }
    return {
        name: _figures(
            [row for part in parts for row in rows[part]], 0.001 if name == "existence" else 0.0001
        )
        for name, parts in DIMENSIONS.items()
        if set(parts) <= set(rows)
    }


def _figures(rows: list[tuple[bool, Reading]], added: float) -> AmberFigures:
    """The figures of rows of label and reading."""
    said_no = [label for label, reading in rows if reading is False]
    due_no = [reading for label, reading in rows if not label]
    precision = _percent(said_no.count(False), len(said_no))
    recall = _percent(due_no.count(False), len(due_no))
    f1 = None
    if precision is not None and recall is not None:
        f1 = round(2 * precision / 100 * recall / 100 / (precision / 100 + recall / 100 + added) * 100, 1)
    right = sum(label is reading for label, reading in rows)
    return AmberFigures(
        n=len(rows), accuracy=_percent(right, len(rows)), precision=precision, recall=recall, f1=f1
    )


def _percent(part: int, whole: int) -> float | None:
    return round(part / whole * 100, 1) if whole else None
