"""cuDNN's attention kernel against the others that torch has for CUDA."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import count
from statistics import median

import torch
from drawn_images import draw_images, pope_questions
from gauges import timed
from PIL import Image
from random_checkpoints import random_model

from gpu_checks.rows import NOT_HERE, Row, count_equal
from gpu_checks.scale import QUESTIONS, scale_for
from repope_eval.asking.native.generation import find_spellings
from repope_eval.asking.native.shared import generate_shared
from repope_eval.machine.memory_need import ANSWER_TOKENS
from repope_eval.models.loading import Model
from repope_eval.models.recipe import Prepared
from repope_eval.settings.config import Attention
from repope_eval.wording import counted

Tokens = dict[tuple[int, int], tuple[int, ...]]
"""The tokens of each answer by the indexes of image and question."""


@dataclass(slots=True)
class _Kernel:
    """A choice of kernels, and what was measured with it."""

    name: str
    attention: Attention
    new_shapes: list[float] = field(default_factory=list)
    """How many seconds longer the first batch of a new shape took than the next one of that shape."""
    seconds: list[float] = field(default_factory=list)
    """What a batch took whose shape was not new."""
    answers: Tokens = field(default_factory=dict)


def kernels(device: torch.device) -> Iterator[Row]:
    """The same batch by each kernel, and what a batch of a new shape costs.

    Each batch of a new shape has its own number of questions, so that no kernel meets a shape that another prepared.
    """
    scale = scale_for(device)
    kind, shape = scale.models[0]
    model = random_model(kind, shape, device, torch.bfloat16)
    images = draw_images(scale.batch)
    measured = _kernels(device)
    whole = _batch(model, images, QUESTIONS)
    _answers(model, whole)  # what is set up once is in nobody's time
    fewer_questions = count(QUESTIONS - 1, -1)
    for _ in range(scale.turns):
        for kernel in measured:
            asked = replace(model, attention=kernel.attention)
            _measure(kernel, asked, _batch(model, images, next(fewer_questions)), whole)
    for kernel in measured:
        yield Row(
            f"{kernel.name}: {kind} {shape}, {counted(len(images), 'image')}",
            f"{median(kernel.seconds):.3f} s a batch; the first batch of a new shape takes "
            f"{median(kernel.new_shapes):+.3f} s",
        )
    if len(measured) == 1:
        yield Row("cuDNN's kernel allowed", NOT_HERE)
    else:
        equal = count_equal(measured[0].answers, measured[1].answers)
        yield Row("answers with and without cuDNN's kernel", f"{equal} of {len(measured[0].answers)} equal")


def _kernels(device: torch.device) -> list[_Kernel]:
    """The choices there are; with `sdpa_cudnn` it is still torch's whether it takes cuDNN's."""
    others = _Kernel("the other kernels alone", "sdpa")
    cudnn = _Kernel("cuDNN's kernel allowed", "sdpa_cudnn")
    return [cudnn, others] if device.type == "cuda" else [others]


def _measure(kernel: _Kernel, model: Model, new: Sequence[Prepared], whole: Sequence[Prepared]) -> None:
    """Times a batch of a new shape twice, and the whole batch, which the kernel has met, once."""
    first, later = (timed(model.device, partial(_answers, model, new))[1] for _ in range(2))
    kernel.new_shapes.append(first - later)
    kernel.answers = _answers(model, whole)
    kernel.seconds.append(timed(model.device, partial(_answers, model, whole))[1])


def _batch(model: Model, images: Sequence[Image.Image], questions: int) -> list[Prepared]:
    texts = pope_questions(questions)
    return [model.recipe.prepare(image, texts).cast(model.dtype) for image in images]


def _answers(model: Model, batch: Sequence[Prepared]) -> Tokens:
    generated = generate_shared(model, batch, ANSWER_TOKENS, find_spellings(model.recipe))
    return {
        (image, question): generation.token_ids
        for image, generations in enumerate(generated)
        for question, generation in enumerate(generations)
    }
