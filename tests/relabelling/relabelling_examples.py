"""A relabelling to be shown: each kind of change, a decided dispute and an open one, and markup in texts."""

from datetime import UTC, datetime
from pathlib import Path

from repope_eval.benchmarks.pope_file import Annotation, Row
from repope_eval.records import Label, Question
from repope_eval.relabelling.annotator_kappa import kappa_of
from repope_eval.relabelling.label_changes import LabelChange
from repope_eval.relabelling.rule import Annotator, Outcome, agreement_of
from repope_eval.relabelling.view import RelabellingView

NAUGHTY = "<script>alert(1)</script>"

_SAID: tuple[tuple[str, Label, Label | None, Label | None, Label | None], ...] = (
    ("dog", "yes", "no", "no", "yes"),
    ("dog", "no", "ambiguous", "yes", "yes"),
    ("cat", "no", "yes", "yes", None),
    ("cat", "no", "no", "no", None),
    ("dog", "yes", "yes", "no", "no"),
    ("car", "yes", "yes", "no", None),
    ("car", "yes", "no", None, None),
)
"""The object, the old label, and what the two annotators and the decider say."""


def relabelling_view(note: str = NAUGHTY, images: dict[str, Path] | None = None) -> RelabellingView:
    """Of seven questions about two images, in one variant or two."""
    outcomes = [
        Outcome(Row(number, Question(f"{number % 2}.jpg", f"Is there a {name} {number}?", name), old), *said)
        for number, (name, old, *said) in enumerate(_SAID)
    ]
    return RelabellingView(
        title="pope_<b>.jsonl",
        outcomes=outcomes,
        variants={
            outcome.row.question: ("random", "popular")[: 1 + place % 2]
            for place, outcome in enumerate(outcomes)
        },
        changes=[("pope_a|b.jsonl", LabelChange("yes", total=2, flipped=2, removed=0), 0)],
        annotators=[
            _annotator("Anna", [outcome.first for outcome in outcomes], outcomes, note),
            _annotator("B|n <b>", [outcome.second for outcome in outcomes], outcomes),
            _annotator(None, [outcome.decided for outcome in outcomes], outcomes),
        ],
        agreement=agreement_of(outcomes),
        images=images or {},
        n_unsampled=0,
        kappa=kappa_of(outcomes),
    )


def _annotator(
    name: str | None, labels: list[Label | None], outcomes: list[Outcome], note: str = ""
) -> Annotator:
    annotations = tuple(
        Annotation(
            "none",
            outcome.row.question,
            label,
            name,
            datetime(2026, 1, 5, hour, tzinfo=UTC) if name else None,
            note,
        )
        for hour, (label, outcome) in enumerate(zip(labels, outcomes, strict=True))
        if label is not None
    )
    return Annotator(path=Path("people/third.jsonl"), annotations=annotations)
