"""Which way a chat model is asked: the fastest one that gives the tokens of the plain way, which a run checks itself.

A run's first images are asked about the plain way, too, before any of their answers is stored. Where more differs than
the number format explains, or the model's class cannot be asked so, the next way is taken from then on. What it does
explain is no reason to leave a way: in 16 bits nearly equal tokens change places with the order of sums. Where memory
ends, fewer images are asked about at a time, then fewer questions, and the next way is taken where one does not fit.
"""

import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import transformers

from repope_eval.asking.chat.caches import CannotShareError
from repope_eval.asking.chat.generation import ChatGeneration, Limits, ask_alone, ask_one
from repope_eval.asking.chat.loading import ChatModel
from repope_eval.asking.chat.processor import ChatPrepared
from repope_eval.asking.chat.sharing import (
    ask_after_prefix,
    ask_image_by_image,
    ask_together,
    ask_together_fed_alone,
    shows_question,
)
from repope_eval.asking.native.batch_size import BatchSize
from repope_eval.asking.native.memory import Memory, give_back, is_lack_of_memory
from repope_eval.asking.native.verification import SECONDS_AN_IMAGE, Checked
from repope_eval.errors import RepopeError
from repope_eval.models.fields import first_line
from repope_eval.settings.config import Engine
from repope_eval.wording import counted

log = logging.getLogger(__name__)

Answers = list[list[ChatGeneration]]
"""For each image, the answers to its questions."""


@dataclass(frozen=True, slots=True)
class Way:
    """A way of asking about images."""

    name: str
    """What is asked so, as in "asked {name}"."""
    ask: Callable[[ChatModel, Sequence[ChatPrepared], Limits], Answers]
    takes_several: bool = False
    """Whether it is asked about several images at a time."""


PLAIN = Way("each question alone, with its image", ask_alone)

WAYS: Mapping[Engine, Sequence[Way]] = {
    "shared": (
        Way("the questions about several images together", ask_together, takes_several=True),
        Way(
            "the questions about several images together, the images fed one by one",
            ask_together_fed_alone,
            takes_several=True,
        ),
        Way("an image's questions together", ask_image_by_image),
        Way("an image's questions one by one, after what they share", ask_after_prefix),
        PLAIN,
    ),
    "sequential": (PLAIN,),
}
"""Engine -> its ways, the fastest first; the last one is the plain way."""

_NO_MEMORY = "the memory did not suffice for a faster way"


class _PlainAnswers:
    """Plain answers to questions about some images, each asked once."""

    def __init__(self, model: ChatModel, limits: Limits, images: Sequence[ChatPrepared]) -> None:
        self._model = model
        self._limits = limits
        self._images = images
        self._known: dict[tuple[int, int], ChatGeneration] = {}

    def answer(self, image: int, question: int) -> ChatGeneration:
        """The answer to a question, by the number of its image and its own among the image's."""
        if (image, question) not in self._known:
            self._known[image, question] = self._ask(self._images[image], question)
        return self._known[image, question]

    def first_answers(self, image: int) -> list[ChatGeneration]:
        """The answers to an image's questions: all, or as many as do not take too long."""
        started = time.perf_counter()
        answers: list[ChatGeneration] = []
        for question in range(len(self._images[image].prompts)):
            answers.append(self.answer(image, question))
            if time.perf_counter() - started > SECONDS_AN_IMAGE:
                break
        return answers

    def _ask(self, image: ChatPrepared, question: int) -> ChatGeneration:
        try:
            return ask_one(self._model, image, question, self._limits)
        except RepopeError:
            raise
        except Exception as error:
            # Files of different models, or a class that cannot be asked so, raise whatever they do.
            if not is_lack_of_memory(error):
                raise RepopeError(
                    f"{self._model.checkpoint.folder}: {type(self._model.network).__name__} of transformers "
                    f"{transformers.__version__} cannot answer with what its processor makes ({first_line(error)}): "
                    "download the checkpoint again, try another release of transformers, or serve the model and ask "
                    "the server"
                ) from error
        raise RepopeError(
            "out of memory with a single image and one question: use model.device_map=auto; or, in a folder of "
            "its own (out=), model.quantization=nf4 or int8, or fewer pixels (model.max_pixels, where the processor "
            "has it); what was answered is stored"
        )


