"""Answers are stored as they come, in the run folder of each benchmark that asks the question."""

from collections.abc import Collection, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

from repope_eval.inference.asker import AskedImage, Asker
from repope_eval.process.progress import Progress
from repope_eval.process.signals import FinishBatch
from repope_eval.records import Answer, Question
from repope_eval.runs.answer_store import AnswerStore

SECONDS_BETWEEN_LINES = 30.0
"""How often the log says how far the asking is, where no terminal shows a bar."""


@dataclass(frozen=True, slots=True)
class StoredAnswers:
    """What was stored of one benchmark's answers so far."""

    store: AnswerStore
    wanted: Collection[Question]
    """The questions whose answers it takes: those of the benchmark that had none."""
    facts: dict[str, Any] = field(default_factory=lambda: {"images": 0, "questions": 0, "seconds": 0.0})
    """The number of images and questions that have been answered, and the seconds that took. The time of checks is not
    among them; that of other benchmarks is, which are asked at the same time."""
    _images: set[str] = field(default_factory=set)

    def add(self, answers: Sequence[Answer], seconds: float) -> None:
        """Stores those of the answers that are wanted here."""
        own = [answer for answer in answers if answer.question in self.wanted]
        if own:
            self.store.append(own)
            self._images.update(answer.question.image for answer in own)
            self.facts["images"] = len(self._images)
            self.facts["questions"] += len(own)
        self.facts["seconds"] = round(seconds, 3)


def store_answers(asker: Asker, images: Sequence[AskedImage], stored: Sequence[StoredAnswers]) -> None:
    """Stores the answers as they come, until all are there or a signal ends the asking between two batches.

    Args:
        asker: the asker.
        images: the images that it is asked about.
        stored: takes the answers, each those that it wants.
    """
    total = sum(len(image.questions) for image in images)
    with (
        FinishBatch() as signals,
        Progress(total, "", "question", SECONDS_BETWEEN_LINES) as progress,
        closing(asker.ask(images)) as batches,
    ):
        for answers in batches:
            if answers:
                for each in stored:
                    each.add(answers, progress.seconds)
                progress.advance(len(answers))
            signals.check()
            with progress.paused():
                asker.verify()
            signals.check()
    for each in stored:
        each.store.require_all()
