"""The exceptions that users see."""


class RepopeError(Exception):
    """Something a user can mend; its text says what is wrong, where, and the mend, a line for each mistake."""

    exit_status = 1


class InterruptionError(RepopeError):
    """The user stopped a run; its text says what is safe and how to go on."""

    exit_status = 130
