"""How many floating-point operations asking about a photograph takes, computed from a model's shape.

A product of a matrix with a token is two operations a weight; attention of a token to a context of n tokens is
4 n times the heads' width, half of it where tokens look back only. Norms, activations and embeddings are left out:
they are a hundredth of it.
"""

from dataclasses import dataclass

from repope_eval.capacity.memory_need import PROMPT_TOKENS, QUESTION_TOKENS
from repope_eval.capacity.shapes import Shape

ANSWER_TOKENS = 3
"""An answer is yes or no, a full stop, and the token that ends it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Operations:
    """The floating-point operations of asking about one photograph."""

    vision: float
    """Operations of the vision tower, and of what makes language tokens of its features."""
    prompt: float
    """Operations of all that is fed before an answer begins."""
    answers: float
    """Operations of the answers' tokens."""

    @property
    def total(self) -> float:
        """The operations of all three parts."""
        return self.vision + self.prompt + self.answers


def shared_operations(shape: Shape, questions: float) -> Operations:
    """The operations of the shared-prefix engine: image once, its prompt's prefix once, each question on top.

    Args:
        shape: of the model.
        questions: distinct ones about the image.
    """
    if shape.attends_both_ways:  # the vision tower alone is shared
        alone = operations_alone(shape)
        return Operations(
            vision=alone.vision, prompt=questions * alone.prompt, answers=questions * alone.answers
        )
    prefix = shape.image_tokens + PROMPT_TOKENS
    own = questions * QUESTION_TOKENS
    prompt = _fed(shape, prefix, prefix / 2) + _fed(shape, own, prefix)
    return Operations(
        vision=shape.vision_operations, prompt=prompt, answers=questions * _answer_operations(shape)
    )


def operations_alone(shape: Shape) -> Operations:
    """The operations of one question with the image encoded and the whole prompt fed for it, as in the paper's loop."""
    prompt = shape.image_tokens + PROMPT_TOKENS + QUESTION_TOKENS
    context = prompt if shape.attends_both_ways else prompt / 2
    return Operations(
        vision=shape.vision_operations,
        prompt=_fed(shape, prompt, context),
        answers=_answer_operations(shape),
    )


def _fed(shape: Shape, tokens: float, context: float) -> float:
    """The operations of so many tokens through the language model, each with so many others to look at on average."""
    attention = 4 * context * shape.heads * shape.head_size
    return tokens * (2 * shape.quantizable + shape.layers * attention)


def _answer_operations(shape: Shape) -> float:
    """The operations of an answer: the head for each of its tokens, and the layers for each but the last."""
    head = 2 * shape.vocabulary * shape.hidden
    return ANSWER_TOKENS * head + _fed(shape, ANSWER_TOKENS - 1, shape.image_tokens + PROMPT_TOKENS)
