"""How many floating-point operations asking takes, computed from a model's shape.

A product of a matrix with a token is two operations a weight; attention of a token to a context of n tokens is
4 n times the heads' width, half of it where tokens look back only. Norms, activations and embeddings are left out:
they are a hundredth of it.
"""

from dataclasses import dataclass

from repope_eval.capacity.memory_need import PROMPT_TOKENS, QUESTION_TOKENS, attends_both_ways
from repope_eval.capacity.shapes import Shape, VisionShape
from repope_eval.capacity.sizes import layer_parameters

ANSWER_TOKENS = 3
"""Yes or no, a full stop, and what ends the answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Operations:
    """Of one photograph."""

    vision: float
    """Its tiles through the vision tower, and what makes language tokens of them."""
    prompt: float
    """What is fed before any answer."""
    answers: float
    """The answers' tokens."""

    @property
    def total(self) -> float:
        """All of it."""
        return self.vision + self.prompt + self.answers


def shared_operations(shape: Shape, questions: float) -> Operations:
    """Of the shared-prefix engine: the image once, its prompt's prefix once, each question on top.

    Args:
        shape: of the model.
        questions: distinct ones about the image.
    """
    if attends_both_ways(shape):  # the vision tower alone is shared
        alone = _alone(shape)
        return Operations(
            vision=alone.vision, prompt=questions * alone.prompt, answers=questions * alone.answers
        )
    prefix = shape.image_tokens + PROMPT_TOKENS
    own = questions * QUESTION_TOKENS
    prompt = _fed(shape, prefix, prefix / 2) + _fed(shape, own, prefix)
    return Operations(
        vision=_vision_operations(shape), prompt=prompt, answers=questions * _answer_operations(shape)
    )


def paper_operations(shape: Shape, askings: int) -> Operations:
    """Of the paper's loop: each asking by itself, image and all.

    Args:
        shape: of the model.
        askings: of questions about the image, the same ones in several variants counted each time.
    """
    alone = _alone(shape)
    return Operations(
        vision=askings * alone.vision, prompt=askings * alone.prompt, answers=askings * alone.answers
    )


def _alone(shape: Shape) -> Operations:
    prompt = shape.image_tokens + PROMPT_TOKENS + QUESTION_TOKENS
    context = prompt if attends_both_ways(shape) else prompt / 2
    return Operations(
        vision=_vision_operations(shape),
        prompt=_fed(shape, prompt, context),
        answers=_answer_operations(shape),
    )


def _fed(shape: Shape, tokens: float, context: float) -> float:
    """Of so many tokens through the language model, each of which looks at so many others in the mean."""
    language = shape.language
    attention = 4 * context * language.heads * language.head_size
    return tokens * language.layers * (2 * layer_parameters(language) + attention)


def _answer_operations(shape: Shape) -> float:
    """Of an answer: the head for each token of it, and the layers for each but the last."""
    head = 2 * shape.language.vocabulary * shape.language.hidden
    return ANSWER_TOKENS * head + _fed(shape, ANSWER_TOKENS - 1, shape.image_tokens + PROMPT_TOKENS)


def _vision_operations(shape: Shape) -> float:
    vision = shape.vision
    layer = 2 * _matrices(vision) + 4 * vision.tokens * vision.hidden
    patches = 2 * 3 * vision.patch**2 * vision.hidden
    tile = vision.tokens * vision.layers * layer + vision.patches * patches
    return shape.tiles * (tile + _bridge_operations(shape))


def _matrices(vision: VisionShape) -> int:
    return 4 * vision.hidden**2 + vision.feed_forward_matrices * vision.hidden * vision.intermediate


def _bridge_operations(shape: Shape) -> float:
    """Of a tile's features on their way into the language model."""
    inputs, hidden, patches = shape.vision.hidden, shape.language.hidden, shape.vision.patches
    match shape.family:
        case "internvl2_5":  # four neighbours are one token
            return patches / 4 * 2 * (4 * inputs * hidden + hidden**2)
        case "ovis2":
            return patches / 4 * 2 * shape.visual_vocabulary * (4 * inputs + hidden)
        case "paligemma":
            return patches * 2 * inputs * hidden
        case _:
            return patches * 2 * (inputs * hidden + hidden**2)
