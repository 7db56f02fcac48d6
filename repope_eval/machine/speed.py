"""How long a run takes on a known GPU, estimated from the model's shape and the GPU's data sheet; nothing is measured.

The device computes what it is fed, and reads the weights of the language model and the cache once for each further
token of the answers (a step of decoding). The host launches the kernels of each layer one by one, and waits for the
device once a token. Other processes prepare images meanwhile. So prefill and decoding each take the longer of the
device's time and the host's, and the run takes their sum, or the time of preparing images where that is longer.

Left out are what a start takes (loading weights, the check of the first image), scoring, and how images differ: each
is taken for a photograph of 640x480 pixels.
"""

import math
import re
from dataclasses import dataclass
from typing import Literal

from repope_eval.asking.native.batch_size import MOST, MOST_QUESTIONS, MOST_TOKENS, SHARE
from repope_eval.benchmarks.benchmark import BenchmarkSize
from repope_eval.errors import RepopeError
from repope_eval.machine.memory_need import (
    ANSWER_TOKENS,
    BYTES_PER_QUANTIZED,
    PROGRAM,
    QUESTION_TOKENS,
    QUESTIONS,
    MemoryNeed,
    Rehearsed,
    Shape,
    memory_need,
    shared_operations,
)
from repope_eval.wording import shown_word

GPU_GIGABYTE = 0.98 * 2**30
"""Bytes that a program has of each gigabyte of a GPU: it is a power of two, and the driver keeps a little."""


@dataclass(frozen=True, slots=True)
class Card:
    """What a data sheet says of a GPU."""

    name: str
    """Words that are all in the name that the driver gives it."""
    flops_16bit: float
    """Floating-point operations a second in 16 bits with sums in 32, without sparsity."""
    bytes_per_second: float
    """How many bytes of its memory it reads in a second."""
    memory: float
    """How many bytes of memory a program has on it."""
    has_bfloat16: bool = True


def _card(
    name: str, teraflops: float, terabytes_per_second: float, gigabytes: float, *, has_bfloat16: bool = True
) -> Card:
    rates = teraflops * 1e12, terabytes_per_second * 1e12
    return Card(name, *rates, gigabytes * GPU_GIGABYTE, has_bfloat16)


CARDS = (
    _card("B200", 2250, 8.0, 180),
    _card("GH200", 989, 4.0, 96),
    _card("H200 NVL", 835, 4.8, 141),
    _card("H200", 989, 4.8, 141),
    _card("H100 NVL", 835, 3.9, 94),
    _card("H100 PCIe", 756, 2.0, 80),
    _card("H100", 989, 3.35, 80),
    _card("A100 80GB PCIe", 312, 1.935, 80),
    _card("A100 80GB", 312, 2.039, 80),
    _card("A100", 312, 1.555, 40),
    _card("A30", 165, 0.933, 24),
    _card("L40S", 362, 0.864, 48),
    _card("L4", 121, 0.3, 24),
    _card("RTX A6000", 155, 0.768, 48),
    _card("RTX 4090", 165, 1.008, 24),
    _card("RTX 3090", 71, 0.936, 24),
    _card("V100", 125, 0.9, 32, has_bfloat16=False),
    _card("T4", 65, 0.3, 16, has_bfloat16=False),
    _card("GTX 1650", 6, 0.128, 4, has_bfloat16=False),
)
"""Cards with their TFLOP/s, TB/s and GB; the first whose words are all in a device's name is the device's.

From NVIDIA's data sheets of these products (of GeForce cards: the architectures' whitepapers, Ampere's and Ada's). H100
without a further word is the SXM module, V100 the SXM2 module. GTX 1650 has no tensor cores: its rate is twice that of
its 896 cores in 32 bits at 1.665 GHz, which NVIDIA's page of the card says.
"""

