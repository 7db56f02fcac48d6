"""Texts of others that name an image or ask a question: they are bounded, and every file can hold them."""

import re
from pathlib import PurePath

from repope_eval.errors import RepopeError
from repope_eval.wording import shown

MOST_QUESTION_CHARACTERS = 10_000
"""The longest question, a hundred times POPE's longest: an image's questions share its prompt in a model's memory."""

MOST_NAME_CHARACTERS = 1_000
"""The longest name of an image or object, or id: file systems hold names of 255, in folders of folders."""

_HALF = re.compile("[\ud800-\udfff]")
"""Half of a surrogate pair: JSON's escapes can write it, and UTF-8 cannot hold it."""


MISSPELT, SPELT = "in the imange?", "in the image?"
"""POPE's files had the first after "an" until October 2023, as in "Is there an apple in the imange?"."""

_IMAGE_MARK = re.compile(r"^<image>|<image>$")


def plain_question(text: str) -> str:
    """A question without what does not change it: spaces and a mark of the image around it, and POPE's misspelling."""
    plain = text.strip()
    if "<image>" in plain:
        plain = _IMAGE_MARK.sub("", plain).strip()
    return plain.replace(MISSPELT, SPELT)


def pair_asked(image: str, text: str) -> tuple[str, str]:
    """The image and the question that a row is about: rows for which they are equal ask the same."""
    # A table may have a million rows, and making a path of each name takes longer than all else here.
    has_idle_parts = "./" in image or "//" in image
    return str(PurePath(image)) if has_idle_parts else image, plain_question(text)


def whole_text(text: str) -> str:
    """A text with U+FFFD for each half of a surrogate pair; two halves that belong together are one character."""
    return text if text.isascii() else text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def asked_text(what: str, value: object, most: int = MOST_NAME_CHARACTERS, *, where: str = "") -> str:
    """A value that is a text to ask with.

    Args:
        what: the name of its field, for messages.
        value: the value of the field.
        most: the number of characters that are allowed.
        where: the file and row that a message begins with; where it is empty, the caller says it.

    Raises:
        RepopeError: it is no text, says nothing, is too long, or holds what no file can.
    """
    fault = None
    if not isinstance(value, str):
        fault = f"is {shown(value)}, not a text"
    elif not value.strip():
        fault = "is empty"
    elif len(value) > most:
        fault = f"has {len(value)} characters, {shown(value)}; at most {most} are taken"
    elif "\0" in value:
        fault = f"is {shown(value)}, with a NUL character in it; take that out"
    elif not value.isascii() and _HALF.search(value):
        half = "half of a character (a lone surrogate), which no file can hold"
        fault = f"is {shown(value)}, with {half}; write it whole"
    if fault is not None:
        raise RepopeError(f"{where and f'{where}: '}the {what} {fault}")
    return str(value)
