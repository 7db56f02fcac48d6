"""The loop: every unanswered question of every image, a batch of images at a time, stored as they come."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path

import torch

from repope_eval.benchmarks.images import open_image
from repope_eval.config import Engine
from repope_eval.errors import RepopeError
from repope_eval.inference.generation import Generation, Spellings, find_spellings
from repope_eval.inference.progress import Progress
from repope_eval.inference.sequential import generate_sequentially
from repope_eval.inference.shared import generate_shared
from repope_eval.inference.store import AnswerStore
from repope_eval.models.loading import Model
from repope_eval.models.recipe import Prepared
from repope_eval.records import Answer, Question

ImageQuestions = tuple[str, list[Question]]
Generator = Callable[[Model, Sequence[Prepared], int, Spellings], list[list[Generation]]]

ENGINES: Mapping[Engine, Generator] = {
    "shared": generate_shared,
    "sequential": generate_sequentially,
}


AUTO_BATCH_SIZE = 8
"""Images at a time under `auto`."""


def ask(
    model: Model,
    questions: Sequence[Question],
    images: Mapping[str, Path],
    store: AnswerStore,
    *,
    engine: Engine,
    batch_size: str,
    max_new_tokens: int,
) -> None:
    """Asks the questions that have no answer yet, and stores the answers of each batch before the next.

    Args:
        model: what is asked.
        questions: those to be asked; the order of their images is kept.
        images: where each image lies.
        store: takes the answers.
        engine: how they are generated.
        batch_size: images at a time, or `auto`.
        max_new_tokens: longest answer.

    Raises:
        RepopeError: an image does not decode, logits are not finite, the store cannot be written. What was
            answered until then is stored.
    """
    spellings = find_spellings(model.recipe)
    with Progress(len(questions)) as progress:
        for batch in _batches(
            list(_by_image(questions)), AUTO_BATCH_SIZE if batch_size == "auto" else int(batch_size)
        ):
            prepared = [
                model.recipe.prepare(open_image(images[image]), [question.text for question in asked])
                for image, asked in batch
            ]
            generations = _generate(ENGINES[engine], model, prepared, max_new_tokens, spellings)
            answers = [
                _answer(model, question, generation)
                for (_, asked), generated in zip(batch, generations, strict=True)
                for question, generation in zip(asked, generated, strict=True)
            ]
            store.append(answers)
            progress.advance(len(answers))


def _generate(
    generator: Generator,
    model: Model,
    prepared: Sequence[Prepared],
    max_new_tokens: int,
    spellings: Spellings,
) -> list[list[Generation]]:
    try:
        return generator(model, prepared, max_new_tokens, spellings)
    except torch.OutOfMemoryError as error:
        raise RepopeError(
            f"out of memory on {model.device} with {len(prepared)} images at a time; what was answered is "
            "stored, so go on with a smaller batch_size, or with model.quantization=nf4 in another folder"
        ) from error


def _batches(images: Sequence[ImageQuestions], size: int) -> Iterator[Sequence[ImageQuestions]]:
    for start in range(0, len(images), size):
        yield images[start : start + size]


def _by_image(questions: Sequence[Question]) -> Iterator[ImageQuestions]:
    order = {
        image: place for place, image in enumerate(dict.fromkeys(question.image for question in questions))
    }
    together = sorted(questions, key=lambda question: order[question.image])
    for image, asked in groupby(together, key=lambda question: question.image):
        yield image, list(asked)


def _answer(model: Model, question: Question, generation: Generation) -> Answer:
    return Answer(
        question,
        response=model.recipe.decode(generation.token_ids),
        n_tokens=len(generation.token_ids),
        p_yes=generation.p_yes,
        p_no=generation.p_no,
    )
