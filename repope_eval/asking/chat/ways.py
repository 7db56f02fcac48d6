"""Which way a chat model is asked: the fastest one that gives the tokens of the plain way, which a run checks itself.

A run's first images are asked about the plain way, too, before any of their answers is stored. Where more differs than
the number format explains, or the model's class cannot be asked so, the next way is taken from then on. What it does
explain is no reason to leave a way: in 16 bits nearly equal tokens change places with the order of sums.
"""

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from repope_eval.asking.chat.generation import (
    CannotShareError,
    ChatGeneration,
    Limits,
    ask_after_prefix,
    ask_alone,
    ask_one,
    ask_together,
)
from repope_eval.asking.chat.loading import ChatModel
from repope_eval.asking.chat.processor import ChatPrepared
from repope_eval.asking.native.memory import give_back, is_lack_of_memory
from repope_eval.asking.native.verification import SECONDS_AN_IMAGE, Checked
from repope_eval.errors import RepopeError
from repope_eval.models.fields import first_line
from repope_eval.settings.config import Engine
from repope_eval.wording import counted

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Way:
    """A way of asking about an image."""

    name: str
    """What is asked so, as in "asked {name}"."""
    ask: Callable[[ChatModel, ChatPrepared, Limits], list[ChatGeneration]]


PLAIN = Way("each question alone, with its image", ask_alone)

WAYS: Mapping[Engine, Sequence[Way]] = {
    "shared": (
        Way("an image's questions together", ask_together),
        Way("an image's questions one by one, after what they share", ask_after_prefix),
        PLAIN,
    ),
    "sequential": (PLAIN,),
}
"""Engine -> its ways, the fastest first; the last one is the plain way."""


class Ways:
    """The ways of an engine; one of them is taken until it proves wrong."""

    def __init__(self, model: ChatModel, engine: Engine, limits: Limits, verify: int) -> None:
        """Takes the fastest way."""
        self._model = model
        self._limits = limits
        self._left = list(WAYS[engine])
        self._images_to_check = verify
        self._why = ""
        self._checked = Checked(model)

    def ask(self, image: ChatPrepared) -> list[ChatGeneration]:
        """The answers to an image's questions, which are those of the plain way as far as that was checked."""
        plain: list[ChatGeneration] = []
        while self._way is not PLAIN:
            generations = self._try_way(image)
            if generations is not None:
                if not self._images_to_check:
                    return generations
                plain = plain or self._plain_answers(image)
                if self._agrees_with_plain(image, generations, plain):
                    return generations
            give_back(self._model.device)  # here no exception holds the tensors of the frames it came through
            self._left.pop(0)
            self._checked = Checked(
                self._model, self._checked.seconds
            )  # what was left has no say in what is kept
            log.info("asking %s from now on, since %s", self._way.name, self._why)
        rest = range(len(plain), len(image.prompts))
        return [*plain, *(self._ask_one(image, index) for index in rest)]

    def facts(self) -> dict[str, Any]:
        """What a manifest says of the way that was taken, why no faster one was, and what was checked."""
        facts: dict[str, Any] = {"way": self._way.name, "why": self._why or None}
        if not self._checked.answers:
            return facts
        return facts | self._checked.facts(self._checked.line(), in_doubt=False)  # such a way was left

    @property
    def _way(self) -> Way:
        return self._left[0]

    def _try_way(self, image: ChatPrepared) -> list[ChatGeneration] | None:
        """The answers by the current way; None where that way does not work."""
        try:
            return self._way.ask(self._model, image, self._limits)
        except RepopeError:
            raise
        except CannotShareError as error:
            self._why = str(error)
        except Exception as error:  # a class that was not made for this raises whatever it does
            self._why = (
                "the memory did not suffice for a faster way"
                if is_lack_of_memory(error)
                else f"its class cannot be asked in a faster way ({first_line(error)})"
            )
        return None

    def _plain_answers(self, image: ChatPrepared) -> list[ChatGeneration]:
        """The plain answers to the first of an image's questions: all, or as many as do not take too long."""
        started = time.perf_counter()
        generations: list[ChatGeneration] = []
        for index in range(len(image.prompts)):
            generations.append(self._ask_one(image, index))
            if time.perf_counter() - started > SECONDS_AN_IMAGE:
                break
        self._checked.seconds += time.perf_counter() - started
        return generations

    def _ask_one(self, image: ChatPrepared, index: int) -> ChatGeneration:
        try:
            return ask_one(self._model, image, index, self._limits)
        except RepopeError:
            raise
        except Exception as error:
            # Files of different models, or a class that cannot be asked so, raise whatever they do.
            if not is_lack_of_memory(error):
                raise RepopeError(
                    f"{self._model.checkpoint.folder}: its class cannot answer with what its processor makes "
                    f"({first_line(error)}); download it again, or take another checkpoint"
                ) from error
        raise RepopeError(
            "out of memory with a single image and one question: use model.quantization=nf4 or int8, fewer pixels "
            "(model.max_pixels, where the processor has it), or model.device_map=auto, each in a folder of its own "
            "(out=); what was answered is stored"
        )

    def _agrees_with_plain(
        self, image: ChatPrepared, generations: Sequence[ChatGeneration], plain: Sequence[ChatGeneration]
    ) -> bool:
        """Compares the answers of the current way with plain ones, and notes why it is to be left if they differ."""
        compared = [self._checked.compare(*pair) for pair in zip(generations, plain, strict=False)]
        self._checked.answers += compared
        if self._checked.is_in_doubt:
            differing = [one for one in compared if not (one.has_equal_tokens and one.is_explained)]
            self._why = (
                f"{len(differing)} of {counted(len(compared), 'answer')} came out otherwise in a faster way "
                f"({self._way.name})"
            )
            return False
        self._checked.images += 1
        self._images_to_check -= 1
        log.info("%s", self._checked.line())
        return True
