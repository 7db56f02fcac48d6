"""What the answers of two runs may depend on, side by side: what is the same, what differs, what nobody knows."""

from collections.abc import Mapping
from pathlib import Path

from repope_eval.leaderboard.finished_runs import NOT_SET, FoundRun
from repope_eval.reporting.comparison_view import SettingGroup, SettingPair
from repope_eval.runs.layout import MANIFEST
from repope_eval.runs.manifest_form import CHECKPOINT_FILES, read_manifest

Facts = Mapping[str, str]
"""What is known of a run, by dotted key."""

GROUPS: Mapping[str, tuple[bool, tuple[str, ...]]] = {
    "prompt": (
        True,
        ("prompt", "model.prompt", "model.system_prompt", "model.question_suffix", "model.chat_template"),
    ),
    "pixels": (
        True,
        ("model.max_tiles", "model.min_pixels", "model.max_pixels", "model.image_format", "model.max_side"),
    ),
    "checkpoint": (True, ("model.checkpoint", "model.revision", "model.family", CHECKPOINT_FILES)),
    "number format": (True, ("model.dtype", "model.quantization")),
    "longest answer": (True, ("model.max_new_tokens",)),
    "engine": (
        False,
        ("engine", "batch_size", "model.attn_implementation", "model.device_map", "model.url"),
    ),
    "hardware": (False, ("device", "device.")),
    "versions": (False, ("versions.",)),
}
"""For each cause of other answers: whether it can change what a model says, or only answers that hang by a rounding;
and the keys of the facts that say it. A key that ends with a dot stands for all that begin so."""


def facts_of(run: FoundRun, folder: Path) -> Facts | None:
    """What the answers of a run may depend on; None where they came from elsewhere, with nothing known of it."""
    if "answers" in run.facts:
        return None
    manifest = read_manifest(folder / MANIFEST)
    facts = dict(run.facts)
    if manifest.get("prompt"):
        facts["prompt"] = manifest["prompt"]
    files = manifest.get(CHECKPOINT_FILES, {})
    if files:
        facts[CHECKPOINT_FILES] = ", ".join(f"{name} ({digest[:15]})" for name, digest in files.items())
    return facts


def compared_settings(a: Facts | None, b: Facts | None) -> tuple[SettingGroup, ...]:
    """What answers depend on, group by group, the likelier causes first."""
    return tuple(
        _group(name, changes_answers, keys, a or {}, b or {}, is_known=a is not None and b is not None)
        for name, (changes_answers, keys) in GROUPS.items()
    )


def _group(
    name: str, changes_answers: bool, keys: tuple[str, ...], a: Facts, b: Facts, *, is_known: bool
) -> SettingGroup:
    found = [
        key
        for key in dict.fromkeys((*a, *b))
        if any(key == wanted or (wanted.endswith(".") and key.startswith(wanted)) for wanted in keys)
    ]
    pairs = [SettingPair(key=key, a=a.get(key, NOT_SET), b=b.get(key, NOT_SET)) for key in found]
    return SettingGroup(
        name=name,
        is_known=is_known and bool(found),
        changes_answers=changes_answers,
        pairs=tuple(pair for pair in pairs if is_known and pair.a != pair.b),
    )
