"""How much memory a run needs, by the formula and as measured, family by family.

    python perf/memory.py [--family internvl2_5_qwen2] [--shape 1b --device cuda --dtype bfloat16]

One image and its questions, answered in a process of its own for each family. `measured` is the most that is held
meanwhile: by the whole process on a CPU; in tensors on a GPU, where the program's own share is left out of the
formula too. `formula` is `repope_eval.machine.memory_need`. What `doctor` says fits rests on it: it is to be no less
than what is measured, and not much more.
"""

import ctypes
import gc
import multiprocessing
import sys
from argparse import Namespace
from concurrent.futures import ProcessPoolExecutor

import torch
from command_line import make_model, parser, print_machine
from drawn_images import draw_images, pope_questions
from gauges import forget_peak, peak_gigabytes, print_table
from random_checkpoints import kinds_of

from repope_eval.asking.native.generation import find_spellings
from repope_eval.asking.native.shared import generate_shared
from repope_eval.machine.counting import shape_of
from repope_eval.machine.memory_need import PROGRAM, MemoryNeed, memory_need
from repope_eval.models.loading import Model

HEADINGS = (
    "family",
    "weights GB",
    "cache GB",
    "activations GB",
    "formula GB",
    "measured GB",
    "formula over measured",
)


def main() -> None:
    options = parser(__doc__, images=1).parse_args()
    print_machine(options, [f"1 image of 640x480, {options.questions} questions"])
    rows = []
    for kind in kinds_of(options.shape, options.family):
        with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
            rows.append(pool.submit(_row, options, kind).result())
    print_table(HEADINGS, rows)


def _row(options: Namespace, kind: str) -> list[str]:
    model = make_model(options, kind)
    need = memory_need(
        shape_of(model.recipe),
        quantization=options.quantization,
        value_bytes=model.dtype.itemsize,
        questions=options.questions,
        device=model.device.type,
    )
    formula = measurable(need, model.device)
    measured = measure_gigabytes(model, options.questions, options.max_new_tokens) * 1e9
    values = (need.weights, need.cache, need.activations, formula, measured)
    return [kind, *(f"{value / 1e9:.3f}" for value in values), f"{formula / measured:.2f}"]


def measurable(need: MemoryNeed, device: torch.device) -> float:
    """The bytes of a need that show where memory is measured: on a GPU in tensors, without the program's own."""
    return need.total - (0 if device.type == "cpu" else PROGRAM)


def measure_gigabytes(model: Model, questions: int, max_new_tokens: int) -> float:
    """The most that is held while one image's questions are answered."""
    image, texts = draw_images(1)[0], pope_questions(questions)
    prepared = model.recipe.prepare(image, texts).cast(model.dtype)
    spellings = find_spellings(model.recipe)
    _give_back()
    forget_peak(model.device)
    generate_shared(model, [prepared], max_new_tokens, spellings)
    return peak_gigabytes(model.device)


def _give_back() -> None:
    """Gives memory that is no longer used back to the system, so that it is not counted as held."""
    gc.collect()
    if sys.platform == "linux":
        ctypes.CDLL("libc.so.6").malloc_trim(0)


if __name__ == "__main__":
    main()
