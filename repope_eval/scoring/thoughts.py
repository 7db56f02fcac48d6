"""Tells an answer from the thought before it, in a text: what a model thinks is no answer."""

THOUGHT_BEGINS, THOUGHT_ENDS = "<think>", "</think>"
"""What stands around a thought where it is not kept apart from the answer."""


def is_thought_alone(text: str) -> bool:
    """Whether a text is a thought that has not ended."""
    return text.lstrip().startswith(THOUGHT_BEGINS) and THOUGHT_ENDS not in text


def answer_in(text: str) -> str:
    """What comes after the thought; the whole text where there is none, and nothing where the thought has not ended."""
    if is_thought_alone(text):
        return ""
    return text.rpartition(THOUGHT_ENDS)[2].lstrip() if THOUGHT_ENDS in text else text
