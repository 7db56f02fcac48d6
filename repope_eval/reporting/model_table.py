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
