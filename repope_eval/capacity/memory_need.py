"""How much memory a run needs: the weights, and the work of one image with its questions.

A formula over a model's shape, so that what fits is known before anything is downloaded. `perf/memory.py` holds
it against what is measured.
"""

from dataclasses import dataclass

from repope_eval.capacity.shapes import LanguageShape, Shape
from repope_eval.capacity.sizes import size_of
from repope_eval.inference.batch_size import MOST_TOKENS

QUESTIONS = 12
"""Most distinct questions about an image of POPE."""
QUESTION_TOKENS = 15
"""Of a question, and of what follows it in the prompt."""
PROMPT_TOKENS = 25
"""Before the image and around it."""

PROGRAM = 0.6e9
"""Bytes of Python, torch and what both set up for the first batch: on a CPU as measured, on a GPU assumed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryNeed:
    """In bytes."""

    weights: float
    cache: float
    """Keys and values of the image and of all its questions."""
    activations: float
    """The most that is held at once beside the two above."""

    @property
    def total(self) -> float:
        """All of it, and the program."""
        return self.weights + self.cache + self.activations + PROGRAM


def memory_need(
    shape: Shape,
    *,
    quantization: str = "none",
    value_bytes: int = 2,
    questions: int = QUESTIONS,
    device: str = "cuda",
) -> MemoryNeed:
    """The need of a run that asks about one photograph at a time.

    Args:
        shape: of the model.
        quantization: none, int8 or nf4.
        value_bytes: of a number in the run's format: 2, or 4 in float32.
        questions: about the image.
        device: kind of device, which bounds what is fed at a time where prompts attend both ways.

    With N tokens of width h and inner width i in a layer, what is held at once is about N (4 h + 2 i), or
    N (4 h + 3 i) where its feed-forward network is gated; the language model's layers hold besides the keys
    and values repeated for all heads. Of the vision tower and of the language model the larger counts, since one
    comes after the other. Added are: the hidden states of all layers where a family takes an inner one's, the
    probabilities of visual words (Ovis2), scores of attention where the kernel keeps them (Gemma 2), one matrix
    in the run's format (nf4), and the logits.
    """
    rows, tokens = _fed_at_once(shape, questions, device)
    vision = _vision_values(shape)
    language = _language_values(shape, rows, tokens)
    scores = _score_bytes(shape.language, rows, tokens)
    matrix = shape.language.hidden * shape.language.intermediate if quantization == "nf4" else 0
    return MemoryNeed(
        weights=size_of(shape).weight_bytes(quantization, value_bytes),
        cache=rows * tokens * shape.language.cached_values * value_bytes,
        activations=(max(vision, language) + matrix) * value_bytes + scores,
    )


def attends_both_ways(shape: Shape) -> bool:
    """Whether nothing but the image's features is shared between questions."""
    return shape.family == "paligemma"


def _fed_at_once(shape: Shape, questions: int, device: str) -> tuple[int, int]:
    """Rows of the cache, and tokens in each."""
    prompt = shape.image_tokens + PROMPT_TOKENS
    if not attends_both_ways(shape):
        return 1, prompt + questions * QUESTION_TOKENS
    whole = shape.image_tokens + QUESTION_TOKENS
    most = MOST_TOKENS.get(device, MOST_TOKENS["cpu"])
    return min(questions, max(1, most // whole)), whole


def _vision_values(shape: Shape) -> float:
    """Numbers held at once while an image is encoded."""
    vision = shape.vision
    tokens = shape.tiles * vision.tokens
    layer = tokens * (4 * vision.hidden + vision.feed_forward_matrices * vision.intermediate)
    kept = tokens * vision.hidden * vision.layers if shape.family.startswith("llava") else 0
    words = 3 * shape.tiles * vision.patches // 4 * shape.visual_vocabulary
    pixels = 3 * shape.tiles * vision.side**2
    return max(layer + kept, words) + pixels


def _language_values(shape: Shape, rows: int, tokens: int) -> float:
    """Numbers held at once while prompts are fed, the cache left out."""
    language = shape.language
    layer = rows * tokens * (4 * language.hidden + 3 * language.intermediate)
    repeated = 2 * rows * tokens * language.heads * language.head_size
    features = shape.image_tokens * language.hidden
    logits = 3 * rows * language.vocabulary
    return max(layer, repeated) + features + logits


def _score_bytes(language: LanguageShape, rows: int, tokens: int) -> float:
    """Of attention's scores where the kernel keeps them: 12 bytes each, since their softmax is in float32."""
    return 12 * rows * language.heads * tokens**2 if language.kind == "gemma2" else 0
