"""The shapes of models: the numbers that memory and computation follow from.

Those of the shipped checkpoints are in `published_shapes.csv`, so that they are known without a download and
without torch. `counting.shape_of` makes a row of it from a checkpoint's `config.json` (perf/published_shapes.py).
"""

import csv
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path
from typing import Any

BYTES_PER_QUANTIZED = {"int8": 1.0, "nf4": 0.5 + 4 / 64}
"""Bytes that a weight takes; nf4 keeps a float32 scale for each 64 weights."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How many weights a model has; tied ones count once."""

    parameters: int
    quantizable: int
    """How many of them are in the language model's linear layers, which quantization shrinks."""

    def weight_bytes(self, quantization: str, value_bytes: float = 2.0) -> float:
        """Bytes of memory that the weights take.

        Args:
            quantization: `int8` or `nf4`; with anything else nothing is quantized.
            value_bytes: of each weight that is not quantized.
        """
        quantized = BYTES_PER_QUANTIZED.get(quantization, value_bytes)
        return self.quantizable * quantized + (self.parameters - self.quantizable) * value_bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape(Size):
    """What a model's memory and computation follow from.

    The layers of its language model have attention and a gated feed-forward network. The figures of images are those
    of a photograph of 640x480 pixels, as most of COCO's are.
    """

    layers: int
    """Layers of the language model; the fields from here to `vocabulary` are the language model's."""
    hidden: int
    intermediate: int
    heads: int
    key_value_heads: int
    head_size: int
    vocabulary: int
    keeps_scores: bool
    """Whether attention keeps its scores in memory: Gemma 2 caps them, which no fused kernel does."""
    attends_both_ways: bool
    """Whether image tokens attend to the question, so that only the image's features are shared."""
    image_tokens: int
    """Tokens that stand for a photograph in a prompt."""
    vision_values: int
    """Numbers that are held at once while a photograph is encoded."""
    vision_operations: int
    """Floating-point operations that encoding a photograph takes."""

    @property
    def cached_values(self) -> int:
        """Numbers that the key-value cache holds for each token."""
        return 2 * self.layers * self.key_value_heads * self.head_size


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearsed(Size):
    """What was counted while a model without weights was asked about a photograph (`rehearsal.rehearse`).

    It stands in for a shape where no formula is known for a model's class.
    """

    held: int
    """The most bytes that were held at once besides the weights, in the model's number format."""
    rows: int
    """How many questions were asked."""
    width: int
    """Tokens of the longest prompt."""
    fed: int
    """The most tokens that are fed at a time."""
    answer: int
    """The most tokens of an answer that are counted."""
    cached_values: int
    """The most numbers that the key-value cache holds for each token."""
    widest: int
    """The most numbers that a quantizable matrix makes of a token."""
    largest: int
    """The numbers of the largest quantizable matrix."""
    operations: int
    """Floating-point operations that the image and all questions take; 0 where they were not counted."""
    alone: float = 0
    """Floating-point operations that the image and one question take; 0 where they were not counted."""
    further: float = 0
    """Floating-point operations that each further question of the image takes."""
    note: str = ""
    """What was not counted, and why; empty where all was."""


def published_shape(checkpoint: str) -> Shape | None:
    """The shape of a shipped checkpoint; None of any other."""
    return _published().get(checkpoint)


@cache
def _published() -> dict[str, Shape]:
    """The shapes in the file by checkpoint."""
    text = (Path(__file__).parent / "published_shapes.csv").read_text(encoding="utf-8")
    return {row.pop("checkpoint"): _shape(row) for row in csv.DictReader(text.splitlines())}


def _shape(row: dict[str, str]) -> Shape:
    cells = {field.name: row[field.name] for field in fields(Shape)}
    values: dict[str, Any] = {
        name: text == "yes" if text in ("yes", "no") else int(text) for name, text in cells.items()
    }
    return Shape(**values)
