"""The one exception that users see."""


class RepopeError(Exception):
    """Something a user can mend; its text is one line that says what is wrong, where, and the mend."""
