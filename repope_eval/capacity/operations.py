"""How many floating-point operations asking about a photograph takes, computed from a model's shape.

A product of a matrix with a token is two operations a weight; attention of a token to a context of n tokens is
4 n times the heads' width, half of it where tokens look back only. Norms, activations and embeddings are left out:
they are a hundredth of it.
"""

from repope_eval.capacity.memory_need import PROMPT_TOKENS, QUESTION_TOKENS
from repope_eval.capacity.shapes import Rehearsed, Shape

ANSWER_TOKENS = 3
"""An answer is yes or no, a full stop, and the token that ends it."""


def shared_operations(shape: Shape, questions: float) -> float:
    """The operations of the shared-prefix engine: image once, its prompt's prefix once, each question on top.

    Args:
        shape: of the model.
        questions: distinct ones about the image.
    """
    if shape.attends_both_ways:  # what the vision tower makes is all that questions share
        return shape.vision_operations + questions * _prompt_and_answer(shape)
    prefix = shape.image_tokens + PROMPT_TOKENS
    prompts = _fed(shape, prefix, prefix / 2) + _fed(shape, questions * QUESTION_TOKENS, prefix)
    return shape.vision_operations + prompts + questions * _answer_operations(shape)


def rehearsed_operations(counted: Rehearsed, questions: float) -> float:
    """The operations of an image with so many questions; of all that were rehearsed, where one was not counted."""
    if not counted.alone:
        return counted.operations
    return counted.alone + (questions - 1) * counted.further


def operations_alone(shape: Shape) -> float:
    """The operations of one question with the image encoded and the whole prompt fed for it, as in the paper's loop."""
    return shape.vision_operations + _prompt_and_answer(shape)


def _prompt_and_answer(shape: Shape) -> float:
    prompt = shape.image_tokens + PROMPT_TOKENS + QUESTION_TOKENS
    context = prompt if shape.attends_both_ways else prompt / 2
    return _fed(shape, prompt, context) + _answer_operations(shape)


def _fed(shape: Shape, tokens: float, context: float) -> float:
    """The operations of so many tokens through the language model, each with so many others to look at on average."""
    attention = 4 * context * shape.heads * shape.head_size
    return tokens * (2 * shape.quantizable + shape.layers * attention)


def _answer_operations(shape: Shape) -> float:
    """The operations of an answer: the head for each of its tokens, and the layers for each but the last."""
    head = 2 * shape.vocabulary * shape.hidden
    return ANSWER_TOKENS * head + _fed(shape, ANSWER_TOKENS - 1, shape.image_tokens + PROMPT_TOKENS)