COMPUTE_SHARE = 0.4
"""The share of a card's peak that is assumed while it computes: not measured, and the same for all models."""
BANDWIDTH_SHARE = 0.6
"""The share of the memory's bandwidth that is assumed while it reads: not measured, and the same for all models."""
LAUNCH_SECONDS = 10e-6
"""What the host is assumed to take to launch a kernel, with Python, torch and the driver: not measured on any GPU."""
LAUNCHES_A_LAYER = 45
"""Kernels of a layer: counted for InternVL2.5-1B and -8B (perf/decoding.py), assumed for other models."""
PREPARING_SECONDS = 0.04
"""Seconds in which a core makes an image ready: assumed, and the same for all models. On a core with other work at the
same time it took 0.01 (PaliGemma) to 0.06 (InternVL2.5, 11 tiles) from file to pixels (perf/RESULTS.md)."""
MOST_WORKERS = 32
"""The most processes that prepare images under `workers=auto`: as many as `asking.native.loader` has images ahead."""
PREFILL_PASSES = 3
"""How often a batch goes through layers before its first tokens: images, what prompts share, and questions.

Each counts as many layers as the language model has. Of a rehearsed model the kernels themselves are counted.
"""
SENTENCE_TOKENS = 30
"""Tokens of an answer in a sentence, as some chat models give it: assumed."""

