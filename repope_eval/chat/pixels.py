"""The pixels of an image are made once for all of its questions."""

import copy
from typing import Any, Self


class PixelsMadeOnce:
    """Has an image processor remember what it made, while a processor is called again and again with one image.

    A processor may call it several times for one question: the n-th call then has the n-th call's result.
    """

    def __init__(self, image_processor: Any) -> None:
        """Changes nothing until it is entered."""
        self._image_processor = image_processor
        self._preprocess = image_processor.preprocess
        self._made: list[Any] = []
        self._calls = 0

    def __enter__(self) -> Self:
        self._image_processor.preprocess = self._remembered
        return self

    def __exit__(self, *_: object) -> None:
        del self._image_processor.preprocess  # the class has it

    def start_anew(self) -> None:
        """Takes note that the next call is the first one for a question."""
        self._calls = 0

    def _remembered(self, *arguments: Any, **named: Any) -> Any:
        if self._calls == len(self._made):
            self._made.append(self._preprocess(*arguments, **named))
        self._calls += 1
        return copy.copy(self._made[self._calls - 1])  # processors take entries out of it
