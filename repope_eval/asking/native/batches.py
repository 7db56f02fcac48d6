"""The loop over batches: a loaded model is asked about several images at a time, and about fewer where memory ends.

What is the same for each model on this machine, chat models included, is `LocalAsker`.
"""

from abc import abstractmethod
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from typing import Any

from repope_eval.asking.asker import AskedImage, Asker
from repope_eval.asking.native.batch_size import BatchSize
from repope_eval.asking.native.generation import Generation, Spellings, find_spellings
from repope_eval.asking.native.loader import Loader, PreparedImage, longest_first
from repope_eval.asking.native.memory import give_back, is_lack_of_memory, memory_of
from repope_eval.asking.native.sequential import generate_sequentially
from repope_eval.asking.native.shared import generate_shared
from repope_eval.asking.native.verification import Verification
from repope_eval.models.attention_shape import cached_bytes_a_token
from repope_eval.models.loading import Model
from repope_eval.models.networks import LoadedNetwork, describe_checkpoint, describe_device
from repope_eval.models.recipe import Prepared, Shown
from repope_eval.models.sampling import Sampling
from repope_eval.records import Answer, Question
from repope_eval.settings.config import Engine

ENGINES: Mapping[Engine, Callable[[Model, Sequence[Prepared], int, Spellings], list[list[Generation]]]] = {
    "shared": generate_shared,
    "sequential": generate_sequentially,
}
"""Name -> what generates the answers to a batch of images, each image's in the order of its questions."""


class LocalAsker(Asker):
    """Asks weights on this machine about images that worker processes prepare ahead."""

    def __init__(
        self,
        model: LoadedNetwork,
        shown: Shown,
        *,
        engine: Engine,
        workers: str,
        max_new_tokens: int,
        programs: int,
        shows_images: bool = True,
        sampling: Sampling | None,
    ) -> None:
        """Finds the tokens that count as yes and as no.

        Args:
            shown: what decides what it is shown.
            engine: how it is asked.
            workers: processes that prepare images, or `auto`.
            max_new_tokens: the longest answer.
            programs: how many programs like this one share the machine's cores.
            shows_images: whether questions are asked with an image.
            sampling: how answers are drawn; None where they are greedy.
        """
        self._sampling = sampling
        self._loaded = model
        self._shows_images = shows_images
        self._shown = shown
        self._engine: Engine = engine
        self._workers = workers
        self._max_new_tokens = max_new_tokens
        self._programs = programs
        self._spellings = find_spellings(shown)
        self._memory = memory_of(model.devices)
        self._loader: Loader | None = None

    @property
    def source(self) -> dict[str, Any]:
        """The checkpoint, the content of its files, and the prompt."""
        prompt = self._shown.prompt("QUESTION", shows_image=self._shows_images)
        return {**describe_checkpoint(self._loaded.checkpoint), "prompt": prompt}

    @property
    def device(self) -> dict[str, Any]:
        """The device, the name of the GPU, and the number of threads."""
        return describe_device(self._loaded.device)

    def ask(self, images: Sequence[AskedImage]) -> Generator[list[Answer], None, None]:
        """Yields the answers of one batch after another.

        Raises:
            RepopeError: an image does not decode or cannot be shown, logits are not finite, or a single image does not
                fit into memory.
        """
        self._memory.start()
        self._loader = Loader(
            self._loaded, self._shown.prepare, images, self._workers, self._programs, self._sampling
        )
        with self._loader as loader:
            while prepared := loader.next(self._images_at_once):
                yield from self._answers(prepared)

    def facts(self) -> dict[str, Any]:
        """The engine, attention, the wait for images, peak memory, and first tokens."""
        return {
            "engine": self._engine,
            "attention": self._loaded.attention,
            "workers": self._loader.workers if self._loader else 0,
            "seconds_waited_for_images": round(self._loader.seconds_waited, 3) if self._loader else 0.0,
            "peak_memory_bytes": self._memory.peak_bytes(),
            "first_tokens": {"yes": dict(self._spellings.yes), "no": dict(self._spellings.no)},
        }

    def _growth(self, images: Sequence[PreparedImage], generations: Sequence[Sequence[Generation]]) -> int:
        """By how many bytes the cache would be larger if each description had been as long as may be.

        A batch of other descriptions may need so much more. Answers of yes and no are of like length in all batches.
        """
        descriptions = [
            len(generation.token_ids)
            for image, generated in zip(images, generations, strict=True)
            for question, generation in zip(image.questions, generated, strict=True)
            if question.describes
        ]
        if not descriptions:
            return 0
        text = self._loaded.network.config.get_text_config()
        a_token = cached_bytes_a_token(text, self._loaded.dtype)
        return a_token * sum(self._max_new_tokens - length for length in descriptions)

    @property
    def _images_at_once(self) -> int:
        """How many images the next batch has at most."""
        return 1

    @abstractmethod
    def _answers(self, images: Sequence[PreparedImage]) -> Iterator[list[Answer]]:
        """The answers to a batch."""


