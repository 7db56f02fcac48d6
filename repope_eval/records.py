"""The records that travel between the stages: questions, labels, answers."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
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
    """The object asked about, such as `snowboard`; empty where it asks about none."""
    describes: bool = field(default=False, compare=False)
    """Whether it asks for a description of the image, a caption, and not for yes or no."""
    draw: int = 0
    """Which of several times it is asked, where answers are sampled: each time is a question of its own, with a seed of
    its own. Labels are of the first, 0."""


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

    def as_stored(self) -> "Answer":
        """The answer, without probabilities where its question asks for a description: they would mean nothing."""
        return replace(self, p_yes=None, p_no=None) if self.question.describes else self

    @property
    def confidence(self) -> float | None:
        """The confidence in yes, p_yes / (p_yes + p_no); None where both are unknown, or 0, which is no confidence.

        Where one is unknown, it is taken to be all that the other leaves of 1, since it cannot be more. A server lists
        20 tokens, and where a model is sure, the other word may be none of them: an answer with p_yes .999 then has
        confidence .999, and at most .001 too little. For a model whose answers begin with other words, it may be much
        too near to the unknown word.
        """
        if self.p_yes is None or self.p_no is None:
            known = self.p_yes if self.p_yes is not None else None if self.p_no is None else 1 - self.p_no
            return None if known is None else min(1.0, max(0.0, known))
        both = self.p_yes + self.p_no
        return self.p_yes / both if both > 0 else None


def is_probability(value: object) -> bool:
    """Whether a value of a file is null or a probability, as far as rounding allows; NaN is not."""
    if value is None:
        return True
    return type(value) in (int, float) and -ROUNDING <= value <= 1 + ROUNDING  # type: ignore[operator]
