"""What the answers of two runs may depend on, side by side: what is the same, what differs, what nobody knows."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from repope_eval.leaderboard.finished_runs import NOT_SET, FoundRun
from repope_eval.reporting.comparison_view import SettingGroup, SettingPair
from repope_eval.runs.differences import in_words
from repope_eval.runs.folder import picture_hashes
from repope_eval.runs.layout import MANIFEST
from repope_eval.runs.manifest_form import CHECKPOINT_FILES, read_manifest
from repope_eval.wording import counted


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What is known of how the answers of a run came about."""

    values: Mapping[str, str]
    """The settings and facts as texts, by their dotted keys such as `model.dtype`."""
    pictures: Mapping[str, str]
    """SHA-256 of each picture that was asked about, by name; empty where nothing is noted."""


PICTURES = "pictures"
"""Stands among the keys for the picture files themselves."""

GROUPS: Mapping[str, tuple[bool, tuple[str, ...]]] = {
    "prompt": (
        True,
        ("prompt", "model.prompt", "model.system_prompt", "model.question_suffix", "model.chat_template"),
    ),
    "pixels": (
        True,
        (
            PICTURES,
            "model.max_tiles",
            "model.min_pixels",
            "model.max_pixels",
            "model.image_format",
            "model.max_side",
        ),
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
    values = dict(run.facts)
    if manifest.get("prompt"):
        values["prompt"] = manifest["prompt"]
    files = manifest.get(CHECKPOINT_FILES, {})
    if files:
        values[CHECKPOINT_FILES] = ", ".join(f"{name} ({digest[:15]})" for name, digest in files.items())
    return Facts(values=values, pictures=picture_hashes(folder))


def compared_settings(a: Facts | None, b: Facts | None) -> tuple[SettingGroup, ...]:
    """What answers depend on, group by group, the likelier causes first; unknown where it is of one of the two."""
    return tuple(
        SettingGroup(name=name, is_known=False, changes_answers=changes_answers, pairs=())
        if a is None or b is None
        else _group(name, changes_answers, keys, a, b)
        for name, (changes_answers, keys) in GROUPS.items()
    )


def _group(name: str, changes_answers: bool, keys: tuple[str, ...], a: Facts, b: Facts) -> SettingGroup:
    found = [
        key
        for key in dict.fromkeys((*a.values, *b.values))
        if any(key == wanted or (wanted.endswith(".") and key.startswith(wanted)) for wanted in keys)
    ]
    pairs = [
        SettingPair(key=key, a=a.values.get(key, NOT_SET), b=b.values.get(key, NOT_SET)) for key in found
    ]
    if PICTURES in keys:
        pairs += _pictures(a.pictures, b.pictures)
    return SettingGroup(
        name=name,
        is_known=bool(pairs),
        changes_answers=changes_answers,
        pairs=tuple(pair for pair in pairs if pair.a != pair.b),
    )


def _pictures(a: Mapping[str, str], b: Mapping[str, str]) -> list[SettingPair]:
    """The first picture that both were asked about and whose file differs, and how many there are."""
    shared = [name for name in a if name in b]
    differing = [name for name in shared if a[name] != b[name]]
    if not differing:
        return []
    key = f"{len(differing):,} of {counted(len(shared), 'picture', ',')}, first {differing[0]}"
    return [
        SettingPair(key=key, a=in_words(f"sha256:{a[differing[0]]}"), b=in_words(f"sha256:{b[differing[0]]}"))
    ]
