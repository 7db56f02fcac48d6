"""The line that says how the asking went."""

from collections.abc import Mapping, Sequence
from typing import Any

from repope_eval.quantities import duration_text, memory_text
from repope_eval.wording import counted


def asking_line(ranks: Sequence[Mapping[str, Any]], all_images: int | None) -> str:
    """How many questions were asked in what time, and how long the whole benchmark would take if `limit` left some out.

    The estimate goes by the number of images: an image is most of the work, whatever the number of its questions.

    Args:
        ranks: for each rank what a manifest says of its asking; empty for a rank that had nothing to ask.
        all_images: images of the whole benchmark; None where nothing was left out.
    """
    asked = [facts for facts in ranks if facts.get("images")]
    if not asked:
        return "nothing was asked"
    images, questions = (sum(facts[name] for facts in asked) for name in ("images", "questions"))
    seconds = max(0.001, *(facts["seconds"] for facts in asked))
    peaks = [facts["peak_memory_bytes"] for facts in asked if facts.get("peak_memory_bytes") is not None]
    memory = f", peak memory {memory_text(sum(peaks))}" if len(peaks) == len(asked) else ""
    several = f" by {len(asked)} processes" if len(asked) > 1 else ""
    line = (
        f"asked {counted(questions, 'question', ',')} about {counted(images, 'image', ',')}{several} "
        f"in {duration_text(seconds)}: "
        f"{questions / seconds:.1f} questions a second{memory}"
    )
    if all_images is None:
        return line
    whole = counted(all_images, "image", ",")
    return f"{line}; all {whole} would take about {duration_text(seconds / images * all_images)}"