class TransformersAsker(LocalAsker):
    """Asks a loaded model about a batch of images at a time."""

    def __init__(
        self,
        model: Model,
        *,
        engine: Engine,
        batch_size: str,
        workers: str,
        max_new_tokens: int,
        programs: int = 1,
        verify: int = 0,
        shows_images: bool = True,
        sampling: Sampling | None = None,
    ) -> None:
        """Chooses the sizes of batches.

        Args:
            engine: the key of `ENGINES`.
            batch_size: the number of images at a time, or `auto`.
            workers: processes that prepare images, or `auto`.
            max_new_tokens: the longest answer.
            programs: how many programs like this one share the machine's cores.
            verify: how many images are asked about the plain way, too; none where the engine is the plain way.
            shows_images: whether questions are asked with an image.
            sampling: how answers are drawn; None where they are greedy.
        """
        super().__init__(
            model,
            model.recipe,
            engine=engine,
            workers=workers,
            max_new_tokens=max_new_tokens,
            programs=programs,
            shows_images=shows_images,
            sampling=sampling,
        )
        self._model = model
        self._batch_size = BatchSize(batch_size, model.device.type)
        images = 0 if engine == "sequential" else verify
        self._verification = Verification(model, images, max_new_tokens, self._spellings)

    def order_images(self, images: Sequence[AskedImage]) -> list[AskedImage]:
        """The images with the longest prompts first, as `longest_first` says."""
        return longest_first(self._model.recipe, images)

    def verify(self) -> None:
        """Asks about the first images by the sequential engine, too, and says in the log what differs."""
        self._verification.check()

    def facts(self) -> dict[str, Any]:
        """What each local asker tells, the number of images at a time, and what was checked."""
        return super().facts() | {"batch_size": self._batch_size.images} | self._verification.facts()

    @property
    def _images_at_once(self) -> int:
        return self._batch_size.images

    def _answers(self, images: Sequence[PreparedImage]) -> Iterator[list[Answer]]:
        """The answers to a batch: all at once, or in smaller batches where memory ends."""
        left = list(images)
        while left:
            numbers = [len(image.questions) for image in left]
            batch = left[: self._batch_size.count_next(numbers)]
            generations = self._generate([image.prepared for image in batch])
            if generations is None:
                # Here and not where the exception is caught: it holds the tensors of the frames it came through.
                give_back(self._model.device)
                self._batch_size.halve(len(batch))
                continue
            if self._batch_size.is_open:
                growth = self._growth(batch, generations)
                self._batch_size.learn(numbers[: len(batch)], self._memory.free_over_peak(growth))
            describes = any(question.describes for image in batch for question in image.questions)
            self._verification.take([image.prepared for image in batch], generations, describes=describes)
            yield [
                self._answer(question, generation)
                for image, generated in zip(batch, generations, strict=True)
                for question, generation in zip(image.questions, generated, strict=True)
            ]
            left = left[len(batch) :]

    def _generate(self, batch: Sequence[Prepared]) -> list[list[Generation]] | None:
        """Has the engine generate the answers to a batch; None where the memory does not suffice."""
        generate = ENGINES[self._engine]
        try:
            return generate(self._model, batch, self._max_new_tokens, self._spellings)
        except Exception as error:
            if is_lack_of_memory(error):
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
