"""What a run's asking was to take by estimate, noted beside what it took, where it ran on a GPU that is known."""

from collections.abc import Collection, Mapping
from typing import Any

from repope_eval.benchmarks.benchmark import BenchmarkSize
from repope_eval.errors import RepopeError
from repope_eval.machine.fits import shape_or_count
from repope_eval.machine.memory_need import ANSWER_TOKENS, value_bytes_of
from repope_eval.machine.speed import card_of, estimate_speed
from repope_eval.records import Answer
from repope_eval.runs.manifest import Manifest
from repope_eval.settings.config import RunSettings


def note_estimate(settings: RunSettings, manifest: Manifest, answers: Collection[Answer]) -> None:
    """Adds the estimate to what the manifest says of the newest asking, where there is one and it has none yet."""
    facts = manifest.facts.get("inference", {})
    if "estimate" in facts:
        return
    newest = manifest.facts.get("starts", [])[-1:]
    device = newest[0].get("device", {}) if newest else {}
    if estimate := estimate_asking(settings, facts, device, answers):
        manifest.note(inference={**facts, "estimate": estimate})


def estimate_asking(
    settings: RunSettings,
    facts: Mapping[str, Any],
    device: Mapping[str, Any],
    answers: Collection[Answer],
) -> dict[str, Any] | None:
    """The estimate for one asking, with the lengths of the answers that it brought.

    Args:
        facts: what the manifest says of the asking.
        device: what it says of the device.
        answers: of the run.

    Returns:
        The card's name, the seconds, and what binds; None on any other device than one known GPU, by another engine
        than the shared one, where other benchmarks were asked at the same time, or where the model cannot be counted.
    """
    card = card_of(device.get("gpu") or "")
    if (
        card is None
        or facts.get("engine") != "shared"
        or settings.model.device_map is not None
        or "asked_with" in facts
        or not facts.get("images")
    ):
        return None
    try:
        counted = shape_or_count(settings.model)
    except RepopeError:
        return None
    estimate = estimate_speed(
        counted,
        BenchmarkSize(facts["images"], facts["questions"]),
        card,
        workers=facts["workers"],
        answer_tokens=_longest_answer(answers),
        quantization=settings.model.quantization,
        value_bytes=value_bytes_of(settings.model),
        images_at_once=facts.get("batch_size"),
    )
    if estimate is None:
        return None
    return {"card": card.name, "seconds": round(estimate.seconds, 1), "binds": estimate.binds}


def _longest_answer(answers: Collection[Answer]) -> float:
    """The tokens of the longest answer about an image, on average: a batch is decoded until its last answer ends."""
    longest: dict[str, int] = {}
    for answer in answers:
        image, tokens = answer.question.image, answer.n_tokens or ANSWER_TOKENS
        longest[image] = max(tokens, longest.get(image, 0))
    return sum(longest.values()) / len(longest) if longest else ANSWER_TOKENS
