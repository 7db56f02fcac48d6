"""Asks by transformers' own `generate`: ask after ask, or all distinct questions of an image in one batch."""

from collections.abc import Sequence
from itertools import groupby
from typing import Any

import torch
from peer_job import Ask, Job, Stopwatch, read_job, write_report
from PIL import Image
from transformers import AutoModelForImageTextToText, AutoProcessor


def main() -> None:
    job = read_job()
    processor = AutoProcessor.from_pretrained(job.checkpoint)
    processor.tokenizer.padding_side = "left"
    model = AutoModelForImageTextToText.from_pretrained(job.checkpoint, dtype=torch.float32).to(job.device)
    model.eval()
    asked = job.distinct() if job.way == "batches" else job.asks
    stopwatch = Stopwatch()
    responses: list[str] = []
    with stopwatch.running(), torch.inference_mode():
        for batch in _batches(job):
            responses += _generate(model, processor, batch, job)
    write_report(job, asked, responses, stopwatch, ("transformers", "torch"))


def _batches(job: Job) -> list[list[Ask]]:
    if job.way == "batches":
        return [list(of_image) for _, of_image in groupby(job.distinct(), key=lambda ask: ask.image)]
    return [[ask] for ask in job.asks]


def _generate(model: Any, processor: Any, batch: Sequence[Ask], job: Job) -> list[str]:
    """The responses to a batch of asks about one image."""
    image = Image.open(batch[0].image).convert("RGB")
    inputs = processor(
        images=[image] * len(batch),
        text=[ask.prompt for ask in batch],
        padding=True,
        return_tensors="pt",
    ).to(job.device)
    tokens = model.generate(**inputs, max_new_tokens=job.max_new_tokens, do_sample=False)
    answers = tokens[:, inputs["input_ids"].shape[1] :]
    decoded: list[str] = processor.batch_decode(answers, skip_special_tokens=True)
    return decoded


if __name__ == "__main__":
    main()
