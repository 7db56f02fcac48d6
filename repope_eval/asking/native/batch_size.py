"""How many images are asked about at a time: as many as the settings say, or as the memory holds."""

import logging
from collections.abc import Sequence

from repope_eval.errors import RepopeError
from repope_eval.wording import counted

log = logging.getLogger(__name__)


FIRST = 2
"""How many images the first batch has under `auto`; its need of memory is measured."""

MOST = {"cuda": 32, "cpu": 4}
"""The most images at a time under `auto`, by kind of device: more of them are not answered faster.

These are images with about ten questions each; of images with few, there are as many as have `MOST_QUESTIONS`.
"""

MOST_QUESTIONS = {"cuda": 128, "cpu": 16}
"""The most questions at a time where there are more than `MOST` images. Each step of decoding reads all weights, and
long answers, such as captions, have hundreds of steps: the more rows take a step together, the less each one costs."""

MOST_TOKENS = {"cuda": 65_536, "cpu": 8_192}
"""The most tokens of whole prompts fed at a time, by kind of device, where prompts attend both ways.

There the rows share nothing: more at a time are no faster once the device is busy, and all rows would be padded to
the length of a question of thousands of tokens.
"""

SHARE = 0.8
"""The share of the free memory that is filled under `auto`: batches differ in their number of questions."""


class BatchSize:
    """The number of images at a time. Under `auto` the first batch sets it; running out of memory halves it."""

    def __init__(self, asked_for: str, device: str) -> None:
        self.is_open = asked_for == "auto"
        """Whether the next batch that succeeds sets the size."""
        self._most = MOST.get(device, MOST["cpu"])
        self._most_questions = MOST_QUESTIONS.get(device, MOST_QUESTIONS["cpu"])
        self._is_auto = self.is_open
        self.images = FIRST if self.is_open else int(asked_for)

    def count_next(self, questions: Sequence[int]) -> int:
        """How many of some images the next batch has, given how many questions are asked about each.

        Under `auto` it has more than `MOST` only as far as these have few questions.
        """
        number = min(self.images, len(questions))
        while self._is_auto and number > self._most and sum(questions[:number]) > self._most_questions:
            number -= 1
        return number

    def learn(self, questions: Sequence[int], free_over_peak: float | None) -> None:
        """Takes note of a batch that succeeded.

        Args:
            questions: how many questions were asked about each of its images.
            free_over_peak: the free memory over the memory that the batch needed; None where that is not known.
        """
        if self.is_open and free_over_peak is not None:
            most = max(self._most, self._most_questions * len(questions) // sum(questions))
            self.images = max(self.images, min(most, int(len(questions) * free_over_peak * SHARE)))
            log.info("batches of %s", counted(self.images, "image"))
        self.is_open = False

    def halve(self, images: int) -> None:
        """Takes note of a batch that ran out of memory."""
        self.is_open = False
        if images == 1:
            raise RepopeError(
                "out of memory with a single image and its questions: use model.device_map=auto; or, in a "
                "folder of its own (out=), model.quantization=nf4 or int8, or fewer tiles (model.max_tiles=6); what "
                "was answered is stored"
            )
        self.images = max(1, images // 2)
        log.warning("out of memory with %d images at a time: going on with %d", images, self.images)
