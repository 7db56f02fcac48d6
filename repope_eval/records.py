"""The records that travel between the stages: questions, labels, answers."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Variant = str
"""A named list of questions: `random`, `popular`, `adversarial`, or `custom`."""

Label = Literal["yes", "no", "ambiguous"]
"""What an annotator said. Only an annotator's file holds `ambiguous`; label sets leave such questions out."""

ROUNDING = 0.01
"""How far a probability may be outside 0 to 1, as sums over the spellings of a word are in half precision."""


@dataclass(frozen=True, slots=True, order=True)
class Question:
    """One question about one image; two are the same when image and text are."""

    image: str
    """File name of the image, such as `COCO_val2014_000000310196.jpg`."""
    text: str
    """The question exactly as it stands in the benchmark's file."""
    object: str = field(compare=False)
    """The object asked about, such as `snowboard`."""


@dataclass(frozen=True, slots=True)
class LabelSet:
    """What is taken as true: for each variant, the questions that count and whether the answer is yes."""

    name: str
    """Such as `pope` and `repope`, or `original` and `corrected` of a user's own files."""
    variants: Mapping[Variant, Mapping[Question, bool]]

    @property
    def distinct(self) -> dict[Question, bool]:
        """The labels of the questions of all variants, each question once: it has the same label in all of them."""
        labels: dict[Question, bool] = {}
        for of_variant in self.variants.values():
            labels |= of_variant
        return labels


@dataclass(frozen=True, slots=True)
class Answer:
    """What a model said to a question."""

    question: Question
    response: str
    """The generated text as decoded, special tokens left out."""
    n_tokens: int | None = None
    """Number of generated tokens, the stop token included; None for answers from elsewhere."""
    p_yes: float | None = None
    """Probability that the first generated token is a spelling of "yes"; None where unknown."""
    p_no: float | None = None
    """Probability that the first generated token is a spelling of "no"; None where unknown."""


def is_probability(value: object) -> bool:
    """Whether a value of a file is null or a probability, as far as rounding allows; NaN is not."""
    if value is None:
        return True
    return type(value) in (int, float) and -ROUNDING <= value <= 1 + ROUNDING  # type: ignore[operator]
