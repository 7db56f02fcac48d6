"""What a benchmark and a model are called of which a user names the file or the checkpoint: by these, tellingly."""

import re
from pathlib import Path, PurePath

from repope_eval.settings.shipped_files import choices

OF_FILES = ("custom", "table")
"""The sources of benchmarks whose files the user names."""

HUB = "hub:"
"""What `bench.questions` begins with where it names a dataset: one of the Hub, or a folder like one."""

_TELLS_NOTHING = re.compile(
    r"(checkpoints?|models?|weights|outputs?|final|merged|best|last|latest|hf)([-_]\w{0,12})?"
    r"|(checkpoint|global[-_]step|step|epoch|iter)s?[-_]?\d+|\d+",
    re.IGNORECASE,
)
"""Names of folders that trainers give to the checkpoint of any model."""

_CACHED = re.compile(r"(?:^|.*/)models--(?:[^/]*--)?([^/]+)/snapshots/[0-9a-f]+$")
"""A checkpoint in the Hub's cache, where the model's name stands before that of a commit."""


def questions_name(questions: str) -> str:
    """A benchmark's name by its file of questions; empty where the file has none, or that of a shipped benchmark."""
    if questions.startswith(HUB):
        name = PurePath(questions.removeprefix(HUB).partition("@")[0]).name  # without the revision
    else:
        name = PurePath(questions).stem
    name = name.lstrip(".")  # no report finds a hidden folder
    return "" if name in choices("bench") else name


def checkpoint_name(checkpoint: str) -> str:
    """A model's name by its checkpoint: the last part, after those before it as long as they tell nothing.

    `/x/llava/checkpoint-1000` is `llava-checkpoint-1000`.
    """
    if found := _CACHED.match(checkpoint.rstrip("/")):
        return found[1]
    parts = [part.lstrip(".") for part in Path(checkpoint).parts if part.strip("./~")]
    telling = next(
        (place for place in reversed(range(len(parts))) if not _TELLS_NOTHING.fullmatch(parts[place])), 0
    )
    return "-".join(parts[telling:])
