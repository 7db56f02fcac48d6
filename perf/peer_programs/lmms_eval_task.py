"""The functions of the task that `ask_lmms_eval.py` writes: lmms-eval loads them from beside the task's file."""

from collections.abc import Mapping, Sequence
from typing import Any

from PIL import Image


def messages(row: Mapping[str, str], _: Mapping[str, str] | None = None) -> list[dict[str, Any]]:
    """The chat that asks a row's question about its image."""
    content = [{"type": "image", "url": visuals(row)[0]}, {"type": "text", "text": row["question"]}]
    return [{"role": "user", "content": content}]


def visuals(row: Mapping[str, str]) -> list[Image.Image]:
    """Returns the image that a row of the task names, in a list, since lmms-eval takes several."""
    return [Image.open(row["image"]).convert("RGB")]


def scores(row: Mapping[str, str], responses: Sequence[str]) -> dict[str, float]:
    """Whether the response is the row's answer, which lmms-eval wants of a task."""
    return {"right": float(responses[0].strip().lower() == row["answer"])}
