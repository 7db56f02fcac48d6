"""Weights in 8 and in 4 bits: loaded, asked, and the memory they take."""

import gc
from collections.abc import Iterator, Mapping

import torch
from gauges import timed
from memory import measure_gigabytes
from random_checkpoints import random_model

from gpu_checks.asking import ask_demo, demo_model
from gpu_checks.rows import Row, count_equal, until_error
from gpu_checks.scale import QUESTIONS, scale_for
from repope_eval.asking.native.memory import give_back
from repope_eval.machine.counting import shape_of
from repope_eval.machine.memory_need import ANSWER_TOKENS
from repope_eval.records import Question
from repope_eval.wording import memory_text

WAYS = ("int8", "nf4")


def quantization(device: torch.device) -> Iterator[Row]:
    """The demo's checkpoint loaded each way, then the largest model with random weights."""
    plain = ask_demo(demo_model(device, "bfloat16")).answers
    for way in WAYS:
        yield from until_error(way, _demo_rows(device, way, plain))
    for way in ("none", *WAYS):
        yield from until_error(way, _memory_rows(device, way))


def _demo_rows(device: torch.device, way: str, plain: Mapping[Question, str]) -> Iterator[Row]:
    answers = ask_demo(demo_model(device, "bfloat16", way)).answers
    equal = count_equal(answers, plain)
    yield Row(f"the demo's trained model, {way}", f"{equal} of {len(plain)} answers as in bfloat16")


def _memory_rows(device: torch.device, way: str) -> Iterator[Row]:
    """What the weights take by counting and by the formula, and the peak while one image is asked about."""
    kind, shape = scale_for(device).models[-1]
    model, seconds = timed(device, lambda: random_model(kind, shape, device, torch.bfloat16, way))
    gc.collect()
    give_back(device)
    if device.type == "cuda":
        held = torch.cuda.memory_allocated(device)
    else:
        held = model.network.get_memory_footprint()
    formula = shape_of(model.recipe).weight_bytes(way)
    peak = measure_gigabytes(model, QUESTIONS, ANSWER_TOKENS)
    yield Row(
        f"{kind} {shape}, {'bfloat16' if way == 'none' else way}",
        f"weights {memory_text(held)}, by the formula {memory_text(formula)}; peak while asking "
        f"{memory_text(peak * 1e9)}; made in {seconds:.1f} s",
    )
