"""How fast a device answers, how much of its peak that is, and how much memory it takes."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from drawn_images import SIZES, write_files
from gauges import matrix_product_flops
from memory import measurable, measure_gigabytes
from random_checkpoints import random_model

from gpu_checks.asking import ask
from gpu_checks.rows import Row, until_error
from gpu_checks.scale import QUESTIONS, scale_for
from repope_eval.benchmarks.images import image_size
from repope_eval.machine.counting import shape_of
from repope_eval.machine.memory_need import ANSWER_TOKENS, memory_need, shared_operations
from repope_eval.models.loading import Model
from repope_eval.wording import memory_text

DRAWN = 100
"""How many different images are drawn; where more are asked about, files are asked about under several names."""

PEAKS = {
    "B200": 2250,
    "GH200": 989,
    "H200 NVL": 835,
    "H200": 989,
    "H100 NVL": 835,
    "H100 PCIe": 756,
    "H100": 989,
    "A100": 312,
    "A30": 165,
    "L40S": 362,
    "L4": 121,
    "RTX A6000": 155,
    "RTX 4090": 165,
    "RTX 3090": 71,
}
"""Words in a card's name -> TFLOP/s in bfloat16 without sparsity, by NVIDIA's data sheets; the first match counts."""


def speed(device: torch.device) -> Iterator[Row]:
    """Models with random weights in bfloat16, asked about images of COCO's sizes."""
    scale = scale_for(device)
    with TemporaryDirectory() as folder:
        files = write_files(min(DRAWN, scale.images), Path(folder), SIZES)
        images = {f"{index}.jpg": files[index % len(files)] for index in range(scale.images)}
        for kind, shape in scale.models:
            yield from until_error(f"{kind} {shape}", _rows(kind, shape, device, images))


def _rows(kind: str, shape: str, device: torch.device, images: Mapping[str, Path]) -> Iterator[Row]:
    name, model = f"{kind} {shape}", random_model(kind, shape, device, torch.bfloat16)
    ask(model, dict(list(images.items())[:2]))  # what is set up once is not in the time
    asked = ask(model, images)
    waited = asked.facts["seconds_waited_for_images"]
    yield Row(
        f"{name}: {len(images)} images, {QUESTIONS} questions each",
        f"{len(asked.answers) / asked.seconds:.1f} questions a second; {asked.seconds:.1f} s, of which {waited:.1f} s "
        f"({waited / asked.seconds:.0%}) waiting for images by {asked.facts['workers']} workers; batches of "
        f"{asked.facts['batch_size']}; peak {memory_text(asked.facts['peak_memory_bytes'])}",
    )
    yield Row(
        f"{name}: share of the peak", _share(model, _operations(model, images.values()) / asked.seconds)
    )
    yield _memory_row(name, model)


def _operations(model: Model, files: Iterable[Path]) -> float:
    """The floating-point operations of all answers. An image has its own number of tiles; tiles cost the same each."""
    photograph = shape_of(model.recipe)
    total = 0.0
    for file in files:
        tokens = model.recipe.count_features(*image_size(file))
        vision = photograph.vision_operations * tokens // photograph.image_tokens
        shape = replace(photograph, image_tokens=tokens, vision_operations=vision)
        total += shared_operations(shape, QUESTIONS)
    return total


def _share(model: Model, rate: float) -> str:
    """Operations a second beside the data sheet's peak, and beside a product of two large matrices."""
    product = matrix_product_flops(model.device, model.dtype)
    found = (
        f"{rate / 1e12:.3g} TFLOP/s, {rate / product:.0%} of a large matrix product's {product / 1e12:.3g}"
    )
    name = torch.cuda.get_device_name(model.device) if model.device.type == "cuda" else ""
    peak = peak_of(name)
    return (
        f"{found}; {rate / 1e12 / peak:.0%} of the data sheet's {peak}" if peak else f"{found}; unknown card"
    )


def peak_of(name: str) -> int | None:
    """The data sheet's TFLOP/s of the card of that name; None of an unknown card, or of a part of a card."""
    words = set(re.findall(r"\w+", name))
    if "MIG" in words:
        return None
    return next((peak for card, peak in PEAKS.items() if words >= set(card.split())), None)


def _memory_row(name: str, model: Model) -> Row:
    need = memory_need(
        shape_of(model.recipe),
        value_bytes=model.dtype.itemsize,
        questions=QUESTIONS,
        device=model.device.type,
    )
    formula = measurable(need, model.device) / 1e9
    measured = measure_gigabytes(model, QUESTIONS, ANSWER_TOKENS)
    found = f"peak {measured:.3f} GB; formula {formula:.3f} GB, {formula / measured:.3f} times that"
    # On a CPU the process holds what earlier stages left, too.
    return Row(
        f"{name}: memory of one image", found, measured <= formula if model.device.type == "cuda" else None
    )