class Ways:
    """The ways of an engine; one of them is taken until it proves wrong."""

    def __init__(
        self,
        model: ChatModel,
        engine: Engine,
        limits: Limits,
        *,
        verify: int,
        batch_size: str,
        memory: Memory,
    ) -> None:
        """Takes the fastest way.

        Args:
            engine: the key of `WAYS`.
            verify: how many images are asked about the plain way, too.
            batch_size: the number of images at a time, or `auto`.
            memory: what batches are computed in.
        """
        self._model = model
        self._limits = limits
        self._left = [way for way in WAYS[engine] if batch_size != "1" or not way.takes_several]
        self._images_to_check = verify
        self._fault = ""
        """Why the current way did not work the last time that it did not."""
        self._why = ""
        """Why the last one of the ways that were left was."""
        self._checked = Checked(model)
        self._describes = False
        self._shows_question: bool | None = None
        """Whether the image's tokens are shown the question; None: not known yet."""
        self._batch_size = BatchSize(batch_size, model.device.type)
        self._most_questions: int | None = None
        """How many questions about a single image are asked at a time; None: all."""
        self._memory = memory

    @property
    def images_at_once(self) -> int:
        """About how many images the model is asked at a time."""
        return self._batch_size.images if self._way.takes_several else 1

    def ask(self, images: Sequence[ChatPrepared], *, describes: bool = False) -> Iterator[Answers]:
        """Yields the answers to the questions about images, batch after batch.

        They are those of the plain way as far as that was checked. `describes` says whether they are descriptions.

        Raises:
            RepopeError: logits are not finite, the class cannot be asked, or one question does not fit into memory.
        """
        self._describes = describes
        left = images
        while left:
            answers = self._ask_first(left)
            yield answers
            left = left[len(answers) :]

    def learn(self, answers: Answers, growth: int) -> None:
        """Takes note of what a batch needed, where no batch has been measured yet.

        Args:
            answers: of the batch.
            growth: bytes by which it could have needed more.
        """
        if self._batch_size.is_open and self._way.takes_several:
            self._batch_size.learn([len(each) for each in answers], self._memory.free_over_peak(growth))

    @property
    def choice(self) -> tuple[int, str]:
        """How many ways are left, and why others are not: the fewer, the slower is the current one."""
        return len(self._left), self._why

    def take_slowest(self, choices: Sequence[tuple[int, str]]) -> None:
        """Takes the slowest of the ways that several processes took."""
        number, why = min(choices)
        if number < len(self._left):
            self._take_way(number, f"another process found that {why}")

    def facts(self) -> dict[str, Any]:
        """What a manifest says of the way that was taken, why no faster one was, and what was checked."""
        facts: dict[str, Any] = {
            "way": self._way.name,
            "why": self._why or None,
            "batch_size": self.images_at_once,
        }
        if not self._checked.answers:
            return facts
        return facts | self._checked.facts(self._checked.line(), in_doubt=False)  # such a way was left

    @property
    def _way(self) -> Way:
        return self._left[0]

    def _count_next(self, images: Sequence[ChatPrepared]) -> int:
        """How many of some images the next batch has."""
        if not self._way.takes_several:
            return 1
        return self._batch_size.count_next([len(image.prompts) for image in images])

    def _ask_first(self, images: Sequence[ChatPrepared]) -> Answers:
        """The answers to the first one of some images, or to as many as are asked about at a time."""
        plain = _PlainAnswers(self._model, self._limits, images)
        while self._way is not PLAIN:
            batch = images[: self._count_next(images)]
            answers = self._try_way(batch)
            if answers is not None and self._agree(batch, answers, plain):
                return answers
            give_back(self._model.device)  # here no exception holds the tensors of the frames it came through
            if answers is None and self._fault == _NO_MEMORY and self._take_fewer(batch):
                continue
            self._take_way(len(self._left) - 1, self._fault)
        return [[plain.answer(0, question) for question in range(len(images[0].prompts))]]

    def _take_way(self, number: int, why: str) -> None:
        """Leaves faster ways, so that so many are left; what was checked of them says nothing of the current one."""
        self._left = self._left[-number:]
        self._why = why
        self._checked = Checked(self._model, self._checked.seconds)
        log.info("asking %s from now on, since %s", self._way.name, why)

    def _try_way(self, batch: Sequence[ChatPrepared]) -> Answers | None:
        """The answers by the current way; None where that way does not work, which is noted."""
        try:
            if self._shows_question is None:
                self._shows_question = shows_question(self._model, batch[0])
            if self._shows_question:
                raise CannotShareError("its image tokens are shown the question")
            if len(batch) > 1 or self._most_questions is None:
                return self._way.ask(self._model, batch, self._limits)
            parts = _parts(batch[0], self._most_questions)
            return [[each for part in parts for each in self._way.ask(self._model, [part], self._limits)[0]]]
        except RepopeError:
            raise
        except CannotShareError as error:
            self._fault = str(error)
        except Exception as error:  # a class that was not made for this raises whatever it does
            self._fault = (
                _NO_MEMORY
                if is_lack_of_memory(error)
                else f"its class cannot be asked in a faster way ({first_line(error)})"
            )
        return None

    def _take_fewer(self, batch: Sequence[ChatPrepared]) -> bool:
        """Halves the number of images at a time, or that of questions about a single one; False where that is one."""
        if len(batch) > 1:
            self._batch_size.halve(len(batch))
            return True
        questions = min(len(batch[0].prompts), self._most_questions or len(batch[0].prompts))
        if questions == 1:
            return False
        self._most_questions = questions // 2
        log.warning(
            "out of memory with %d questions at a time: going on with %d", questions, self._most_questions
        )
        return True

    def _agree(self, batch: Sequence[ChatPrepared], answers: Answers, plain: _PlainAnswers) -> bool:
        """Whether the current way's answers agree with plain ones, if any are to be checked; what differs is noted.

        Of the images that are not checked one question is, about the image with most padding: rows that several images
        have together may be mixed up, while those of the first are right.
        """
        if not self._images_to_check:
            return True
        started = time.perf_counter()
        whole = range(min(self._images_to_check, len(batch)))
        rest = range(len(whole), len(batch))
        expected = {image: plain.first_answers(image) for image in whole}
        if rest:
            image = min(rest, key=lambda image: (len(batch[image].prompts[0]), -image))
            expected[image] = [plain.answer(image, 0)]
        self._checked.seconds += time.perf_counter() - started
        compared = [
            self._checked.compare(*pair, describes=self._describes)
            for image, theirs in expected.items()
            for pair in zip(answers[image], theirs, strict=False)
        ]
        self._checked.images += len(expected)
        self._checked.answers += compared
        if self._checked.is_in_doubt:
            differing = [one for one in compared if not (one.has_equal_tokens and one.is_explained)]
            self._fault = (
                f"{len(differing)} of {counted(len(compared), 'answer')} came out otherwise in a faster way "
                f"({self._way.name})"
            )
            return False
        self._images_to_check -= len(whole)
        log.info("%s", self._checked.line())
        return True


def _parts(image: ChatPrepared, most: int) -> list[ChatPrepared]:
    """An image with so many of its questions at most, again and again."""
    return [
        replace(
            image,
            prompts=image.prompts[first : first + most],
            token_inputs=image.token_inputs[first : first + most],
            question_inputs=image.question_inputs[first : first + most],
            draws=image.draws[first : first + most],
        )
        for first in range(0, len(image.prompts), most)
    ]
