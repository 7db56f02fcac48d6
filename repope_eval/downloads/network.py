"""Whether the network may be asked: a command that only reads runs asks nobody, whatever a manifest names."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from repope_eval.errors import RepopeError


class NotHereError(RepopeError):
    """Something is not on this machine, and nothing may be fetched."""


_IS_OFF = ContextVar("network_is_off", default=False)


@contextmanager
def without_network() -> Iterator[None]:
    """Has nothing fetched in its block, or in the function that it decorates; what is missing is an error."""
    before = _IS_OFF.set(True)
    try:
        yield
    finally:
        _IS_OFF.reset(before)


def is_network_off() -> bool:
    """Whether nothing may be fetched."""
    return _IS_OFF.get()
