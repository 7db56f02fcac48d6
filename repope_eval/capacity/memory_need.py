"""How much memory a run needs: the weights, and the work of one image with its questions.

A formula over a model's shape, so that what fits is known before anything is downloaded. `perf/memory.py` holds
it against what is measured. Of a chat model, whose class may do anything, what was counted without weights is added
up instead.
"""

from dataclasses import dataclass

from repope_eval.capacity.shapes import Rehearsed, Shape
from repope_eval.inference.batch_size import MOST_TOKENS
from repope_eval.settings.config import ModelSettings, number_format

QUESTIONS = 12
"""The most distinct questions that POPE has about an image."""
QUESTION_TOKENS = 15
"""Tokens of a question and of what follows it in the prompt."""
PROMPT_TOKENS = 25
"""Tokens of a prompt before the image and around it."""
LONGEST_ANSWER = 64
"""Tokens of an answer that are counted at most, of a chat model, which may be let think for thousands.

Where thoughts leave no room for all of an image's questions, they are asked one by one.
"""

PROGRAM = 0.6e9
"""Bytes of Python, torch and what both set up for the first batch: measured on a CPU, assumed on a GPU."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryNeed:
    """The memory that a run needs, in bytes."""

    weights: float
    cache: float
    """Keys and values of the image and of all its questions."""
    activations: float
    """The most that is held at once besides weights and cache."""

    @property
    def total(self) -> float:
        """Weights, cache, activations and the program."""
        return self.weights + self.cache + self.activations + PROGRAM


def value_bytes_of(settings: ModelSettings) -> int:
    """Bytes of a number in the format that a model is loaded in."""
    return 4 if number_format(settings) == "float32" else 2


def need_of(
    model: Shape | Rehearsed, *, quantization: str = "none", value_bytes: int = 2, device: str = "cuda"
) -> MemoryNeed:
    """The need of a run that asks about one photograph at a time, by the formula or by what was counted.

    Args:
        model: its shape, or what was counted while it was rehearsed.
        quantization: none, int8 or nf4.
        value_bytes: of a number in the run's format: 2, or 4 in float32.
        device: kind of device.
    """
    if isinstance(model, Rehearsed):
        return rehearsed_need(model, quantization=quantization, value_bytes=value_bytes)
    return memory_need(model, quantization=quantization, value_bytes=value_bytes, device=device)


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

    With N tokens of width h and inner width i, a layer of the language model holds about N (4 h + 3 i) numbers at
    once, or the keys and values repeated for all heads; under int8 N i numbers of four bytes besides, the whole
    products of a feed-forward network. Of the vision tower (`Recipe.vision_values`) and of the language model the
    larger counts, since one comes after the other. Added are: scores of attention where the kernel keeps them, one
    matrix in the run's format (nf4), the image's features, and the logits.
    """
    rows, tokens = _fed_at_once(shape, questions, device)
    language = _language_values(shape, rows, tokens) * value_bytes
    if quantization == "int8":
        language += 4 * rows * tokens * shape.intermediate
    matrix = shape.hidden * shape.intermediate if quantization == "nf4" else 0
    # Scores take 12 bytes each: their softmax is in float32.
    scores = 12 * rows * shape.heads * tokens**2 if shape.keeps_scores else 0
    return MemoryNeed(
        weights=shape.weight_bytes(quantization, value_bytes),
        cache=rows * tokens * shape.cached_values * value_bytes,
        activations=max(shape.vision_values * value_bytes, language) + matrix * value_bytes + scores,
    )


def rehearsed_need(counted: Rehearsed, *, quantization: str = "none", value_bytes: int = 2) -> MemoryNeed:
    """The need of a run that asks about one photograph at a time, by what was counted while it was rehearsed.

    Added to that are all tokens of answers, which are in the cache at the end; under int8 the whole products of the
    widest matrix, four bytes each; and under nf4 the largest matrix in the run's format.

    Args:
        counted: of the model, in the number format of the run.
        quantization: none, int8 or nf4.
        value_bytes: of a number in the run's format.
    """
    a_token = counted.cached_values * value_bytes
    prompts = min(counted.rows * counted.width * a_token, counted.held)
    more = {"int8": 4 * counted.fed * counted.widest, "nf4": counted.largest * value_bytes}
    return MemoryNeed(
        weights=counted.weight_bytes(quantization, value_bytes),
        cache=prompts + counted.rows * counted.answer * a_token,
        activations=counted.held - prompts + more.get(quantization, 0),
    )


def _fed_at_once(shape: Shape, questions: int, device: str) -> tuple[int, int]:
    """How many rows the cache has, and how many tokens each row has."""
    prompt = shape.image_tokens + PROMPT_TOKENS
    if not shape.attends_both_ways:
        return 1, prompt + questions * QUESTION_TOKENS
    whole = shape.image_tokens + QUESTION_TOKENS
    most = MOST_TOKENS.get(device, MOST_TOKENS["cpu"])
    return min(questions, max(1, most // whole)), whole


def _language_values(shape: Shape, rows: int, tokens: int) -> float:
    """How many numbers are held at once while prompts are fed, without the cache."""
    layer = rows * tokens * (4 * shape.hidden + 3 * shape.intermediate)
    repeated = 2 * rows * tokens * shape.heads * shape.head_size
    features = shape.image_tokens * shape.hidden
    logits = 3 * rows * shape.vocabulary
    return max(layer, repeated) + features + logits
