"""How much memory and how many operations a run needs, computed from a model's shape.

The shapes of the shipped checkpoints are in `published_shapes.csv`, so that they are known without a download and
without torch. `counting.shape_of` makes a row of it from a checkpoint's `config.json` (perf/published_shapes.py).

A formula over a model's shape, so that what fits is known before anything is downloaded. `perf/memory.py` holds
it against what is measured. For a chat model, whose class may do anything, what was counted without weights is
added up instead. No table could hold the needs themselves: they follow from quantization, number format, device, and
how many questions an image has.

A product of a matrix with a token is two operations a weight; attention of a token to a context of n tokens is
4 n times the heads' width, half of it where tokens look back only. Norms, activations and embeddings are left out:
they are a hundredth of it.
"""

import csv
from dataclasses import dataclass, fields, replace
from functools import cache
from pathlib import Path
from typing import Any

from repope_eval.asking.native.batch_size import MOST_TOKENS
from repope_eval.settings.config import ModelSettings, number_format

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
        return values_a_token(self.layers, self.key_value_heads, self.head_size)


def values_a_token(layers: int, key_value_heads: int, head_size: int) -> int:
    """Numbers that a cache of keys and values holds for each token."""
    return 2 * layers * key_value_heads * head_size


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearsed(Size):
    """What was counted while a model without weights was asked about a photograph (`counting.rehearse`).

    It stands in for a shape where no formula is known for a model's class.
    """

    layers: int
    """Layers of the language model; 0 where its configuration does not say."""
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
    launches: int = 0
    """Kernels that a GPU would be launched for the image and all questions; 0 where they were not counted."""
    note: str = ""
    """What was not counted, and why; empty where all was."""


def published_shape(checkpoint: str) -> Shape | None:
    """The shape of a shipped checkpoint; None for any other."""
    return _published_shapes().get(checkpoint)


@cache
def _published_shapes() -> dict[str, Shape]:
    """The shapes in the file by checkpoint."""
    text = (Path(__file__).parent / "published_shapes.csv").read_text(encoding="utf-8")
    return {row.pop("checkpoint"): _shape_of_row(row) for row in csv.DictReader(text.splitlines())}


def _shape_of_row(row: dict[str, str]) -> Shape:
    cells = {field.name: row[field.name] for field in fields(Shape)}
    values: dict[str, Any] = {
        name: text == "yes" if text in ("yes", "no") else int(text) for name, text in cells.items()
    }
    return Shape(**values)


QUESTIONS = 12
"""The most distinct questions that POPE has about an image."""
QUESTION_TOKENS = 15
"""Tokens of a question and of what follows it in the prompt."""
PROMPT_TOKENS = 25
"""Tokens of a prompt before the image and around it."""
LONGEST_ANSWER = 64
"""The most tokens of a chat model's answer that are counted: it may be let think for thousands.

Where thoughts leave no room for all of an image's questions, fewer are asked at a time.
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


def memory_need(
    model: Shape | Rehearsed,
    *,
    quantization: str = "none",
    value_bytes: int = 2,
    questions: int = QUESTIONS,
    caption_tokens: int = 0,
    device: str = "cuda",
) -> MemoryNeed:
    """The need of a run that asks about one photograph at a time, by the formula or by what was counted.

    Args:
        model: its shape, or what was counted while it was rehearsed, in the number format of the run.
        quantization: none, int8 or nf4.
        value_bytes: of a number in the run's format: 2, or 4 in float32.
        questions: how many about the image; for a model that was rehearsed, those that were asked count.
        caption_tokens: the longest answer where images are described, which is in the cache at the end.
        device: kind of device, which bounds what is fed at a time where prompts attend both ways.
    """
    tokens = questions * caption_tokens
    if isinstance(model, Rehearsed):
        need = _rehearsed_need(model, quantization, value_bytes)
        tokens = max(0, tokens - model.rows * model.answer)  # those are in it
    else:
        need = _computed_need(model, quantization, value_bytes, *_fed_at_once(model, questions, device))
    return replace(need, cache=need.cache + tokens * model.cached_values * value_bytes)


def _computed_need(shape: Shape, quantization: str, value_bytes: int, rows: int, tokens: int) -> MemoryNeed:
    """The need by the formula, where so many rows of so many tokens each are fed at once.

    With N tokens of width h and inner width i, a layer of the language model holds about N (4 h + 3 i) numbers at
    once, or the keys and values repeated for all heads; under int8 N i numbers of four bytes besides, the whole
    products of a feed-forward network. The larger one of the vision tower (`Recipe.vision_values`) and the language
    model counts, since one comes after the other. Scores of attention where the kernel keeps them, one matrix in the
    run's format (nf4), the image's features, and the logits are added.
    """
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


def _rehearsed_need(counted: Rehearsed, quantization: str, value_bytes: int) -> MemoryNeed:
    """The need by what was counted while the model was rehearsed.

    Added to that are all tokens of answers, which are in the cache at the end; under int8 the whole products of the
    widest matrix, four bytes each; and under nf4 the largest matrix in the run's format.
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


ANSWER_TOKENS = 3
"""An answer is yes or no, a full stop, and the token that ends it."""
CAPTION_TOKENS = 120
"""Tokens of a caption, assumed: the published captions of LLaVA and MiniGPT-4 have 86 to 116 words where they were to
describe the image."""


def shared_operations(
    shape: Shape | Rehearsed, questions: float, answer_tokens: float = ANSWER_TOKENS
) -> float:
    """The operations of the shared-prefix engine: image once, its prompt's prefix once, each question on top.

    Of each token of an answer beyond `ANSWER_TOKENS`, the products with weights are counted. Where one question of a
    rehearsed model was not counted by itself, these are the operations of all that were asked then.
    """
    further = questions * max(0.0, answer_tokens - ANSWER_TOKENS) * 2 * shape.quantizable
    if isinstance(shape, Rehearsed):
        counted = shape.alone + (questions - 1) * shape.further if shape.alone else shape.operations
        return counted and counted + further
    if shape.attends_both_ways:  # what the vision tower makes is all that questions share
        return shape.vision_operations + questions * _prompt_and_answer(shape) + further
    prefix = shape.image_tokens + PROMPT_TOKENS
    prefix_once = _feeding_operations(shape, prefix, prefix / 2)
    all_questions = _feeding_operations(shape, questions * QUESTION_TOKENS, prefix)
    return (
        shape.vision_operations
        + (prefix_once + all_questions)
        + questions * _answer_operations(shape)
        + further
    )


def operations_alone(shape: Shape) -> float:
    """The operations of one question with the image encoded and the whole prompt fed for it, as in the paper's loop."""
    return shape.vision_operations + _prompt_and_answer(shape)


def _prompt_and_answer(shape: Shape) -> float:
    prompt = shape.image_tokens + PROMPT_TOKENS + QUESTION_TOKENS
    context = prompt if shape.attends_both_ways else prompt / 2
    return _feeding_operations(shape, prompt, context) + _answer_operations(shape)


def _feeding_operations(shape: Shape, tokens: float, context: float) -> float:
    """The operations of so many tokens through the language model, each with so many others to look at on average."""
    attention = 4 * context * shape.heads * shape.head_size
    return tokens * (2 * shape.quantizable + shape.layers * attention)


def _answer_operations(shape: Shape) -> float:
    """The operations of an answer: the head for each of its tokens, and the layers for each but the last."""
    head = 2 * shape.vocabulary * shape.hidden
    return ANSWER_TOKENS * head + _feeding_operations(
        shape, ANSWER_TOKENS - 1, shape.image_tokens + PROMPT_TOKENS
    )
