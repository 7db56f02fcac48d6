"""The loop: every unanswered question of every image, a batch of images at a time, stored as they come."""

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from repope_eval.inference.batch_size import BatchSize
from repope_eval.inference.generation import Generation, Spellings, find_spellings
from repope_eval.inference.loader import Loader, PreparedImage, longest_first
from repope_eval.inference.memory import give_back, memory_of
from repope_eval.inference.sequential import generate_sequentially
from repope_eval.inference.shared import generate_shared
from repope_eval.models.loading import Model
from repope_eval.models.recipe import Prepared
from repope_eval.process.progress import Progress
from repope_eval.process.ranks import Ranks
from repope_eval.records import Answer, Question
from repope_eval.runs.answer_store import AnswerStore
from repope_eval.settings.config import Engine

Generator = Callable[[Model, Sequence[Prepared], int, Spellings], list[list[Generation]]]

ENGINES: Mapping[Engine, Generator] = {
    "shared": generate_shared,
    "sequential": generate_sequentially,
}

SECONDS_BETWEEN_LINES = 30.0
"""Of the log, where how far the asking is stands on no terminal."""

_NO_MEMORY = (
    "can't allocate memory",
    "could not create a primitive",
    "MPS backend out of memory",
    "Invalid buffer size",
)
"""In the texts of what torch, its oneDNN and its MPS raise for want of memory, with no exception of its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AskingSettings:
    """How questions are asked; no answer depends on it but for `max_new_tokens`, which bounds its length."""

    engine: Engine
    batch_size: str
    """Images at a time, or `auto`."""
    workers: str
    """Processes that prepare images, or `auto`."""
    max_new_tokens: int
    ranks: Ranks = Ranks()
    """Who asks: this process all of it, or its share."""


class Asking:
    """Questions being asked of a model, this rank's share of them, those of the longest prompts first."""

    def __init__(
        self,
        model: Model,
        questions: Sequence[Question],
        images: Mapping[str, Path],
        settings: AskingSettings,
    ) -> None:
        """
        Args:
            model: what is asked.
            questions: those to be asked, by all ranks.
            images: where each image lies.
            settings: how they are asked.

        Raises:
            RepopeError: a file is no image.
        """
        self._model = model
        self._settings = settings
        self._spellings = find_spellings(model.recipe)
        asked = settings.ranks.share(longest_first(model.recipe, questions, images))
        self.questions = [question for image in asked for question in image.questions]
        """This rank's."""
        self._batch_size = BatchSize(settings.batch_size, model.device.type)
        self._memory = memory_of(model.devices)
        self._asked: Counter[str] = Counter()
        """How many images and questions have been answered here."""
        self._seconds = 0.0
        """That it took."""
        self._loader = Loader(model, asked, settings.workers, settings.ranks.local_count)

    def run(self, store: AnswerStore, between_batches: Callable[[], None]) -> None:
        """Asks all of them, and stores the answers of each batch before the next.

        Args:
            store: takes the answers.
            between_batches: called after each batch; may raise to stop there.

        Raises:
            RepopeError: an image does not decode, logits are not finite, a single image finds no memory, the
                store cannot be written. What was answered until then is stored.
        """
        self._memory.start()
        started = time.perf_counter()
        with (
            Progress(len(self.questions), "", "question", SECONDS_BETWEEN_LINES) as progress,
            self._loader as loader,
        ):
            while images := loader.next(self._batch_size.images):
                for answers in self._answers(images):
                    store.append(answers)
                    self._asked += Counter(questions=len(answers), images=len(_images_of(answers)))
                    self._seconds = time.perf_counter() - started
                    progress.advance(len(answers))
                    between_batches()
        store.require_all()

    def facts(self) -> dict[str, Any]:
        """What a manifest says of how it went, as far as it has gone."""
        return {
            "engine": self._settings.engine,
            "images": self._asked["images"],
            "questions": self._asked["questions"],
            "seconds": round(self._seconds, 3),
            "batch_size": self._batch_size.images,
            "workers": self._loader.workers,
            "seconds_waited_for_images": round(self._loader.seconds_waited, 3),
            "peak_memory_bytes": self._memory.peak_bytes(),
            "first_tokens": {"yes": dict(self._spellings.yes), "no": dict(self._spellings.no)},
        }

    def _answers(self, images: Sequence[PreparedImage]) -> Iterator[list[Answer]]:
        """The answers to a batch: all at once, or in smaller batches where memory ends."""
        left = list(images)
        while left:
            batch = left[: self._batch_size.images]
            generations = self._generate([image.prepared for image in batch])
            if generations is None:
                # Only now: while the exception lived, so did the tensors of the frames that it came through.
                give_back(self._model.device)
                self._batch_size.halve(len(batch))
                continue
            if self._batch_size.is_open:
                self._batch_size.learn(len(batch), self._memory.times_free())
            yield [
                self._answer(question, generation)
                for image, generated in zip(batch, generations, strict=True)
                for question, generation in zip(image.questions, generated, strict=True)
            ]
            left = left[len(batch) :]

    def _generate(self, batch: Sequence[Prepared]) -> list[list[Generation]] | None:
        """What the engine generates; None where memory does not suffice."""
        generate = ENGINES[self._settings.engine]
        try:
            return generate(self._model, batch, self._settings.max_new_tokens, self._spellings)
        except (torch.OutOfMemoryError, MemoryError):
            return None
        except RuntimeError as error:
            if any(text in str(error) for text in _NO_MEMORY):
                return None
            raise

    def _answer(self, question: Question, generation: Generation) -> Answer:
        return Answer(
            question,
            response=self._model.recipe.decode(generation.token_ids),
            n_tokens=len(generation.token_ids),
            p_yes=generation.p_yes,
            p_no=generation.p_no,
        )


def _images_of(answers: Sequence[Answer]) -> set[str]:
    return {answer.question.image for answer in answers}