Binding = Literal["compute", "memory bandwidth", "kernel launches", "image preparation"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeedEstimate:
    """The estimated seconds of a run, by what they are spent on; what goes on at the same time overlaps."""

    seconds_prefill: float
    """How long the device computes images, prompts and answers."""
    seconds_decoding: float
    """How long the device reads weights and cache for the further tokens of answers."""
    seconds_launching_prefill: float
    """How long the host launches the kernels of prefill."""
    seconds_launching_decoding: float
    """How long the host launches the kernels of decoding."""
    seconds_preparing: float
    """How long other processes prepare the images."""

    @property
    def seconds_host(self) -> float:
        """How long the host launches kernels."""
        return self.seconds_launching_prefill + self.seconds_launching_decoding

    @property
    def seconds(self) -> float:
        """How long the whole asking takes."""
        return max(sum(self._asking().values()), self.seconds_preparing)

    @property
    def binds(self) -> Binding:
        """What takes most of the time."""
        parts = self._asking()
        if self.seconds_preparing > sum(parts.values()):
            return "image preparation"
        return max(parts, key=lambda part: parts[part])

    def _asking(self) -> dict[Binding, float]:
        """The seconds of prefill and of decoding, by what each of the two waits for."""
        prefill = self.seconds_prefill, self.seconds_launching_prefill
        decoding = self.seconds_decoding, self.seconds_launching_decoding
        return {
            "compute": prefill[0] if prefill[0] >= prefill[1] else 0.0,
            "memory bandwidth": decoding[0] if decoding[0] >= decoding[1] else 0.0,
            "kernel launches": sum(host for device, host in (prefill, decoding) if host > device),
        }


def card_of(name: str) -> Card | None:
    """The card of that name; None of an unknown card, or of a part of a card (MIG).

    Args:
        name: as the driver says it, such as `NVIDIA H100 80GB HBM3`, or a card's own name, such as `h100_pcie`.
    """
    words = set(re.findall(r"[A-Z0-9]+", name.upper()))
    if "MIG" in words:
        return None
    return next((card for card in CARDS if words >= set(card.name.upper().split())), None)


def named_card(name: str) -> Card:
    """The card that a setting names.

    Raises:
        RepopeError: no card here has that name.
    """
    card = card_of(name)
    if card is None:
        known = ", ".join(card.name.replace(" ", "_") for card in CARDS)
        raise RepopeError(f"gpu={shown_word(name)}: no such card; there are {known}")
    return card


def assumptions(card: Card, workers: int) -> str:
    """What estimates for a card rest on besides the length of answers, as the end of a sentence."""
    return (
        f"they assume {100 * COMPUTE_SHARE:.0f} % of the {card.flops_16bit / 1e12:g} TFLOP/s and "
        f"{100 * BANDWIDTH_SHARE:.0f} % of the {card.bytes_per_second / 1e12:g} TB/s of the data sheet, "
        f"{LAUNCH_SECONDS * 1e6:g} us a kernel on the host, and {PREPARING_SECONDS:g} s for an image to be "
        f"prepared, {workers} at a time; loading is left out"
    )


def automatic_workers(cores: int) -> int:
    """How many processes prepare images beside a GPU where nothing is said: one core is left to the loop."""
    return max(1, min(cores - 1, MOST_WORKERS))


def estimate_speed(
    model: Shape | Rehearsed,
    size: BenchmarkSize,
    card: Card,
    *,
    workers: int,
    answer_tokens: float = ANSWER_TOKENS,
    quantization: str = "none",
    value_bytes: int = 2,
    images_at_once: int | None = None,
) -> SpeedEstimate | None:
    """How long one GPU takes to answer a benchmark's questions by the shared engine.

    Args:
        model: its shape, or what was counted while it was rehearsed.
        size: how many images and distinct questions there are.
        card: the GPU.
        workers: processes that prepare images.
        answer_tokens: of an answer.
        quantization: none, int8 or nf4. It shrinks what is read; that it also takes time is left out.
        value_bytes: of a number in the run's format.
        images_at_once: images of a batch; None: as many as the memory holds.

    Returns:
        None where the model's operations were not counted.
    """
    questions = size.questions / size.images
    operations = shared_operations(model, questions, answer_tokens)
    if not operations:
        return None
    need = memory_need(
        model, quantization=quantization, value_bytes=value_bytes, questions=max(1, round(questions))
    )
    at_once = images_at_once or _images_that_fit(model, need, questions, card)
    batches = math.ceil(size.images / at_once)
    steps = batches * _feedings(model, questions) * max(0.0, answer_tokens - 1)
    # A chat model's prefixes are fed together only where they are of one shape: here, one by one.
    fed = (size.images if isinstance(model, Rehearsed) else batches) * _feedings(model, questions)
    weights = model.quantizable * BYTES_PER_QUANTIZED.get(quantization, value_bytes)
    return SpeedEstimate(
        seconds_prefill=size.images * operations / (card.flops_16bit * COMPUTE_SHARE),
        seconds_decoding=steps * (weights + at_once * need.cache) / (card.bytes_per_second * BANDWIDTH_SHARE),
        seconds_launching_prefill=fed * _prefill_launches(model) * LAUNCH_SECONDS,
        seconds_launching_decoding=steps * _step_launches(model) * LAUNCH_SECONDS,
        seconds_preparing=size.images * PREPARING_SECONDS / max(1, workers),
    )


def _images_that_fit(model: Shape | Rehearsed, need: MemoryNeed, questions: float, card: Card) -> int:
    """The images of a batch under `batch_size=auto`: one where each question is asked alone."""
    if isinstance(model, Rehearsed) and model.rows == 1:
        return 1
    most = max(MOST["cuda"], MOST_QUESTIONS["cuda"] / questions)
    if isinstance(model, Shape) and model.attends_both_ways:
        most = min(most, MOST_TOKENS["cuda"] / (questions * (model.image_tokens + QUESTION_TOKENS)))
    free = card.memory - need.weights - PROGRAM
    return max(1, int(min(most, SHARE * free / (need.cache + need.activations))))


def _feedings(model: Shape | Rehearsed, questions: float) -> float:
    """How often a batch is fed: once, or once for each question where a model is asked them one by one."""
    return questions if isinstance(model, Rehearsed) and model.rows == 1 else 1


def _step_launches(model: Shape | Rehearsed) -> int:
    return model.layers * LAUNCHES_A_LAYER


def _prefill_launches(model: Shape | Rehearsed) -> float:
    """The kernels that are launched before the first tokens of a batch; of a question where each is fed alone.

    Those of a rehearsed model were counted with one step of decoding.
    """
    step = _step_launches(model)
    if isinstance(model, Shape) or not model.launches:
        return PREFILL_PASSES * step
    return max(0.0, model.launches / (QUESTIONS if model.rows == 1 else 1) - step)
