"""A queue with what models said, for tests of how it is shown."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from repope_eval.records import Answer, Question
from repope_eval.relabelling.doubt import ModelTrust
from repope_eval.relabelling.queue import Queued
from repope_eval.relabelling.queue_view import QueueView

NAUGHTY = "<script>alert(1)</script>"

SAID: Sequence[tuple[str, bool, str | None, str | None]] = (
    ("cat", True, "No", "No"),
    ("cat", True, "No", "Yes"),
    ("dog", False, "Yes, a dog", None),
    ("dog", False, "No", "No"),
    ("cow", True, "Unclear", None),
    ("cow", True, None, None),
)
"""The object, the label, and what two models say: the most doubtful first."""


def queue_view(
    names: tuple[str, str] = ("steady", "hasty"),
    images: Mapping[str, Path] | None = None,
    said: Sequence[tuple[str, bool, str | None, str | None]] = SAID,
) -> QueueView:
    """Of a question about each of some images, of which the last is not to be looked at."""
    questions = [
        Question(f"{place}.png", f"Is there a {name} in the image?", name)
        for place, (name, *_) in enumerate(said)
    ]
    return QueueView(
        bench="demo",
        labels="POPE",
        protocol="repope",
        queue=[
            Queued(
                question=question,
                label=label,
                score=1 / (1 + place),
                p_sampled=1.0 if place < 2 else 0.5,
                sampled=place < len(said) - 1,
            )
            for place, (question, (_, label, *_)) in enumerate(zip(questions, said, strict=True))
        ],
        variants={
            question: ("random", "popular")[: 1 + place % 2] for place, question in enumerate(questions)
        },
        answers={
            name: {
                question: Answer(question, response, p_yes=0.02 if place == 0 else None)
                for place, (question, (_, _, *responses)) in enumerate(zip(questions, said, strict=True))
                if (response := responses[number]) is not None
            }
            for number, name in enumerate(names)
        },
        trust=[ModelTrust(model=name, sensitivity=0.9, specificity=0.95, independence=0.6) for name in names],
        images=images or {},
    )
