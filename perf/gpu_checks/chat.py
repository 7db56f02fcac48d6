"""`model=chat`: checkpoints asked by their own processors about several images, in float32 and in bfloat16."""

from collections.abc import Iterator
from pathlib import Path

import torch
from gauges import timed

from gpu_checks.asking import Asked, demo_files, with_questions
from gpu_checks.rows import Row, count_equal, until_error
from repope_eval.asking.loaders import load_chat_asker
from repope_eval.settings.askers import CHAT
from repope_eval.settings.config import BenchSettings, Engine, ModelSettings, NumberFormat, RunSettings
from repope_eval.system.ranks import Ranks

GOLDENS = Path(__file__).parent.parent.parent / "tests" / "goldens"

CHECKPOINTS = ("llava_onevision", "llava_next_mistral")
"""Goldens that a class of transformers loads as they are: their weights are random, their layouts those published."""

MOST_NEW_TOKENS = 8


def chat(device: torch.device) -> Iterator[Row]:
    """Both engines, which may differ in no answer in float32; in bfloat16 random weights are sure of nothing."""
    for name in CHECKPOINTS:
        yield from until_error(f"model=chat, {name}", _rows(GOLDENS / name, device))


def _rows(folder: Path, device: torch.device) -> Iterator[Row]:
    formats: tuple[NumberFormat, ...] = ("float32", "bfloat16")
    for dtype in formats:
        shared, alone = (_asked(folder, device, dtype, engine) for engine in ("shared", "sequential"))
        equal = count_equal(shared.answers, alone.answers)
        images = len({question.image for question in shared.answers})
        yield Row(
            f"model=chat, {folder.name}, {dtype}, {images} images",
            f"{equal} of {len(alone.answers)} answers as one at a time; {shared.seconds:.1f} s, one at a time "
            f"{alone.seconds:.1f} s; asked: {shared.facts['way']}",
            equal == len(alone.answers) if dtype == "float32" else None,
        )


def _asked(folder: Path, device: torch.device, dtype: NumberFormat, engine: Engine) -> Asked:
    """What a checkpoint answers, asked as a run asks by default, but unchecked."""
    model = ModelSettings(
        name=folder.name, family=CHAT, checkpoint=str(folder), dtype=dtype, max_new_tokens=MOST_NEW_TOKENS
    )
    bench = BenchSettings(name="demo", source="demo", variants=("random",))
    settings = RunSettings(model=model, bench=bench, engine=engine, verify=0, device=str(device), out="none")
    asker = load_chat_asker(settings, Ranks())
    images = asker.order_images(with_questions(demo_files(device)))
    answers, seconds = timed(device, lambda: [answer for batch in asker.ask(images) for answer in batch])
    return Asked({answer.question: answer.response for answer in answers}, asker.facts(), seconds)
