"""How many images are asked about at a time."""

import logging

from repope_eval.errors import RepopeError
from repope_eval.wording import counted

log = logging.getLogger(__name__)

FIRST = 2
"""Images of the first batch under `auto`, whose need of memory is measured."""

MOST = {"cuda": 32, "cpu": 4}
"""Images at a time under `auto`, by kind of device: with more, neither kind gets through them faster."""

MOST_TOKENS = {"cuda": 65_536, "cpu": 8_192}
"""Tokens of whole prompts fed at a time, by kind of device, where prompts attend both ways.

Rows share nothing there: more at a time are no faster once the device is busy, and a question of thousands of
tokens is not to have all others padded to its length.
"""

SHARE = 0.8
"""How much of the free memory is filled under `auto`: batches differ in their number of questions."""


class BatchSize:
    """Starts as asked for; under `auto` it is set by the first batch; out of memory halves it."""

    def __init__(self, asked_for: str, device: str) -> None:
        self._open = asked_for == "auto"
        self._most = MOST.get(device, MOST["cpu"])
        self.images = FIRST if self._open else int(asked_for)

    @property
    def is_open(self) -> bool:
        """Whether the next batch that goes through sets the size, so that its need is worth measuring."""
        return self._open

    def learn(self, images: int, times_free: float | None) -> None:
        """Takes note of a batch that went through.

        Args:
            images: of that batch.
            times_free: how many times what it needed is free; None where that is not known.
        """
        if self._open and times_free is not None:
            self.images = max(self.images, min(self._most, int(images * times_free * SHARE)))
            log.info("batches of %s", counted(self.images, "image"))
        self._open = False

    def halve(self, images: int) -> None:
        """Takes note of a batch that found no memory.

        Raises:
            RepopeError: it was a single image.
        """
        self._open = False
        if images == 1:
            raise RepopeError(
                "out of memory with a single image and its questions: use model.quantization=nf4 or int8, fewer "
                "tiles (model.max_tiles=6), or model.device_map=auto, each in a folder of its own (out=); what "
                "was answered is stored"
            )
        self.images = max(1, images // 2)
        log.warning("out of memory with %d images at a time: going on with %d", images, self.images)
