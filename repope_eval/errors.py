"""The exceptions that users see, and how their texts quote what files of others hold."""

import reprlib

_SHOWN = 120
"""Characters of a value that a message quotes, at most."""

_BRIEFLY = reprlib.Repr()
_BRIEFLY.maxlevel = 3  # what is nested as deep as JSON can be is deeper than `repr` can go
_BRIEFLY.maxlist = _BRIEFLY.maxdict = _BRIEFLY.maxlong = _BRIEFLY.maxstring = _BRIEFLY.maxother = _SHOWN


class RepopeError(Exception):
    """Something a user can mend; its text says what is wrong, where, and the mend, a line for each mistake."""

    exit_status = 1


class InterruptionError(RepopeError):
    """A run was told to stop; its text says what is safe and how to go on."""

    def __init__(self, message: str, exit_status: int) -> None:
        super().__init__(message)
        self.exit_status = exit_status


class SaidElsewhereError(RepopeError):
    """What ends this process has been said by another of the same run."""


def shown(value: object) -> str:
    """A value as messages quote it: on one line, cut where it is long."""
    text = repr(value[:_SHOWN]) if isinstance(value, str) else _BRIEFLY.repr(value)
    is_cut = len(text) > _SHOWN or (isinstance(value, str) and len(value) > _SHOWN)
    return f"{text[: _SHOWN - 3]}..." if is_cut else text
