"""How fast a device answers, how much of its peak that is, and how much memory it takes."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from drawn_images import SIZES, write_files
from gauges import matrix_product_flops
from memory import measurable, measure_gigabytes
from random_checkpoints import random_model

from gpu_checks.asking import Asked, ask
from gpu_checks.rows import Row, until_error
from gpu_checks.scale import QUESTIONS, scale_for
from repope_eval.benchmarks.benchmark import BenchmarkSize
from repope_eval.benchmarks.images import image_size
from repope_eval.machine.counting import shape_of
from repope_eval.machine.memory_need import ANSWER_TOKENS, memory_need, shared_operations
from repope_eval.machine.speed import Card, card_of, estimate_speed
from repope_eval.models.loading import Model
from repope_eval.wording import memory_text

DRAWN = 100
"""How many different images are drawn; where more are asked about, files are asked about under several names."""


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
    yield _estimate_row(name, model, asked, len(images))
    yield _memory_row(name, model)


def _estimate_row(name: str, model: Model, asked: Asked, images: int) -> Row:
    """The seconds that were measured, and those estimated as `doctor` does."""
    card = card_here(model.device)
    estimate = card and estimate_speed(
        shape_of(model.recipe),
        BenchmarkSize(images, len(asked.answers)),
        card,
        workers=asked.facts["workers"],
        value_bytes=model.dtype.itemsize,
        images_at_once=asked.facts["batch_size"],
    )
    if not card or not estimate:
        return Row(f"{name}: against the estimate", "no data sheet of this device is known")
    return Row(
        f"{name}: against the estimate",
        f"{asked.seconds:.1f} s, where {estimate.seconds:.1f} s were estimated for {card.name}, bound by "
        f"{estimate.binds}: {asked.seconds / estimate.seconds:.2f} times that",
    )


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
    card = card_here(model.device)
    if card is None:
        return f"{found}; unknown card"
    return f"{found}; {rate / card.flops_16bit:.0%} of the data sheet's {card.flops_16bit / 1e12:g}"


def card_here(device: torch.device) -> Card | None:
    """The data sheet of the device; None of a card that is not known, and of a CPU."""
    return card_of(torch.cuda.get_device_name(device)) if device.type == "cuda" else None


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
