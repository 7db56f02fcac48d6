"""The kinds of the parts of a run's manifest, and reading one that may hold anything."""

from pathlib import Path
from typing import Any

from repope_eval.errors import RepopeError
from repope_eval.system.folders import require_inside
from repope_eval.system.json_files import read_json
from repope_eval.wording import shown

CHECKPOINT_FILES = "checkpoint_files"
"""The key of what stands for the content of each of the checkpoint's files, by name."""

SCORES_SHA256 = "scores_sha256"
"""The key of what stands for the content of `scores.json` as the run wrote it."""

EACH = "*"
"""Stands in a form for all parts that the form does not name."""

_TEXT, _NUMBER, _OBJECT = (str, type(None)), (int, float), (dict,)

CUT_THOUGHTS = "unanswered_in_thought"
"""The key of the number of questions that were not answered since the limit of tokens ended the model's thought."""

_START: Any = {
    "command": _TEXT,
    "started": _TEXT,
    "ended": _TEXT,
    "settings": _OBJECT,
    "versions": _OBJECT,
    "device": _OBJECT,
    "resumed": _NUMBER,
    "asked": _NUMBER,
    "way": _TEXT,
    "verified": {"in_doubt": bool, "line": _TEXT},
    CUT_THOUGHTS: _NUMBER,
}

_FORM: Any = {
    "identity": _OBJECT,
    "settings": {"data_dir": _TEXT},
    "seal": _TEXT,
    "benchmark": {"sha256": {EACH: str}},
    "status": _TEXT,
    "started": _TEXT,
    "process": {"host": _TEXT, "job": _TEXT},
    "asking": {"began": _TEXT, "answered": _NUMBER, "of": _NUMBER},
    "ended": (dict, type(None)),
    "inference": {"seconds": _NUMBER, "estimate": {"card": _TEXT, "seconds": _NUMBER, "binds": _TEXT}},
    "seconds": {EACH: _NUMBER},
    "counts": {EACH: _NUMBER},
    "versions": _OBJECT,
    "device": _OBJECT,
    "prompt": _TEXT,
    CHECKPOINT_FILES: {EACH: str},
    "starts": [_START],
}
"""The kinds of the parts that are read again, where a part is there."""

_DEEPEST = 30
"""Levels that a manifest is nested; the settings of a run are three levels deep."""


def read_manifest(path: Path) -> dict[str, Any]:
    """A run's manifest, each of its parts of the kind that it is written in; it may lack any of them.

    Raises:
        RepopeError: it cannot be read, or a part of it is of another kind, which the message names.
    """
    require_inside(path)
    manifest = read_json(path)
    if not isinstance(manifest, dict):
        raise RepopeError(f"{path}: is no run's manifest")
    if mistake := _first_mistake(manifest, _FORM) or _too_deep(manifest):
        raise RepopeError(f"{path}: is no run's manifest ({mistake})")
    return manifest


def _first_mistake(value: Any, form: Any, name: str = "") -> str:
    """A sentence on the first part that is not of its form; empty where all parts are."""
    if not isinstance(value, type(form) if isinstance(form, dict | list) else form):
        return f"{name} is {shown(value)}"
    parts = _items_of(value) if isinstance(form, dict | list) else ()
    for key, part in parts:
        of_part = form[0] if isinstance(form, list) else form.get(key, form.get(EACH, object))
        if mistake := _first_mistake(part, of_part, f"{name}.{key}".strip(".")):
            return mistake
    return ""


def _items_of(value: Any) -> list[tuple[Any, Any]]:
    if isinstance(value, dict):
        return list(value.items())
    return list(enumerate(value)) if isinstance(value, list) else []


def _too_deep(document: Any) -> str:
    """Says that a document is nested too deeply to be walked without running out of stack; empty where it is not."""
    level = [document]
    for _ in range(_DEEPEST):
        level = [part for value in level for _, part in _items_of(value)]
    return f"it is nested more than {_DEEPEST} levels deep" if level else ""
