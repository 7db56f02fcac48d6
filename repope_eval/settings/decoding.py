"""How a model is asked to decode, in words: what run pages, leaderboards, comparisons and exports say of it."""

from collections.abc import Mapping
from typing import Any

from repope_eval.settings.askers import SERVER

GREEDY = "greedy"
"""What decoding is called that takes the likeliest token each time."""

DECODING_KEYS = ("model.temperature", "model.top_p", "model.seed", "repeats")
"""The settings that say it."""
DECODING = "decoding"
"""The key of the words that stand in their place where runs are compared."""


def decoding_of(settings: Mapping[str, Any]) -> str:
    """How a model is asked to decode: `greedy`, or `sampled, T 0.7, top-p 0.9, seed 0, 3 draws`.

    Args:
        settings: of a run, in the form in which files hold them; those that are missing are at their defaults.
    """
    model = settings["model"]
    if not model.get("temperature"):
        # A server is asked for the likeliest token by that, and need not know another word for it.
        return "temperature 0" if model.get("family") == SERVER else GREEDY
    top_p, repeats = model.get("top_p", 1), settings.get("repeats", 1)
    return ", ".join(
        [
            f"sampled, T {model['temperature']:g}",
            *([f"top-p {top_p:g}"] if top_p < 1 else []),
            f"seed {model.get('seed', 0)}",
            f"{repeats} draws" if repeats > 1 else "a single draw",
        ]
    )
