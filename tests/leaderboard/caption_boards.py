"""Leaderboards of captions, made of small runs: a dog is in every image, and some captions mention a cat."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from repope_eval.captions.truth import CaptionTruth
from repope_eval.leaderboard.caption_entries import CaptionBoard, make_caption_board
from repope_eval.records import Answer, Label, Question
from repope_eval.runs.caption_runs import CaptionRuns
from repope_eval.runs.finished_runs import FinishedRun
from repope_eval.settings.config import BenchSettings

IMAGES = [f"COCO_val2014_{number:012d}.jpg" for number in range(120)]
PROMPT = "Describe this image."
PADDING = " ".join(["very"] * 71)
"""More words than captions are cut to."""


def captions(n_wrong: int, images: list[str] = IMAGES, end: str = "a cat") -> dict[str, str]:
    """Captions of which the first so many mention a cat besides the dog."""
    return {image: f"A dog and {end}." if place < n_wrong else "A dog." for place, image in enumerate(images)}


def run_of(name: str, texts: Mapping[str, str], *, prompt: str = PROMPT, **changes: Any) -> FinishedRun:
    """A finished run with these captions by image."""
    questions = {image: Question(image, prompt, "", describes=True) for image in texts}
    values: dict[str, Any] = {
        "path": Path(name),
        "folder": name,
        "manifest": {"counts": {"questions": len(texts)}},
        "model": name,
        "bench": BenchSettings(name="chair", source="chair", variants=("describe",)),
        "hashes": {},
        "data_dir": None,
        "status": "complete",
        "answers": {question: Answer(question, texts[image]) for image, question in questions.items()},
        "limit": None,
        "facts": {"model.max_new_tokens": "64"},
        "withheld": {},
    }
    return FinishedRun(**(values | changes))


def board_of(
    *runs: FinishedRun,
    coverage: float = 1.0,
    verdicts: Mapping[str, Mapping[str, Label]] | None = None,
) -> CaptionBoard:
    truth = CaptionTruth(
        dict.fromkeys(IMAGES, frozenset({"dog"})), verdicts or {}, {"RePOPE": 1} if verdicts else {}
    )
    return make_caption_board(CaptionRuns(bench="chair", runs=runs, truth=truth, left_out=()), coverage)
