"""The mistakes that a command line is told of, in a process that looks at those of several commands."""

from pathlib import Path
from typing import Any

import pytest
from forgotten_groups import forget_groups

from repope_eval.settings.composition import register
from repope_eval.settings.config import RunSettings
from repope_eval.settings.validation import check

MEND = (
    "`python -m repope_eval models` lists them; another checkpoint is model={}, or model=chat where transformers has a "
    "class for it, with model.checkpoint=FOLDER_OR_ID; one behind a server is model=endpoint with model.url=ADDRESS; "
    "and for code of your own, `python -m repope_eval questions` writes the questions"
)


def mistakes_in(
    *words: str, record: Any = RunSettings, own: Path | None = None, sweep: bool = False
) -> list[str]:
    """What is found in the words; the groups of another command's settings are forgotten before and after."""
    with pytest.MonkeyPatch.context() as patched:
        forget_groups(patched)
        register(record, own)
        return check(record, words, own, multirun=sweep).mistakes
