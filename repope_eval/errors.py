"""The exceptions that users see."""


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


LONGEST_QUOTED = 120
"""Characters of a value that a message quotes."""


def shown(value: object) -> str:
    """A value of somebody else's as messages quote it: on one line, in quotes, cut where it is long."""
    try:
        text = repr(value)
    except (ValueError, RecursionError):  # a number of more digits than Python writes; nested without end
        return f"a {type(value).__name__} too long to show"
    return text if len(text) <= LONGEST_QUOTED else f"{text[: LONGEST_QUOTED - 3]}..."
