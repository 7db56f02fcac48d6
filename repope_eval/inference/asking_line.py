"""How the asking went, in a line."""

from collections.abc import Mapping, Sequence
from typing import Any

from repope_eval.quantities import duration_text, memory_text
from repope_eval.wording import counted


def asking_line(ranks: Sequence[Mapping[str, Any]], all_images: int | None) -> str:
    """How many questions in what time, and how long the whole benchmark would take where `limit` left some out.

    Args:
        ranks: what a manifest says of how each rank went; empty of one that had nothing to ask.
        all_images: of the whole benchmark; None where nothing was left out.

    An image is most of the work, whatever the number of its questions: so the images are what it is computed by.
    """
    asked = [facts for facts in ranks if facts.get("images")]
    images, questions = (sum(facts[name] for facts in asked) for name in ("images", "questions"))
    seconds = max((facts["seconds"] for facts in asked), default=0.0)
    if not seconds:
        return "nothing was asked"
    peaks = [facts["peak_memory_bytes"] for facts in asked]
    memory = "" if None in peaks else f", peak memory {memory_text(sum(peaks))}"
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
