"""Which tokens spell a word: in any case, with and without the mark of a leading space."""

SPACE_MARKS = " \u2581\u0120"
"""What a token starts with that follows a space: the space itself, SentencePiece's mark, byte-level BPE's."""


def is_spelling(token: str, word: str) -> bool:
    """Whether a token spells a word, which is given in lower case."""
    return token.lstrip(SPACE_MARKS).lower() == word
