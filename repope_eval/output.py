"""Writing to standard output, whatever it can show and whether or not anybody still reads it."""

import os
import sys

_ASCII = str.maketrans({"−": "-", "–": "-"})


def write(text: str) -> None:
    """Writes a text at once."""
    try:
        sys.stdout.write(_encodable(text, sys.stdout.encoding or "utf-8"))
        sys.stdout.flush()
    except BrokenPipeError:  # who read it, `head` say, wants no more; what is left to do is done all the same
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _encodable(text: str, encoding: str) -> str:
    """The text as an output of that encoding can show it; finished scores are not to be lost to a minus sign."""
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return text.translate(_ASCII).encode(encoding, "replace").decode(encoding)
    return text
