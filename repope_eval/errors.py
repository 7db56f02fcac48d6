"""The exceptions that users see."""


class RepopeError(Exception):
    """Something a user can mend; its text says what is wrong, where, and how to mend it, a line for each mistake."""

    exit_status = 1


class InterruptionError(RepopeError):
    """A run was told to stop; the error's text says what is safe and how to go on."""

    def __init__(self, message: str, exit_status: int) -> None:
        super().__init__(message)
        self.exit_status = exit_status


class SaidElsewhereError(RepopeError):
    """Another process of the same run has told the user already why this one ends."""
