"""The kinds of tiny checkpoints that every run of the tests asks, and the settings for them."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from perf.chat_families.families import FAMILIES
from repope_eval.settings.config import ModelSettings

MOST_TOKENS = 6
"""The longest answers that tests ask for."""

CHECKPOINTS: Mapping[str, Callable[[Path], None]] = {
    kind: FAMILIES[kind] for kind in ("llava", "qwen2_5_vl", "qwen3_vl_moe", "gemma3", "idefics3", "mllama")
}
"""Name of a kind -> what makes such a checkpoint in a folder."""


def chat_settings(folder: Path, **more: Any) -> ModelSettings:
    """Settings of a checkpoint in a folder."""
    settings = ModelSettings(
        name="chat", family="chat", checkpoint=str(folder), dtype="float32", max_new_tokens=MOST_TOKENS
    )
    return replace(settings, **more)
