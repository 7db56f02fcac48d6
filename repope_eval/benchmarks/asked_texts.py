"""Texts of others that name an image or ask a question: bounded, and such as every file can hold."""

from repope_eval.errors import RepopeError
from repope_eval.wording import shown

MOST_QUESTION_CHARACTERS = 10_000
"""Of a question: a hundred times POPE's longest. An image's questions share its prompt in the memory of a model."""

MOST_NAME_CHARACTERS = 1_000
"""Of the name of an image or object, or an id: file systems hold names of 255, in folders of folders."""


def asked_text(what: str, value: object, most: int = MOST_NAME_CHARACTERS) -> str:
    """A value that is a text to ask with.

    Args:
        what: the name of its field, for messages.
        value: of the field.
        most: characters that are allowed.

    Raises:
        RepopeError: it is no text, says nothing, is too long, or holds what no file can; without its place.
    """
    if not isinstance(value, str):
        raise RepopeError(f"the {what} is {shown(value)}, not a text")
    if not value.strip():
        raise RepopeError(f"the {what} is empty")
    if len(value) > most:
        raise RepopeError(f"the {what} has {len(value)} characters, {shown(value)}; at most {most} are taken")
    if "\0" in value:
        raise RepopeError(f"the {what} is {shown(value)}, with a NUL character in it; take that out")
    if not _is_encodable(value):
        raise RepopeError(
            f"the {what} is {shown(value)}, with half of a character (a lone surrogate), which no file can hold; "
            "write it whole"
        )
    return value


def _is_encodable(text: str) -> bool:
    """Whether UTF-8 can hold a text: half a surrogate pair, which JSON's escapes can write, it cannot."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
