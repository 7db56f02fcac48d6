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
