"""How often Python looks for objects that nothing reaches but one another."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager

_USUAL = gc.get_threshold()

_SELDOM = (50_000, 10, 1_000)
"""After how many new objects it looks at the newest, after how many such looks at those that were left, and after how
many of these at all. With its own numbers a quarter of the time goes into looking where millions of questions and
answers are made, and among those there is nothing to find."""


def look_seldom() -> None:
    """From here on, as suits reading and scoring."""
    gc.set_threshold(*_SELDOM)


@contextmanager
def looked_for_often() -> Iterator[None]:
    """While a model is loaded and asked: what nothing reaches may hold its tensors, and a GPU's memory."""
    before = gc.get_threshold()
    gc.set_threshold(*_USUAL)
    try:
        yield
    finally:
        gc.set_threshold(*before)
