"""Models and how they are asked: through the loop over batches, as a run asks."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from gauges import timed

from demo_making.icons import KINDS
from gpu_checks.scale import QUESTIONS, scale_for
from repope_eval.asking.asker import AskedImage, group_by_image
from repope_eval.asking.native.batches import TransformersAsker
from repope_eval.benchmarks.custom import DEMO_FOLDER
from repope_eval.benchmarks.pope_file import question_text
from repope_eval.machine.memory_need import ANSWER_TOKENS
from repope_eval.models.loading import Model, load_model
from repope_eval.records import Question
from repope_eval.settings.config import Engine, ModelSettings


@dataclass(frozen=True, slots=True)
class Asked:
    """The answers of a model, and how it went."""

    answers: Mapping[Question, str]
    facts: Mapping[str, Any]
    """What a manifest would say of it."""
    seconds: float


def ask(
    model: Model,
    images: Mapping[str, Path],
    *,
    engine: Engine = "shared",
    batch_size: str = "auto",
    max_new_tokens: int = ANSWER_TOKENS,
) -> Asked:
    """Asks the same questions about each image, and loads the images meanwhile as a run does.

    Args:
        model: the model that is asked.
        images: the file of each image by its name.
        engine: the key of `ENGINES`.
        batch_size: the number of images at a time, or `auto`.
        max_new_tokens: the longest answer. Models of random weights do not stop earlier.
    """
    asker = TransformersAsker(
        model, engine=engine, batch_size=batch_size, workers="auto", max_new_tokens=max_new_tokens
    )
    asked = asker.order_images(with_questions(images))
    answers, seconds = timed(model.device, lambda: [answer for batch in asker.ask(asked) for answer in batch])
    return Asked({answer.question: answer.response for answer in answers}, asker.facts(), seconds)


def with_questions(images: Mapping[str, Path]) -> list[AskedImage]:
    """Images with the same questions about each."""
    kinds = KINDS[:QUESTIONS]
    return group_by_image(
        [Question(name, question_text(kind), kind) for name in images for kind in kinds], images
    )


def demo_model(device: torch.device, dtype: str, quantization: str = "none") -> Model:
    """The demo's trained model, loaded from its files as a run loads it."""
    settings = ModelSettings(
        name="demo",
        family="internvl2_5",
        checkpoint="demo",
        dtype=dtype,  # type: ignore[arg-type]
        quantization=quantization,  # type: ignore[arg-type]
    )
    return load_model(settings, device)


def ask_demo(model: Model, engine: Engine = "shared") -> Asked:
    """Asks the demo's model about some of the demo's images."""
    return ask(model, demo_files(model.device), engine=engine, max_new_tokens=8)


def demo_files(device: torch.device) -> dict[str, Path]:
    """The files of some of the demo's images by their names."""
    files = sorted((DEMO_FOLDER / "images").iterdir())[: scale_for(device).demo_images]
    return {file.name: file for file in files}
