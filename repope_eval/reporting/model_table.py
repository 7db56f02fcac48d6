"""The table of models as rows of text."""

from dataclasses import dataclass

UNKNOWN = "?"
"""Stands where a figure cannot be counted on this machine."""


@dataclass(frozen=True, slots=True)
class ModelRow:
    """One model, all in text."""

    name: str
    checkpoint: str
    family: str
    parameters: str
    memory: tuple[str, ...]
    """Of the weights, one for each of `MEMORY_COLUMNS`."""
    max_new_tokens: str
    gated: str


MEMORY_COLUMNS = ("bf16", "int8", "nf4")


def count_text(number: float) -> str:
    """A number of parameters: `938 M`, `8.1 B`."""
    return f"{number / 1e9:.1f} B" if number >= 1e9 else f"{number / 1e6:.1f} M"


def memory_text(number: float) -> str:
    """A number of bytes: `16.2 GB`, `2.4 MB`, in powers of ten."""
    return f"{number / 1e9:.1f} GB" if number >= 1e8 else f"{number / 1e6:.1f} MB"


def hours_text(hours: float | None) -> str:
    """A rough duration: `seconds`, `20 min`, `3 h`, `4 days`; empty where it is not known."""
    if hours is None:
        return ""
    if hours * 60 < 1:
        return "seconds"
    if hours < 1.5:
        return f"{hours * 60:.0f} min"
    return f"{hours:.0f} h" if hours < 48 else f"{hours / 24:.0f} days"
